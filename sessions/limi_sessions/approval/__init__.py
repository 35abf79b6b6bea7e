"""Whether a call of the agent runs: modes, what was accepted for the session, and the question to a person."""

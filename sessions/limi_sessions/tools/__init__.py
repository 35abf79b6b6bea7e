"""Tools of the agent, one module a tool family."""

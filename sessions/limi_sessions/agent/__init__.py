"""The agent: loop, model access, prompts."""

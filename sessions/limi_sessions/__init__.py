"""A session as it happens: pty, terminal, agent, tools, journal. Knows nothing of SQL, widgets or torch."""

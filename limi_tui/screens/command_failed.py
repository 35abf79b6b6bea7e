"""What a slash command raises when it could not be done."""

from __future__ import annotations


class CommandFailed(Exception):
    """A slash command could not be done; the message says why and what to do."""

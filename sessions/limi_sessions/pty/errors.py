"""What can go wrong with the shared shell."""

from __future__ import annotations


class ShellError(Exception):
    """Family of everything that can go wrong with a shell."""


class ShellMissing(ShellError):
    """The wanted shell is not installed; the message says which and what to do."""


class ShellStartFailed(ShellError):
    """The shell could not be started, or ended while it started."""


class ShellBusy(ShellError):
    """Something needs the shell at its prompt, and a program has the terminal."""


class LeaseLost(ShellError):
    """The caller's epoch is stale: somebody else may type now; nothing of the call was typed after that."""


class LeaseRefused(ShellError):
    """The agent may not start typing now; the message says who is in the way."""

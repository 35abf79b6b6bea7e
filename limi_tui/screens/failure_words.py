"""Errors in the words of the person who meets them: what was attempted, on what, and what to do."""

from __future__ import annotations

from limi_sessions.agent.spec import UnknownModel
from limi_sessions.journal import JournalBusy, JournalError
from limi_sessions.paths import HomeUnwritable
from limi_sessions.pty.errors import ShellError
from limi_sessions.resuming import SessionUnreadable
from limi_sessions.sandbox.protocol import SandboxMissing
from limi_store import StoreError

_KNOWN = (UnknownModel, JournalError, SessionUnreadable, HomeUnwritable, SandboxMissing, ShellError, StoreError)


def failure_words(error: BaseException) -> str:
    """One or two lines; an error that we did not foresee is named by its type."""
    if isinstance(error, StoreError):
        return f"{error}. The session itself is recorded all the same; `limi store check` looks into it."
    if isinstance(error, JournalBusy):
        return f"{error}. Close it there first, or open another session (F5)."
    if isinstance(error, _KNOWN):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}. Everything acknowledged is on disk; restart limi to go on."

"""Where the journals of a home lie, and how large they are.

A session lies in ``sessions/ID`` or, while deleted, in ``bin/ID``; the desk's journal has the id ``desk``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from limi_sessions.journal import read_journal
from limi_sessions.paths import Home, SessionPaths
from limi_sessions.records.event import DESK, Event
from limi_store.errors import SessionUnknown


def session_directory(home: Home, session_id: str) -> Path | None:
    """The directory of a session wherever it lies, None when there is none.

    Raises:
        SessionUnknown: the text cannot be an id (it would leave the home's directories).
    """
    if not session_id or session_id.startswith(".") or "/" in session_id or "\0" in session_id:
        raise SessionUnknown(f"{session_id!r} is no session id; `limi session list` shows them")
    for parent in (home.sessions, home.bin):
        if (parent / session_id).is_dir():
            return parent / session_id
    return None


def journal_path(home: Home, session_id: str) -> Path | None:
    """The journal of a session or of the desk, None when there is none.

    Raises:
        SessionUnknown: the text cannot be an id.
    """
    if session_id == DESK:
        return home.desk_journal if home.desk_journal.exists() else None
    directory = session_directory(home, session_id)
    if directory is None:
        return None
    path = SessionPaths(directory).journal
    return path if path.exists() else None


def events_of(home: Home, session_id: str) -> list[Event]:
    """All readable events of a session or of the desk.

    Raises:
        SessionUnknown: there is no such journal.
    """
    path = journal_path(home, session_id)
    if path is None:
        raise SessionUnknown(f"there is no session {session_id}; `limi session list` shows them")
    return list(read_journal(path).events)


def journal_sizes(home: Home) -> dict[str, int]:
    """Every journal's size in bytes by session id: the desk first, then sessions and the bin, each in order."""
    sizes: dict[str, int] = {}
    for session_id, path in _candidates(home):
        try:
            sizes[session_id] = os.stat(path).st_size  # noqa: PTH116 - a Path per session costs more than the call
        except (FileNotFoundError, NotADirectoryError):
            continue
    return sizes


def _candidates(home: Home) -> Iterator[tuple[str, str]]:
    yield DESK, str(home.desk_journal)
    for parent in (home.sessions, home.bin):
        try:
            names = sorted(os.listdir(parent))  # noqa: PTH208 - see above
        except FileNotFoundError:
            continue
        for name in names:
            if not name.startswith("."):
                yield name, f"{parent}/{name}/events.jsonl"

"""Which texts are handles of people. Imports nothing heavy: the command line checks handles before it loads a verb."""

from __future__ import annotations

import re

_HANDLE = re.compile(r"[A-Za-z0-9._-]{1,40}")
RESERVED = frozenset({"agent", "system"})
"""Actors of events that no person did."""
ALLOWED = "1 to 40 letters, digits, dots, underscores and dashes, and neither agent nor system"


def is_handle(text: str) -> bool:
    """Whether events may be recorded under this handle."""
    return _HANDLE.fullmatch(text) is not None and text not in RESERVED


def handle_from(name: str) -> str:
    """The closest handle to any name; ``expert`` where nothing of it can be used."""
    handle = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:40].strip("-")
    return handle if is_handle(handle) else "expert"

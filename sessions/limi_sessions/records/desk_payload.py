"""What people do with finished sessions: events of the desk's journal."""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.value import Value


class SessionRenamed(Value):
    """Desk event: a session was given a title."""

    kind: Literal["session_renamed"] = "session_renamed"
    target: str
    title: str


class SessionTagged(Value):
    """Desk event: a session's tags changed."""

    kind: Literal["session_tagged"] = "session_tagged"
    target: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class SessionDeleted(Value):
    """Desk event: a session was moved to the bin (tombstone)."""

    kind: Literal["session_deleted"] = "session_deleted"
    target: str
    journal_sha256: str
    """Last hash of the chain at the time of deletion."""


class SessionRestored(Value):
    """Desk event: a deletion was taken back."""

    kind: Literal["session_restored"] = "session_restored"
    target: str


class BinEmptied(Value):
    """Desk event: the bin was emptied, disk freed."""

    kind: Literal["bin_emptied"] = "bin_emptied"
    targets: tuple[str, ...]

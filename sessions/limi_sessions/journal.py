"""The append-only journal of one session: one JSON line an event, hash-chained, fdatasync before acknowledgement.

Knows nothing of DuckDB: the query model is rebuilt from these files. Written under flock by one process only. A
last line without its newline is torn (the machine or the process died in mid-write) and was never acknowledged; a
writer cuts it off. A damaged line elsewhere is skipped and reported, and everything that verifies is kept.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limi_sessions.paths import private_directory
from limi_sessions.records.event import GENESIS, Event, EventUnreadable, parse_event, seal
from limi_sessions.records.identity import utc_now, uuid7
from limi_sessions.records.payload import Payload

_BLOCK = 1 << 16
_CLAIMS = 25
_CLAIM_WAIT_S = 0.01
"""A quarter of a second in all: on a loaded machine whoever only asks may be put to sleep with the lock in hand."""


class JournalError(OSError):
    """A journal could not be opened or written; nothing was acknowledged."""


class JournalBusy(JournalError):
    """Another process writes this journal."""


@dataclass(frozen=True)
class JournalReading:
    """What a journal file holds."""

    events: tuple[Event, ...]
    problems: tuple[str, ...]
    """Damaged lines and broken links as ``FILE:LINE: what``; empty for a sound journal."""
    torn: bool = False
    """The last line has no newline: it was never acknowledged."""
    end: int = 0
    """File offset after the last complete line, bytes."""


@dataclass
class _ChainCheck:
    path: Path
    previous: str | None = None
    expected_seq: int | None = None
    problems: list[str] = field(default_factory=list[str])

    def admit(self, line: bytes, number: int) -> Event | None:
        where = f"{self.path}:{number}"
        try:
            event = parse_event(line)
        except EventUnreadable as error:
            self.problems.append(f"{where}: unreadable event: {error}")
            self.previous, self.expected_seq = None, None
            return None
        if self.previous is not None and event.prev_sha256 != self.previous:
            self.problems.append(f"{where}: the chain is broken: it does not follow the event before it")
        if self.expected_seq is not None and event.seq != self.expected_seq:
            self.problems.append(f"{where}: seq {event.seq} where {self.expected_seq} should be")
        self.previous, self.expected_seq = event.sha256, event.seq + 1
        return event


def read_journal(path: Path, *, after_seq: int = -1, offset: int = 0) -> JournalReading:
    """The events of a journal, in order.

    Args:
        path: the journal; a missing file reads as empty.
        after_seq: only events with a larger seq are returned (all are verified).
        offset: start at this byte, which must be the start of a line; the link to the line before is not checked.
    """
    check = _ChainCheck(path)
    if offset == 0:
        check.previous, check.expected_seq = GENESIS, 0
    events: list[Event] = []
    torn, end, number = False, offset, 0
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return JournalReading((), ())
    with stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                torn = True
                break
            number += 1
            end += len(line)
            event = check.admit(line, number)
            if event is not None and event.seq > after_seq:
                events.append(event)
    return JournalReading(tuple(events), tuple(check.problems), torn, end)


def last_event(path: Path) -> Event | None:
    """The last readable event of a journal, found from its end; None for an empty or missing file."""
    try:
        with path.open("rb") as stream:
            for line in _lines_backwards(stream.fileno()):
                try:
                    return parse_event(line)
                except EventUnreadable:
                    continue
    except FileNotFoundError:
        return None
    return None


def is_being_written(path: Path) -> bool:
    """Whether a living process holds the journal's lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


class Journal:
    """The writing end of a journal; not thread-safe: one thread appends."""

    def __init__(self, path: Path, session_id: str) -> None:
        """Open for appending, creating the file (0600) where needed, and cut off a torn last line.

        Raises:
            JournalBusy: another process writes it.
            JournalError: it cannot be opened or made.
        """
        self.path = path
        self.session_id = session_id
        try:
            private_directory(path.parent)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(error.errno, f"cannot open the journal {path}: {error.strerror}") from error
        try:
            self._claim()
            self._size = self._cut_torn_tail()
            last = next(self._readable_backwards(), None)
            os.fsync(self._descriptor)
            sync_directory(path.parent)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._next_seq = 0 if last is None else last.seq + 1
        self._previous = GENESIS if last is None else last.sha256

    @property
    def head_sha256(self) -> str:
        """The hash of the last event."""
        return self._previous

    def append(self, payload: Payload, *, actor: str) -> Event:
        """Write one event and wait until it is on disk.

        Raises:
            JournalError: it could not be written; the file is as before.
        """
        return self.append_all([(payload, actor)])[0]

    def append_all(self, entries: Sequence[tuple[Payload, str]]) -> list[Event]:
        """Write (payload, actor) pairs in order with one fdatasync; all or none are acknowledged.

        Raises:
            JournalError: they could not be written; the file is as before.
        """
        events: list[Event] = []
        lines: list[bytes] = []
        previous = self._previous
        for number, (payload, actor) in enumerate(entries):
            event, line = seal(
                payload,
                event_id=uuid7(),
                session_id=self.session_id,
                seq=self._next_seq + number,
                ts=utc_now(),
                mono_ns=time.monotonic_ns(),
                actor=actor,
                prev_sha256=previous,
            )
            previous = event.sha256
            events.append(event)
            lines.append(line)
        self._write(b"".join(lines))
        self._next_seq += len(events)
        self._previous = previous
        return events

    def close(self) -> None:
        """Give up the lock; appending afterwards is an error."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _claim(self) -> None:
        for attempt in range(_CLAIMS):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if attempt == _CLAIMS - 1:
                    raise JournalBusy(
                        error.errno,
                        f"session {self.session_id} is being written by another limi process ({self.path})",
                    ) from error
                # `is_being_written` holds a shared lock for microseconds; a writer keeps its own while it lives.
                time.sleep(_CLAIM_WAIT_S)
            else:
                return

    def _cut_torn_tail(self) -> int:
        size = os.fstat(self._descriptor).st_size
        end = _last_newline(self._descriptor, size)
        if end < size:
            os.ftruncate(self._descriptor, end)
        return end

    def _readable_backwards(self) -> Iterator[Event]:
        for line in _lines_backwards(self._descriptor):
            try:
                yield parse_event(line)
            except EventUnreadable:
                continue

    def _write(self, block: bytes) -> None:
        view = memoryview(block)
        try:
            written = 0
            while written < len(block):
                written += os.pwrite(self._descriptor, view[written:], self._size + written)
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._take_back()
            raise JournalError(
                error.errno, f"cannot write the journal {self.path}: {error.strerror}. Free space on its disk."
            ) from error
        self._size += len(block)

    def _take_back(self) -> None:
        # A part of the block may have reached the file; without this it would be a damaged line in the middle later.
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            return


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_newline(descriptor: int, size: int) -> int:
    """The offset after the last newline, 0 when there is none."""
    position = size
    while position > 0:
        start = max(0, position - _BLOCK)
        found = os.pread(descriptor, position - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


def _lines_backwards(descriptor: int) -> Iterator[bytes]:
    """Complete lines from the last to the first, without their newlines."""
    end = _last_newline(descriptor, os.fstat(descriptor).st_size)
    while end > 0:
        start = _last_newline(descriptor, end - 1)
        yield os.pread(descriptor, end - 1 - start, start)
        end = start

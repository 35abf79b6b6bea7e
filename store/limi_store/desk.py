"""What people do to sessions as a whole: the desk's journal and the bin. Used by the writer's thread.

A deletion is a tombstone in the desk's journal and the session's directory moved to the bin; both come back with
`restore` and the directory goes for good with `empty_bin`. The journal comes first, so a crash between the two
steps is finished at the next start.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Generator
from pathlib import Path

from limi_sessions.journal import Journal, JournalBusy, JournalError, read_journal
from limi_sessions.paths import SessionPaths, private_directory
from limi_sessions.records.event import DESK, Event
from limi_sessions.records.payload import (
    BinEmptied,
    LeaseChanged,
    Payload,
    SessionDeleted,
    SessionFinished,
    SessionRestored,
    SessionResumed,
    SessionStarted,
    SettingsChanged,
    ShellLost,
    ShellStarted,
    WorkspaceSnapshotTaken,
)
from limi_store.errors import SessionRunning, SessionUnknown, StoreRefused
from limi_store.journals import session_directory
from limi_store.keeper import Keeper
from limi_store.tables.desk import bin_states


class Desk:
    """The desk's journal, opened when first written."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._home = keeper.home
        self._journal: Journal | None = None

    def append(self, payload: Payload, *, actor: str) -> Event:
        """Write an event and project it.

        Raises:
            StoreRefused: it cannot be written.
        """
        try:
            if self._journal is None:
                self._journal = Journal(self._home.desk_journal, DESK)
            event = self._journal.append(payload, actor=actor)
        except JournalError as error:
            raise StoreRefused(f"{payload.kind} was not recorded: {error}") from error
        self._keeper.bring_up_to_date([DESK])
        return event

    def delete(self, session_id: str, *, actor: str) -> None:
        """Move a session to the bin.

        Raises:
            SessionUnknown, SessionRunning, StoreRefused: nothing was changed.
        """
        directory = self._directory(session_id)
        if directory.parent == self._home.bin:
            return
        with self._held(SessionPaths(directory).journal, session_id) as journal:
            self.append(SessionDeleted(target=session_id, journal_sha256=journal.head_sha256), actor=actor)
            self._move(directory, self._home.bin)

    def restore(self, session_id: str, *, actor: str) -> None:
        """Take a session out of the bin.

        Raises:
            SessionUnknown, StoreRefused: nothing was changed.
        """
        directory = self._directory(session_id)
        if directory.parent == self._home.sessions:
            return
        self.append(SessionRestored(target=session_id), actor=actor)
        self._move(directory, self._home.sessions)

    def discard_unused(self, session_id: str) -> bool:
        """Remove for good a session in which nobody said or ran anything; whether it was one.

        Raises:
            SessionUnknown, SessionRunning, StoreRefused: nothing was changed.
        """
        directory = self._directory(session_id)
        path = SessionPaths(directory).journal
        with self._held(path, session_id):
            if any(_is_used(event.payload) for event in read_journal(path).events):
                return False
            # The rows first: a crash in between leaves a session that is projected anew.
            self._keeper.projector.remove([session_id])
            self._keeper.search.forget([session_id])
            shutil.rmtree(directory, ignore_errors=True)
        return True

    def empty_bin(self, *, actor: str) -> int:
        """Remove deleted sessions for good; the bytes freed.

        Raises:
            StoreRefused: nothing was removed.
            StoreDegraded: the files are gone, their rows are not yet.
        """
        targets = self._binned()
        if not targets:
            return 0
        self.append(BinEmptied(targets=tuple(targets)), actor=actor)
        freed = sum(_size(self._home.bin / target) for target in targets)
        self._remove(targets)
        self._keeper.read(lambda cursor: cursor.execute("CHECKPOINT"))
        self._keeper.database.protect()
        return freed

    def settle(self) -> list[str]:
        """Finish what a crash left half done; what was moved or removed."""
        settled: list[str] = []
        states = self._keeper.read(bin_states)
        for session_id, state in states.items():
            here, there = self._home.sessions / session_id, self._home.bin / session_id
            if state == "deleted" and here.is_dir() and not there.exists():
                self._move(here, self._home.bin)
            elif state == "restored" and there.is_dir() and not here.exists():
                self._move(there, self._home.sessions)
            elif state == "emptied" and there.is_dir():
                self._remove([session_id])
            else:
                continue
            settled.append(f"session {session_id}: finished what was begun when it was {state}")
        for session_id in self._binned():
            if session_id not in states:
                self._move(self._home.bin / session_id, self._home.sessions)
                settled.append(f"session {session_id}: it lay in the bin but was never deleted; moved back")
        return settled

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    @contextlib.contextmanager
    def _held(self, path: Path, session_id: str) -> Generator[Journal]:
        """A session's journal, held so that nobody resumes the session meanwhile."""
        try:
            journal = Journal(path, session_id)
        except JournalBusy as error:
            raise SessionRunning(
                f"session {session_id} is running; finish it (or close its workstation) before deleting it"
            ) from error
        except JournalError as error:
            raise StoreRefused(f"session {session_id} was not deleted: {error}") from error
        with contextlib.closing(journal):
            yield journal

    def _directory(self, session_id: str) -> Path:
        directory = session_directory(self._home, session_id)
        if directory is None:
            raise SessionUnknown(f"there is no session {session_id}; `limi session list` shows them")
        return directory

    def _binned(self) -> list[str]:
        if not self._home.bin.is_dir():
            return []
        return sorted(place.name for place in self._home.bin.iterdir() if place.is_dir())

    def _move(self, directory: Path, parent: Path) -> None:
        self._keeper.projector.forget(directory.name)
        try:
            private_directory(parent)
            directory.rename(parent / directory.name)
        except OSError as error:
            raise StoreRefused(f"cannot move {directory} to {parent}: {error.strerror}") from error

    def _remove(self, session_ids: list[str]) -> None:
        for session_id in session_ids:
            shutil.rmtree(self._home.bin / session_id, ignore_errors=True)
        self._keeper.projector.remove(session_ids)
        self._keeper.search.forget(session_ids)


def _size(directory: Path) -> int:
    """Bytes that a directory's files occupy on disk."""
    return sum(path.lstat().st_blocks * 512 for path in directory.rglob("*") if not path.is_dir())


def _is_used(payload: Payload) -> bool:
    """Whether an event says more than that a session was open."""
    if isinstance(payload, ShellStarted):
        # Without marks nobody can tell whether commands were run.
        return payload.marks == "plain"
    opened = (SessionStarted, WorkspaceSnapshotTaken, SessionResumed, SettingsChanged, SessionFinished)
    return not isinstance(payload, (*opened, ShellLost, LeaseChanged))

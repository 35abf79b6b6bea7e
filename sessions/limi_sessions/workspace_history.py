"""The states that a session's workspace went through, and where undo and redo lead: read from its events alone.

Knows nothing of git and of files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from limi_sessions.records.event import Event
from limi_sessions.records.payload import SnapshotCause, WorkspaceRestored, WorkspaceSnapshotTaken


@dataclass(frozen=True)
class WorkspaceState:
    """A state of the workspace that was kept."""

    checkpoint: str
    cause: SnapshotCause
    call_id: str | None
    """The call of the agent that made it; None: another hand."""
    ts: str


class WorkspaceHistory:
    """A line of states with a position on it. A new state after an undo ends what could be redone."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._states: list[WorkspaceState] = []
        self._position = -1
        self.changing_calls: frozenset[str] = frozenset()
        """Ids of the agent's calls after which the workspace differed."""
        self.skipped = ""
        """Why the latest state was not kept; empty when it was."""
        for event in events:
            self.feed(event)

    def feed(self, event: Event) -> None:
        """Take the next event of the session."""
        match event.payload:
            case WorkspaceSnapshotTaken(checkpoint=str() as checkpoint) as taken:
                self.skipped = ""
                if taken.call_id is not None:
                    self.changing_calls |= {taken.call_id}
                self._reach(WorkspaceState(checkpoint, taken.cause, taken.call_id, event.ts))
            case WorkspaceSnapshotTaken(skipped=skipped) if skipped:
                self.skipped = skipped
            case WorkspaceRestored(cause="rewind", checkpoint=checkpoint):
                self._reach(WorkspaceState(checkpoint, "asked", None, event.ts))
            case WorkspaceRestored(cause=cause, checkpoint=checkpoint):
                self._move(checkpoint, -1 if cause == "undo" else 1)
            case _:
                pass

    @property
    def current(self) -> WorkspaceState | None:
        """The state that was kept or restored last; None before the first."""
        return self._states[self._position] if self._states else None

    @property
    def undo_target(self) -> WorkspaceState | None:
        """The state before the current one; None when there is none."""
        return self._states[self._position - 1] if self._position > 0 else None

    @property
    def redo_target(self) -> WorkspaceState | None:
        """The state that was undone last; None when nothing was."""
        following = self._position + 1
        return self._states[following] if 0 < following < len(self._states) else None

    def _reach(self, state: WorkspaceState) -> None:
        if self.current is not None and self.current.checkpoint == state.checkpoint:
            return
        del self._states[self._position + 1 :]
        self._states.append(state)
        self._position += 1

    def _move(self, checkpoint: str, step: int) -> None:
        position = self._position + step
        while 0 <= position < len(self._states):
            if self._states[position].checkpoint == checkpoint:
                self._position = position
                return
            position += step

"""The workspace of a live session: its states are kept as it changes, and brought back when the expert asks.

Knows nothing of turns and of screens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from limi_sessions.checkpoints import Checkpoint, Checkpoints
from limi_sessions.records.event import Event
from limi_sessions.records.payload import HumanRan, Payload, SnapshotCause, WorkspaceRestored, WorkspaceSnapshotTaken
from limi_sessions.workspace_history import WorkspaceHistory

MOST_PATHS = 200
"""Changed files that a `workspace_restored` event names."""
_Record = Callable[[Payload], Awaitable[Event]]


class CannotRestore(RuntimeError):
    """There is no state of the workspace to go to; the message says why."""


class LiveWorkspace:
    """One operation at a time. All methods are called on the event loop; git runs in a thread."""

    def __init__(self, checkpoints: Checkpoints, *, history: WorkspaceHistory, system: _Record, human: _Record) -> None:
        """Nothing is kept yet.

        Args:
            checkpoints: the session's repository.
            history: the session's states so far.
            system: records what limi did.
            human: records what the expert did.
        """
        self.checkpoints = checkpoints
        self.history = history
        self._system, self._human = system, human
        self._turn = asyncio.Lock()
        self._told = ""
        self._following: asyncio.Task[None] | None = None

    def event_recorded(self, event: Event) -> None:
        """Take an acknowledged event; a command of the expert may have changed files."""
        self.history.feed(event)
        if isinstance(event.payload, HumanRan) and event.payload.reached_model and self._following_is_done:
            self._following = asyncio.create_task(self.keep("human"), name="workspace-snapshot")

    @property
    def _following_is_done(self) -> bool:
        return self._following is None or self._following.done()

    async def settled(self) -> None:
        """Wait for what is being kept."""
        if self._following is not None:
            await asyncio.wait({self._following})
        async with self._turn:
            pass

    async def keep(self, cause: SnapshotCause, call_id: str | None = None) -> None:
        """Keep the present state; recorded when it is the first or differs from the last one.

        Raises:
            JournalError: it could not be recorded.
        """
        async with self._turn:
            await self._keep(cause, call_id)

    async def undo(self) -> WorkspaceRestored:
        """Bring back the state before the last change.

        Raises:
            CannotRestore: there is none.
            JournalError: it could not be recorded.
        """
        async with self._turn:
            await self._keep("asked", None)
            return await self._restore("undo")

    async def redo(self) -> WorkspaceRestored:
        """Bring back what was undone last.

        Raises:
            CannotRestore: nothing was undone, or something changed since.
            JournalError: it could not be recorded.
        """
        async with self._turn:
            await self._keep("asked", None)
            return await self._restore("redo")

    async def go_to(self, checkpoint: str, *, reached_model: bool) -> WorkspaceRestored:
        """Bring back any state of this session.

        Raises:
            CannotRestore: it could not be restored.
            JournalError: it could not be recorded.
        """
        async with self._turn:
            await self._keep("asked", None)
            return await self._go_to(checkpoint, "rewind", reached_model=reached_model)

    async def _keep(self, cause: SnapshotCause, call_id: str | None) -> None:
        taken = await asyncio.to_thread(self.checkpoints.take)
        current = self.history.current
        # After a state that could not be kept, an old one is news.
        known = current is not None and current.checkpoint == taken.id and not self.history.skipped
        if known or (taken.skipped and taken.skipped == self._told):
            return
        self._told = taken.skipped
        await self._system(snapshot_payload(taken, cause, call_id))

    async def _restore(self, cause: Literal["undo", "redo"]) -> WorkspaceRestored:
        target = self.history.undo_target if cause == "undo" else self.history.redo_target
        if target is None:
            why = f": {self.history.skipped}" if self.history.skipped else ""
            raise CannotRestore(f"nothing to {cause} in the workspace{why}")
        return await self._go_to(target.checkpoint, cause, reached_model=True)

    async def _go_to(
        self, checkpoint: str, cause: Literal["undo", "redo", "rewind"], *, reached_model: bool
    ) -> WorkspaceRestored:
        current = self.history.current
        before = None if current is None else current.checkpoint
        try:
            changes = () if before is None else await asyncio.to_thread(self.checkpoints.changes, before, checkpoint)
            restored = await asyncio.to_thread(self.checkpoints.restore, checkpoint)
        except OSError as error:
            raise CannotRestore(f"the workspace was not restored: {error}") from error
        payload = WorkspaceRestored(
            cause=cause,
            checkpoint=checkpoint,
            before=before,
            paths=tuple(change.path for change in changes[:MOST_PATHS]),
            changed=len(changes),
            problems=restored.problems,
            reached_model=reached_model and bool(changes),
        )
        await self._human(payload)
        return payload


def snapshot_payload(taken: Checkpoint, cause: SnapshotCause, call_id: str | None) -> WorkspaceSnapshotTaken:
    """What is recorded of a state that was kept, or was not."""
    return WorkspaceSnapshotTaken(
        tree=taken.tree,
        checkpoint=taken.id,
        cause=cause,
        call_id=call_id,
        files=taken.files,
        size_bytes=taken.size_bytes,
        skipped=taken.skipped,
        withheld=taken.withheld,
        left_out=taken.left_out,
    )

"""Going back in a live session: to an earlier turn of its conversation, to the files as they were then, or both.

What is left behind stays in the journal as a branch; nothing is ever deleted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from limi_sessions.agent.conversation import Conversation
from limi_sessions.branches import BranchUnknown, path_of, turns_through
from limi_sessions.checkpoints_at import checkpoint_at
from limi_sessions.journal import read_journal
from limi_sessions.live_record import SessionRecord
from limi_sessions.live_workspace import CannotRestore, LiveWorkspace
from limi_sessions.records.payload import Rewound
from limi_sessions.records.turn import Turn

Parts = Literal["both", "conversation", "files"]


class CannotRewind(RuntimeError):
    """The session cannot go back there; the message says why and what there is."""


@dataclass(frozen=True)
class RewindPoint:
    """Where to go back to."""

    turn_no: int
    """The last turn that stays."""
    branch: str | None = None
    """On the path of this branch; None: of the one where the conversation stands."""


@dataclass(frozen=True)
class RewindOutcome:
    """What was done."""

    branch: str | None
    """The branch that began; None: the conversation stayed."""
    changed_files: int | None
    """Files that were brought back; None: the files stayed."""
    problems: tuple[str, ...] = ()
    """What could not be brought back."""


class Rewindable(Protocol):
    """What a rewind needs of a live session."""

    record: SessionRecord
    conversation: Conversation
    workspace: LiveWorkspace

    async def stop(self) -> None:
        """Stop the agent."""
        ...


async def rewind(
    session: Rewindable, point: RewindPoint, *, journal: Path, parts: Parts = "both", retry: bool = False
) -> RewindOutcome:
    """Stop the agent and go back; with calls that a turn made, their results stay too.

    Args:
        session: live.
        point: where to.
        journal: the session's journal.
        parts: the conversation, the workspace's files, or both.
        retry: recorded: the agent is asked again at once.

    Raises:
        CannotRewind: there is no such turn, or no state of the files was kept there. Nothing has changed then.
        CannotRestore: the files could not be brought back; the conversation has gone back where that was asked.
        JournalError: it could not be recorded.
    """
    await session.stop()
    await session.workspace.settled()
    line = session.conversation.line
    to_branch = point.branch or line.branch
    try:
        path = path_of(line.branches, to_branch)
        kept = turns_through(path, point.turn_no)
    except BranchUnknown as error:
        raise CannotRewind(str(error)) from error
    checkpoint = await _checkpoint(path, kept, journal, session.workspace) if parts != "conversation" else None
    branch = None
    if parts != "files":
        branch = line.next_branch
        rewound = Rewound(
            branch=branch,
            from_branch=line.branch,
            from_turn=len(line.turns),
            to_branch=to_branch,
            to_turn=kept,
            retry=retry,
        )
        # First this, then the files: the state at the end of what is left behind is the one before them.
        await session.record.human(rewound)
    if checkpoint is None:
        return RewindOutcome(branch, None)
    restored = await session.workspace.go_to(checkpoint, reached_model=parts == "files")
    return RewindOutcome(branch, restored.changed, restored.problems)


async def _checkpoint(path: tuple[Turn, ...], kept: int, journal: Path, workspace: LiveWorkspace) -> str:
    events = (await asyncio.to_thread(read_journal, journal)).events
    checkpoint = checkpoint_at(events, path, kept - 1)
    if checkpoint is None:
        why = workspace.history.skipped or "no state of the workspace was kept there"
        raise CannotRewind(
            f"the files at turn {kept - 1} cannot be brought back: {why}. `conversation` goes back alone"
        )
    return checkpoint


__all__ = ["CannotRestore", "CannotRewind", "Parts", "RewindOutcome", "RewindPoint", "rewind"]

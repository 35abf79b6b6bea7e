"""Which kept state of the workspace belongs to a turn: read from a session's events alone.

Knows nothing of git and of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from limi_sessions.branches import BranchUnknown
from limi_sessions.records.event import Event
from limi_sessions.records.payload import Rewound, WorkspaceRestored, WorkspaceSnapshotTaken
from limi_sessions.records.turn import Turn
from limi_sessions.trajectory import TurnBuilder


def checkpoint_at(events: Iterable[Event], path: Sequence[Turn], turn_no: int) -> str | None:
    """The state of the workspace when a turn was the last one: before the next turn and before the session was rewound.

    That is the last state recorded until then; as only changes are recorded, it may be from long before the turn. The
    state before an agent's calls is that of the turn that proposed them; the state after them is that of the last of
    their results, which is turn ``turns_through(path, turn_no) - 1``.

    Args:
        events: of one session, in order; all of them, whatever branch they belong to: there is one workspace.
        path: as a `TurnBuilder` or `path_of` gives it.
        turn_no: of the path.

    Returns:
        The id of a checkpoint; None when none was kept by then, or the workspace could not be kept any more.

    Raises:
        BranchUnknown: the path has no such turn.
    """
    if not 0 <= turn_no < len(path):
        raise BranchUnknown(f"there is no turn {turn_no}; the turns are 0 to {len(path) - 1}")
    wanted = path[turn_no].event_id
    builder = TurnBuilder()
    state: str | None = None
    reached = False
    for event in events:
        # What waited for the results of calls is settled by a rewind, too.
        settled = {turn.event_id for turn in builder.feed(event)}
        if reached and (settled or isinstance(event.payload, Rewound)):
            return state
        if isinstance(event.payload, WorkspaceSnapshotTaken | WorkspaceRestored):
            # None after a state that could not be kept: the one before it would be the wrong one.
            state = event.payload.checkpoint
        reached = reached or wanted in settled
        if reached and isinstance(event.payload, Rewound):
            return state
    return state

"""Reading the branches of a session: the path to the end of one, and the events that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from limi_sessions.branch_book import BranchUnknown, path_by_name
from limi_sessions.records.event import Event
from limi_sessions.records.payload import (
    ModelFailed,
    ModelMessage,
    ModelRequest,
    ModelRetried,
    Rewound,
    SessionStarted,
    TodoWritten,
    ToolDecided,
    ToolFinished,
    ToolProposed,
    UserMessage,
)
from limi_sessions.records.turn import MAIN, Branch, Trajectory, Turn
from limi_sessions.trajectory import TurnBuilder

__all__ = ["BranchUnknown", "branches_of", "events_on_path", "path_of", "turns_through"]

_ASKING = (ModelRequest, ModelRetried, ModelFailed, Rewound)
"""What leads to the next turn."""
_FOLLOWING = (UserMessage, ModelMessage, ToolProposed, ToolDecided, ToolFinished, TodoWritten)
"""What is part of the exchange that it stands in, where it is no turn itself. All else concerns the whole session."""


def path_of(branches: Sequence[Branch], name: str) -> tuple[Turn, ...]:
    """The turns from the beginning of the session to the end of a branch.

    Raises:
        BranchUnknown: there is none of that name.
    """
    by_name = {branch.name: branch for branch in branches}
    if name not in by_name:
        raise BranchUnknown(f"there is no branch {name!r}; there are: {', '.join(by_name)}")
    return tuple(path_by_name(by_name, name, lambda wanted: by_name[wanted].turns))


def branches_of(trajectory: Trajectory) -> tuple[Branch, ...]:
    """All branches, ``main`` alone where the session was never rewound; the last is where it stands."""
    return trajectory.branches or (Branch(name=MAIN, turns=trajectory.turns),)


def turns_through(path: Sequence[Turn], turn_no: int) -> int:
    """How many turns of a path a rewind to a turn keeps: through that turn and, if it made calls, their results.

    Raises:
        BranchUnknown: the path has no such turn.
    """
    if not 0 <= turn_no < len(path):
        raise BranchUnknown(f"there is no turn {turn_no}; the turns are 0 to {len(path) - 1}")
    kept = turn_no + 1
    while kept < len(path) and path[kept].role == "tool":
        kept += 1
    return kept


def events_on_path(events: Iterable[Event], path: Sequence[Turn]) -> list[Event]:
    """The events of a session without those of turns that are not on a path: what a reader of that path is shown.

    Of the rewinds only those stay that the path went through. What concerns the whole session (its shells, settings,
    and the states of its workspace) stays, whatever branch it was recorded on.

    Args:
        events: of one session, in order.
        path: as a `TurnBuilder` or `path_of` gives it, or the beginning of one.
    """
    every = list(events)
    on_path = {turn.event_id for turn in path}
    builder = TurnBuilder()
    turn_events: set[str] = set()
    shown = [True] * len(every)
    asking: list[int] = []
    for number, event in enumerate(every):
        if isinstance(event.payload, Rewound):
            _answer(shown, asking, every, answered=_last_is_on_path(builder, on_path), ends=True)
        settled = [turn.event_id for turn in builder.feed(event)]
        turn_events.update(settled)
        if settled and not isinstance(event.payload, Rewound):
            _answer(shown, asking, every, answered=settled[-1] in on_path, ends=False)
        if isinstance(event.payload, _ASKING) and event.event_id not in settled:
            asking.append(number)
        elif isinstance(event.payload, _FOLLOWING):
            shown[number] = _last_is_on_path(builder, on_path)
    stands_here = on_path == {turn.event_id for turn in builder.turns}
    _answer(shown, asking, every, answered=_last_is_on_path(builder, on_path), ends=not stands_here)
    return [
        event
        for number, event in enumerate(every)
        if isinstance(event.payload, SessionStarted)
        or (event.event_id in on_path if event.event_id in turn_events else shown[number])
    ]


def _answer(shown: list[bool], asking: list[int], events: Sequence[Event], *, answered: bool, ends: bool) -> None:
    """Decide about what led to a turn, or to the end of a branch: a rewind without a turn after it led nowhere."""
    for number in asking:
        shown[number] = answered and not (ends and isinstance(events[number].payload, Rewound))
    asking.clear()


def _last_is_on_path(builder: TurnBuilder, on_path: set[str]) -> bool:
    return not builder.turns or builder.turns[-1].event_id in on_path

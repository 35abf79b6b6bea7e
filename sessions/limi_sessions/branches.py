"""The branches of a session's conversation: how a rewind leaves one and begins another.

A session's journal is one line; its conversation is a tree. Each turn belongs to the branch on which it was recorded; a
path is the turns from the session's beginning to the end of a branch. Knows nothing of how turns come from events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from limi_sessions.records.event import Event
from limi_sessions.records.payload import Rewound, SessionStarted
from limi_sessions.records.turn import MAIN, Branch, Turn


class BranchUnknown(LookupError):
    """There is no branch, or no turn, of that name; the message lists what there is."""


class BranchBook:
    """The branches of one session as its turns and rewinds arrive."""

    def __init__(self) -> None:
        self.path: list[Turn] = []
        """The path of the branch where the conversation stands."""
        self._branches: dict[str, Branch] = {MAIN: Branch(name=MAIN)}
        self._own: dict[str, list[Turn]] = {MAIN: []}
        self.current = MAIN
        """Where the conversation stands."""

    def add(self, turn: Turn) -> None:
        """The next turn of the current branch."""
        self.path.append(turn)
        self._own[self.current].append(turn)

    def rewind(self, rewound: Rewound, ts: str) -> None:
        """Leave the current branch."""
        kept = self._path(rewound.to_branch)[: rewound.to_turn]
        self._branches[rewound.branch] = Branch(name=rewound.branch, parent=rewound.to_branch, at_turn=len(kept), ts=ts)
        self._own[rewound.branch] = []
        self.current = rewound.branch
        self.path = kept

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Every branch with its own turns, in the order in which they began."""
        return tuple(
            branch.model_copy(update={"turns": tuple(self._own[name])}) for name, branch in self._branches.items()
        )

    def next_name(self) -> str:
        """A name for the next branch: ``b1``, ``b2``, ..."""
        return f"b{len(self._branches)}"

    def _path(self, name: str) -> list[Turn]:
        if name not in self._branches:
            raise BranchUnknown(f"there is no branch {name!r}; there are: {', '.join(self._branches)}")
        branch = self._branches[name]
        before = self._path(branch.parent)[: branch.at_turn] if branch.parent is not None else []
        return [*before, *self._own[name]]


def path_of(branches: Sequence[Branch], name: str) -> tuple[Turn, ...]:
    """The turns from the beginning of the session to the end of a branch.

    Raises:
        BranchUnknown: there is none of that name.
    """
    by_name = {branch.name: branch for branch in branches}
    if name not in by_name:
        raise BranchUnknown(f"there is no branch {name!r}; there are: {', '.join(by_name)}")
    branch = by_name[name]
    before = path_of(branches, branch.parent)[: branch.at_turn] if branch.parent is not None else ()
    return (*before, *branch.turns)


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

    Args:
        events: of one session, in order.
        path: as a `BranchBook` or `path_of` gives it.
    """
    last_on_path = {turn.branch: turn.event_id for turn in path}
    shown: list[Event] = []
    branch, is_shown = MAIN, True
    for event in events:
        if isinstance(event.payload, Rewound):
            branch = event.payload.branch
            # A branch that was left before it had a turn of the path shows nothing but that it began.
            is_shown = branch in last_on_path or event.payload.to_branch in last_on_path
            if is_shown:
                shown.append(event)
            continue
        if is_shown or isinstance(event.payload, SessionStarted):
            shown.append(event)
        if event.event_id == last_on_path.get(branch) and _leaves(path, branch):
            is_shown = False
    return shown


def _leaves(path: Sequence[Turn], branch: str) -> bool:
    """Whether the path goes on with another branch after this one."""
    return bool(path) and path[-1].branch != branch

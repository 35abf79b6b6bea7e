"""How a session's conversation becomes a tree: the branches as turns and rewinds arrive.

A session's journal is one line; its conversation is a tree. Each turn belongs to the branch on which it was recorded; a
path is the turns from the session's beginning to the end of a branch. Knows nothing of events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from limi_sessions.records.payload import Rewound
from limi_sessions.records.turn import MAIN, Branch, Turn


class BranchUnknown(LookupError):
    """There is no branch, or no turn, of that name; the message lists what there is."""


class BranchBook:
    """The branches of one session. Takes every rewind, also of a journal that lost some of its lines."""

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
        """Leave the current branch.

        Where the branch to go back to is unknown, its beginning was lost, so that its turns stand on the current one;
        a name that is taken is given up for the next free one.
        """
        parent = rewound.to_branch if rewound.to_branch in self._branches else self.current
        kept = path_by_name(self._branches, parent, self._own.__getitem__)[: max(rewound.to_turn, 0)]
        name = self.next_name() if rewound.branch in self._branches else rewound.branch
        self._branches[name] = Branch(name=name, parent=parent, at_turn=len(kept), ts=ts)
        self._own[name] = []
        self.current = name
        self.path = kept

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Every branch with its own turns, in the order in which they began."""
        return tuple(
            branch.model_copy(update={"turns": tuple(self._own[name])}) for name, branch in self._branches.items()
        )

    @property
    def newest(self) -> Branch:
        """The branch that began last, where the conversation stands, without its turns."""
        return self._branches[self.current]

    @property
    def count(self) -> int:
        """How many branches there are."""
        return len(self._branches)

    def next_name(self) -> str:
        """A name for the next branch: ``b1``, ``b2``, ..."""
        number = len(self._branches)
        while f"b{number}" in self._branches:
            number += 1
        return f"b{number}"


def path_by_name(branches: Mapping[str, Branch], name: str, own_turns: Callable[[str], Sequence[Turn]]) -> list[Turn]:
    """The turns from the beginning of the session to the end of a branch.

    Args:
        branches: by name; that one and its ancestors are in it.
        name: of the branch.
        own_turns: the turns that were recorded on a branch.
    """
    pieces: list[Sequence[Turn]] = [own_turns(name)]
    branch = branches[name]
    cut = branch.at_turn
    while branch.parent is not None:
        own = own_turns(branch.parent)
        branch = branches[branch.parent]
        # A branch may go back to before its parent's own turns.
        pieces.append(own[: max(cut - branch.at_turn, 0)])
        cut = min(cut, branch.at_turn)
    return [turn for piece in reversed(pieces) for turn in piece]

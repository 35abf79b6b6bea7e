"""Where a session's conversation was rewound, and its turns put together again: a row for every branch but ``main``."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, cast

from limi_sessions.branches import path_of
from limi_sessions.records.event import Event
from limi_sessions.records.turn import MAIN, Branch, Turn
from limi_store.tables.table import Cells, Table, columns
from limi_store.tables.turn import turns_of_session

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BRANCH = Table("branch", columns("session_id seq:BIGINT ts name parent at_turn:BIGINT"), order="seq")


def branch_row(event: Event, branch: Branch) -> Cells:
    """A row of `BRANCH`: the branch that began with this event."""
    return (event.session_id, event.seq, event.ts, branch.name, branch.parent, branch.at_turn)


def conversation_of(cursor: DuckDBPyConnection, session_id: str) -> tuple[tuple[Turn, ...], tuple[Branch, ...]]:
    """The turns of the path where a session stands, and all branches; none of these when it was never rewound."""
    turns = turns_of_session(cursor, session_id)
    rows = cast("list[tuple[str, int, str, str, str, int]]", BRANCH.of_session(cursor, session_id))
    if not rows:
        return tuple(turns), ()
    own: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        own[turn.branch].append(turn)
    branches = (
        Branch(name=MAIN, turns=tuple(own[MAIN])),
        *(
            Branch(name=name, parent=parent, at_turn=at_turn, ts=ts, turns=tuple(own[name]))
            for _, _, ts, name, parent, at_turn in rows
        ),
    )
    return path_of(branches, branches[-1].name), branches

"""Branches in the store: what lists count, what a trajectory holds, and what search finds where."""

from __future__ import annotations

from store_scenes import answered, one_call, started, tables_of, write_session

from limi_sessions.branches import path_of
from limi_sessions.journal import read_journal
from limi_sessions.paths import Home
from limi_sessions.records.message import ToolCall
from limi_sessions.records.payload import (
    Payload,
    Rewound,
    SessionForked,
    ShellStarted,
    ToolDecided,
    UserMessage,
    WorkspaceSnapshotTaken,
)
from limi_sessions.summary import trajectory_of
from limi_store import StorePort, open_store


def rewound(branch: str, to_turn: int, *, to_branch: str = "main") -> Rewound:
    return Rewound(branch=branch, from_branch="main", from_turn=9, to_branch=to_branch, to_turn=to_turn)


def branched() -> list[Payload]:
    """Turns 0 to 5 on main; b1 leaves it after turn 1, b2 leaves b1 after turn 2."""
    return [
        started(),
        UserMessage(content="mend the parser"),
        *one_call(),
        UserMessage(content="abandoned request"),
        answered("a walrus on main"),
        rewound("b1", 2),
        answered("a walrus on the first"),
        UserMessage(content="go on"),
        rewound("b2", 3, to_branch="b1"),
        UserMessage(content="the walrus that stays"),
    ]


def test_lists_count_the_path_and_a_trajectory_holds_every_branch(store: StorePort, home: Home) -> None:
    session_id = write_session(home, branched(), sink=store.event_appended)
    store.catch_up(session_id)
    summary = store.summary(session_id)
    assert (summary.turns, summary.branches, summary.cost_usd) == (4, 3, 0.75)
    assert store.sessions() == [summary]
    trajectory = store.trajectory(session_id)
    assert trajectory == trajectory_of(read_journal(home.session(session_id).journal).events)
    assert [turn.content for turn in trajectory.turns] == [
        "You are an agent.",
        "mend the parser",
        "a walrus on the first",
        "the walrus that stays",
    ]
    assert [(b.name, b.parent, b.at_turn, len(b.turns)) for b in trajectory.branches] == [
        ("main", None, 0, 6),
        ("b1", "main", 2, 2),
        ("b2", "b1", 3, 1),
    ]
    assert [turn.content for turn in path_of(trajectory.branches, "main")][-1] == "a walrus on main"
    assert store.check().repaired == ()


def test_a_session_that_was_never_rewound_has_no_branches(store: StorePort, home: Home) -> None:
    session_id = write_session(home, [started(), UserMessage(content="x")], sink=store.event_appended)
    store.catch_up(session_id)
    assert store.trajectory(session_id).branches == ()
    assert store.summary(session_id).branches == 1


def test_search_finds_the_turns_of_every_branch_and_says_which(home: Home) -> None:
    expected = {("main", 5), ("b1", 2), ("b2", 3)}
    for _ in range(2):  # live, then from a new index
        store = open_store(home, serve=False)
        if not store.sessions():
            write_session(home, branched(), sink=store.event_appended)
            store.catch_up()
        hits = store.search("walrus")
        assert {(hit.branch, hit.turn_no) for hit in hits} == expected
        assert len(hits) == len(expected)
        assert store.check().repaired == ()
        store.close()
        home.search.unlink()


def test_a_session_that_is_rewound_after_a_restart_goes_on_in_tables_and_index(home: Home) -> None:
    session_id = write_session(home, branched())
    open_store(home, serve=False).close()
    write_session(home, [rewound("b3", 2), UserMessage(content="a fourth walrus")], session_id=session_id)
    store = open_store(home, serve=False)
    assert store.trajectory(session_id).turns[-1].content == "a fourth walrus"
    assert len(store.search("walrus")) == 4
    assert store.notes == [] and store.check().repaired == ()
    store.close()


def test_a_call_that_the_expert_changed_is_found_by_what_ran(store: StorePort, home: Home) -> None:
    calls = one_call("c1", arguments='{"path": "proposed.py"}')
    edited = ToolCall(call_id="c1", name="read_file", arguments='{"path": "changed.py"}')
    calls[3] = ToolDecided(
        call_id="c1",
        decision="accept",
        by="human",
        mode="ask",
        reason_codes=("wrong-file",),
        remembered=True,
        edited=edited,
    )
    session_id = write_session(home, [started(), *calls], sink=store.event_appended)
    store.catch_up(session_id)
    result = store.trajectory(session_id).turns[-1]
    assert result.edited == edited and "changed.py" in result.note and "changed.py" not in result.content
    assert [hit.turn_no for hit in store.search("changed.py")] == [2]
    store.close()
    (row,) = tables_of(home.database)["tool_call"]
    assert row[5] == '{"path": "changed.py"}'
    assert row[-3:] == ("ask", '["wrong-file"]', True)


def test_a_fork_starts_when_it_was_forked(store: StorePort, home: Home) -> None:
    forked = SessionForked(parent_session_id="p", parent_branch="main", at_turn=2)
    session_id = write_session(
        home, [started(parent_session_id="p"), UserMessage(content="x"), forked], sink=store.event_appended
    )
    store.catch_up(session_id)
    summary = store.summary(session_id)
    assert summary == trajectory_of(read_journal(home.session(session_id).journal).events).summary
    assert summary.parent_session_id == "p"
    assert summary.started_at == summary.updated_at


def test_states_of_the_workspace_and_of_the_sandbox_are_rows(home: Home) -> None:
    shell = ShellStarted(
        shell="bash",
        version="5",
        pid=1,
        cols=80,
        rows=24,
        cast="shell-000.cast",
        marks="osc133",
        sandbox="landlock",
        network="off",
        private=True,
    )
    kept = WorkspaceSnapshotTaken(tree="t", checkpoint="c", cause="call", call_id="c1", files=3, size_bytes=7)
    lost = WorkspaceSnapshotTaken(tree=None, skipped="too large")
    session_id = write_session(home, [started(network="allow-list"), shell, kept, lost])
    open_store(home, serve=False).close()
    tables = tables_of(home.database)
    assert tables["session"][0][-1] == "allow-list"
    assert tables["cast_file"][0][-3:] == ("landlock", "off", True)
    rows = [(row[0], row[1], *row[3:]) for row in tables["checkpoint"]]
    assert sorted(rows, key=repr) == [
        (session_id, 2, "c", "t", "call", "c1", 3, 7, ""),
        (session_id, 3, None, None, "start", None, 0, 0, "too large"),
    ]

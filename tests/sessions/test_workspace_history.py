"""Undo and redo lead where a person expects, read from the events alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.records.event import GENESIS, Event, seal
from limi_sessions.records.payload import Payload, WorkspaceRestored, WorkspaceSnapshotTaken
from limi_sessions.workspace_history import WorkspaceHistory, WorkspaceState


def event(payload: Payload) -> Event:
    sealed, _ = seal(
        payload, event_id="e", session_id="s", seq=0, ts="t", mono_ns=0, actor="system", prev_sha256=GENESIS
    )
    return sealed


def kept(checkpoint: str, call_id: str | None = None) -> Event:
    cause = "call" if call_id else "human"
    return event(WorkspaceSnapshotTaken(tree="t", checkpoint=checkpoint, cause=cause, call_id=call_id))


def restored(history: WorkspaceHistory, cause: str) -> Event:
    target = history.undo_target if cause == "undo" else history.redo_target
    assert target is not None
    payload = {"cause": cause, "checkpoint": target.checkpoint, "before": None}
    return event(WorkspaceRestored.model_validate(payload))


def name(state: WorkspaceState | None) -> str | None:
    return None if state is None else state.checkpoint


def test_undo_and_redo_walk_the_line_of_states() -> None:
    history = WorkspaceHistory([kept("a"), kept("b", "c1"), kept("c")])
    assert (name(history.current), name(history.undo_target), name(history.redo_target)) == ("c", "b", None)
    history.feed(restored(history, "undo"))
    history.feed(restored(history, "undo"))
    assert (name(history.current), name(history.undo_target), name(history.redo_target)) == ("a", None, "b")
    history.feed(restored(history, "redo"))
    assert (name(history.current), name(history.undo_target), name(history.redo_target)) == ("b", "a", "c")
    assert history.changing_calls == {"c1"}


def test_a_new_state_after_an_undo_ends_what_could_be_redone() -> None:
    history = WorkspaceHistory([kept("a"), kept("b")])
    history.feed(restored(history, "undo"))
    history.feed(kept("x"))
    assert (name(history.current), name(history.undo_target), name(history.redo_target)) == ("x", "a", None)


def test_a_state_that_comes_back_by_hand_is_a_step_of_its_own() -> None:
    history = WorkspaceHistory([kept("a"), kept("b"), kept("a")])
    history.feed(restored(history, "undo"))
    assert (name(history.current), name(history.undo_target), name(history.redo_target)) == ("b", "a", "a")


def test_a_rewind_of_files_can_be_undone() -> None:
    history = WorkspaceHistory([kept("a"), kept("b"), kept("c")])
    history.feed(event(WorkspaceRestored(cause="rewind", checkpoint="a", before="c")))
    assert (name(history.current), name(history.undo_target)) == ("a", "c")


def test_a_state_that_was_not_kept_says_why_until_one_is() -> None:
    history = WorkspaceHistory([event(WorkspaceSnapshotTaken(tree=None, skipped="git is not installed"))])
    assert history.skipped == "git is not installed"
    assert history.current is None and history.undo_target is None
    history.feed(kept("a"))
    assert history.skipped == ""


@given(st.lists(st.sampled_from(["new", "undo", "redo"]), max_size=40))
def test_undo_then_redo_is_where_it_was(steps: list[str]) -> None:
    history = WorkspaceHistory([kept("0")])
    for number, step in enumerate(steps, start=1):
        if step == "new":
            history.feed(kept(str(number)))
        elif (step == "undo" and history.undo_target) or (step == "redo" and history.redo_target):
            history.feed(restored(history, step))
    before = name(history.current)
    if history.undo_target is not None:
        history.feed(restored(history, "undo"))
        assert name(history.redo_target) == before
        history.feed(restored(history, "redo"))
    assert name(history.current) == before

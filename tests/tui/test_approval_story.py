"""What the conversation says of how a call was decided."""

from __future__ import annotations

import pytest

from limi_sessions.records.message import ToolCall
from limi_sessions.records.payload import ApprovalMode, ToolDecided
from limi_tui.story_decisions import decided_block
from limi_tui.widgets.transcript_blocks import ToolBlock
from limi_tui.widgets.transcript_layout import Shape, block_rows

PROPOSED = ToolBlock("t1", "run_shell_command", '{"command": "rm -rf /"}', "waiting")


def accepted(by: str = "human", **how: object) -> ToolDecided:
    return ToolDecided.model_validate({"call_id": "c1", "decision": "accept", "by": by, **how})


@pytest.mark.parametrize(
    ("decided", "word"),
    [
        (accepted(mode="ask"), ""),
        (accepted(remembered=True, mode="ask"), "accepted for the session"),
        (accepted("remembered", mode="ask"), "unasked: accepted before"),
        (accepted("mode", mode="yolo"), "unasked: mode yolo"),
        (accepted("mode"), ""),
    ],
)
def test_a_word_says_how_a_call_came_to_run(decided: ToolDecided, word: str) -> None:
    block = decided_block(PROPOSED, decided)
    assert (block.state, block.decided) == ("started", word)
    assert word in block_rows(block, Shape(100))[0].text


@pytest.mark.parametrize("mode", ["plan", "ask", "auto-edit", "yolo"])
def test_nothing_is_said_of_calls_that_change_nothing(mode: ApprovalMode) -> None:
    reading = ToolBlock("t1", "read_file", '{"file_path": "a"}', "started")
    assert decided_block(reading, accepted("mode", mode=mode)).decided == ""


def test_an_edited_call_shows_what_runs_and_what_was_proposed() -> None:
    edited = ToolCall(call_id="c1", name="run_shell_command", arguments='{"command": "rm -rf build"}')
    rows = [row.text for row in block_rows(decided_block(PROPOSED, accepted(edited=edited)), Shape(100))]
    assert "rm -rf build" in rows[0]
    assert "edited" in rows[0]
    assert rows[1].strip() == "└ edited, then accepted; proposed was: rm -rf /"


def test_an_edited_file_does_not_name_its_path_twice() -> None:
    write = ToolBlock("t1", "write_file", '{"file_path": "a", "content": "x"}', "waiting")
    edited = ToolCall(call_id="c1", name="write_file", arguments='{"file_path": "a", "content": "y"}')
    block = decided_block(write, accepted(edited=edited))
    assert (block.remark, block.arguments) == ("edited, then accepted", edited.arguments)


@pytest.mark.parametrize(
    ("by", "reason", "remark"),
    [
        ("human", "unsafe; never push", "rejected: unsafe; never push"),
        ("human", "", "rejected"),
        ("nobody", "nobody is here", "rejected: nobody is here"),
        ("mode", "a long text for the model", "refused by mode plan"),
    ],
)
def test_a_rejection_says_why(by: str, reason: str, remark: str) -> None:
    decided = ToolDecided.model_validate(
        {"call_id": "c1", "decision": "reject", "by": by, "reason": reason, "mode": "plan"}
    )
    block = decided_block(PROPOSED, decided)
    assert (block.state, block.remark) == ("denied", remark)

"""Preference pairs: what the expert changed, and what was left by a rewind, each in its context."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataset_scenes import (
    CHANGED,
    EDITED,
    PROPOSED,
    READ_CALL,
    RETRIED,
    answered,
    ran,
    rewound,
    said,
    session_of,
    shell_call,
    typed,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from limi_dataset.exporters.limi import limi_rows
from limi_dataset.exporters.manifest import export_bytes, manifest_path, write_export
from limi_dataset.exporters.preference import preference_rows
from limi_dataset.exporters.result import ArgumentForm
from limi_sessions.records.payload import Payload
from limi_sessions.records.turn import Trajectory


def rows_of(*trajectories: Trajectory, **options: bool) -> list[dict[str, Any]]:
    result = preference_rows(trajectories, **options)
    return [json.loads(line) for line in export_bytes(result, file_format="preference").splitlines()]


def why_none(trajectory: Trajectory, **options: bool) -> list[tuple[str, str]]:
    """What was lost of a session that gives no pair."""
    result = preference_rows([trajectory], **options)
    assert result.rows == ()
    return [(loss.kind, loss.what) for loss in result.losses]


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages]


def arguments_of(message: dict[str, Any]) -> list[object]:
    return [call["function"]["arguments"] for call in message["tool_calls"]]


def test_an_edited_proposal_is_a_pair_that_differs_in_that_call_alone() -> None:
    result = preference_rows([EDITED])
    (row,) = rows_of(EDITED)
    assert list(row) == ["prompt", "chosen", "rejected", "tools"]
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    (chosen,), (rejected,) = row["chosen"], row["rejected"]
    assert arguments_of(rejected) == [{"command": "rm -rf build"}, {"file_path": "a.py", "start_line": 3}]
    assert arguments_of(chosen) == [{"command": "rm -rf build/tmp"}, {"file_path": "a.py", "start_line": 3}]
    assert {k: v for k, v in chosen.items() if k != "tool_calls"} == {
        "role": "assistant",
        "content": "I clean.",
        "reasoning_content": "too much is there",
    }
    assert [tool["function"]["name"] for tool in row["tools"]] == ["run_shell_command", "read_file"]
    (origin,) = result.origins
    assert (origin.kind, origin.branch, origin.turn_no) == ("edited_call", "main", 2)
    assert result.losses == ()


def test_two_edited_calls_of_one_answer_are_two_pairs_with_one_difference_each() -> None:
    other = shell_call("c2", "ls")
    both = session_of(
        said("go"),
        answered("", PROPOSED, other),
        ran(PROPOSED, edited=CHANGED),
        ran(other, edited=shell_call("c2", "ls -a")),
    )
    rows = rows_of(both)
    assert [arguments_of(row["chosen"][0]) for row in rows] == [
        [{"command": "rm -rf build/tmp"}, {"command": "ls -a"}]
    ] * 2
    assert [arguments_of(row["rejected"][0]) for row in rows] == [
        [{"command": "rm -rf build"}, {"command": "ls -a"}],
        [{"command": "rm -rf build/tmp"}, {"command": "ls"}],
    ]


def test_a_later_context_holds_an_edited_call_as_it_ran() -> None:
    second = shell_call("c1", "make")  # ids are unique within an answer only
    twice = session_of(
        said("go"),
        answered("", PROPOSED),
        ran(PROPOSED, edited=CHANGED),
        answered("", second),
        ran(second, edited=shell_call("c1", "make test")),
    )
    rows = rows_of(twice)
    assert arguments_of(rows[1]["prompt"][2]) == [{"command": "rm -rf build/tmp"}]
    assert texts(rows[1]["prompt"]) == ["You are an agent.", "go", "", "ok"]  # the note is not part of a sample
    assert [(loss.kind, loss.turn_no) for loss in preference_rows([twice]).losses] == [("edited_call", 2)]


def test_an_edit_that_changed_nothing_is_no_pair() -> None:
    same = shell_call("c1", "ls")
    lost = why_none(session_of(said("go"), answered("", same), ran(same, edited=same)))
    assert lost == [("not_comparable", "the changed call: both sides are the same")]


def test_a_retried_answer_is_a_pair_in_which_the_side_that_stays_is_chosen() -> None:
    (row,) = rows_of(RETRIED)
    assert texts(row["prompt"]) == ["You are an agent.", "clean up"]
    assert texts(row["chosen"]) == ["I clean."] and len(row["chosen"]) == 1
    assert texts(row["rejected"]) == ["I will not."]
    (whole,) = rows_of(RETRIED, whole=True)
    assert [message["role"] for message in whole["chosen"]] == ["assistant", "tool", "assistant"]
    assert texts(whole["chosen"])[-1] == "It is clean."
    assert texts(whole["rejected"]) == ["I will not."]


def test_the_same_request_said_again_belongs_to_the_context() -> None:
    again = session_of(
        said("clean up"), answered("no"), rewound("b1", 1), said("clean up"), answered("yes"), said("thanks")
    )
    (row,) = rows_of(again)
    assert texts(row["prompt"]) == ["You are an agent.", "clean up"]
    assert (texts(row["chosen"]), texts(row["rejected"])) == (["yes"], ["no"])
    (whole,) = rows_of(again, whole=True)
    assert texts(whole["chosen"]) == ["yes"]  # what nobody answered is no completion


def test_who_goes_back_to_the_first_side_chooses_it() -> None:
    back = session_of(
        said("clean up"),
        answered("first"),
        rewound("b1", 2),
        answered("second"),
        rewound("b2", 3),
        said("go on"),
        answered("third"),
    )
    (row,) = rows_of(back, whole=True)
    assert (texts(row["chosen"]), texts(row["rejected"])) == (["first", "go on", "third"], ["second"])
    (loss,) = preference_rows([back]).losses
    assert (loss.kind, loss.what) == ("not_comparable", "the rewind to b2: nothing followed on main")


def test_where_the_session_stands_on_neither_side_the_later_one_is_chosen() -> None:
    elsewhere = session_of(
        said("one"), answered("first"), rewound("b1", 2), answered("second"), rewound("b2", 1, "b1"), said("other")
    )
    (row,) = rows_of(elsewhere)
    assert (texts(row["chosen"]), texts(row["rejected"])) == (["second"], ["first"])


def test_every_rewind_of_a_chain_is_compared_with_what_it_left() -> None:
    chain = session_of(
        said("go"), answered("1"), rewound("b1", 2), answered("2"), rewound("b2", 2, "b1"), answered("3")
    )
    assert [(texts(row["chosen"]), texts(row["rejected"])) for row in rows_of(chain)] == [
        (["2"], ["1"]),
        (["3"], ["2"]),
    ]


def test_an_edited_proposal_on_a_branch_that_was_left_counts_once() -> None:
    left = session_of(
        said("go"),
        answered("", PROPOSED),
        ran(PROPOSED, edited=CHANGED),
        answered("x"),
        rewound("b1", 4),
        answered("y"),
    )
    result = preference_rows([left])
    assert [(origin.kind, origin.branch, origin.turn_no) for origin in result.origins] == [
        ("edited_call", "main", 2),
        ("divergence", "b1", 4),
    ]
    assert result.session_ids == ("s", "s")
    lines = [json.loads(line) for line in export_bytes(result, file_format="preference").splitlines()]
    assert arguments_of(lines[1]["prompt"][2]) == [{"command": "rm -rf build/tmp"}]


def test_sides_that_cannot_be_compared_are_reported_with_the_reason() -> None:
    start = [said("go"), answered("first")]
    others: list[tuple[list[Payload], str]] = [
        ([rewound("b1", 2)], "nothing followed on b1"),
        ([rewound("b1", 1), said("another")], "the expert went on with another request"),
        ([rewound("b1", 2), said("no, wait")], "on one side the agent went on, on the other the expert"),
        ([rewound("b1", 2), answered("first")], "both sides are the same"),
        ([rewound("b1", 2), answered("")], "on one side the agent said nothing"),
        ([rewound("b1", 2), answered("x", demo=True)], "one side is the demo model's"),
    ]
    for payloads, reason in others:
        ((kind, what), *_) = why_none(session_of(*start, payloads))
        assert kind == "not_comparable" and reason in what, reason
    assert why_none(session_of(start)) == [
        ("session_without_pair", "left out: no call was changed before it ran, and it was never rewound")
    ]
    assert why_none(session_of(said("hello?")))[0][0] == "session_without_agent"


def test_an_answer_that_follows_an_answer_has_no_request_to_compare_under() -> None:
    odd = session_of(said("go"), answered("a"), answered("b"), rewound("b1", 3), answered("c"))
    assert why_none(odd) == [("not_comparable", "the rewind: no request stands before it")]


def test_the_demo_models_sides_stay_out_unless_asked_for() -> None:
    demo = session_of(said("go"), answered("", PROPOSED, demo=True), ran(PROPOSED, edited=CHANGED), answered("real"))
    assert why_none(demo)[0] == ("demo_turn", "left out: the demo model proposed the call that was changed")
    assert len(rows_of(demo, include_demo=True)) == 1
    all_demo = session_of(said("go"), answered("a", demo=True), rewound("b1", 2), answered("b", demo=True))
    assert why_none(all_demo) == [("demo_session", "left out: every answer came from the demo model")]
    assert len(rows_of(all_demo, include_demo=True)) == 1


def test_commands_of_the_expert_can_be_left_out_of_the_context() -> None:
    with_commands = session_of(said("go"), typed("make"), answered("x"), rewound("b1", 3), answered("y"))
    (row,) = rows_of(with_commands)
    assert len(row["prompt"]) == 3
    (row,) = rows_of(with_commands, include_human=False)
    assert texts(row["prompt"]) == ["You are an agent.", "go"]


def test_a_cut_off_side_is_kept_and_reported() -> None:
    cut = session_of(said("go"), answered("half a sen", finish="cancelled"), rewound("b1", 2), answered("whole"))
    result = preference_rows([cut])
    assert len(result.rows) == 1
    assert [(loss.kind, loss.turn_no, loss.branch) for loss in result.losses] == [("cut_off_turn", 2, "main")]


def test_other_exports_hold_only_the_path_and_edited_calls_as_they_ran() -> None:
    result = limi_rows([EDITED, RETRIED])
    first, second = [json.loads(json.dumps(row))["messages"] for row in result.rows]
    assert arguments_of(first[2])[0] == {"command": "rm -rf build/tmp"}
    assert [message["content"] for message in first if message["role"] == "tool"] == ["ok", "ok"]
    assert "I will not." not in texts(second)
    assert [(loss.kind, loss.session_id, loss.turn_no) for loss in result.losses] == [("edited_call", "s", 2)]


def test_the_same_sessions_give_the_same_bytes_and_a_manifest_that_says_where_from(tmp_path: Path) -> None:
    target = tmp_path / "pairs.jsonl"
    report = write_export(preference_rows([RETRIED, EDITED]), "preference", target)
    before = target.read_bytes(), manifest_path(target).read_bytes()
    write_export(preference_rows([EDITED, RETRIED, EDITED]), "preference", target)
    assert (target.read_bytes(), manifest_path(target).read_bytes()) == before
    manifest = report.manifest
    assert manifest["session_ids"] == ["s", "retried"]
    assert manifest["filters"] == {
        "arguments": "object",
        "include_demo": False,
        "include_human": True,
        "whole": False,
    }
    assert manifest["counts"] == {
        "rows": 2,
        "messages": {"assistant": 4, "system": 2, "user": 2},
        "tool_calls": 5,
        "losses": {},
    }
    assert manifest["origins"] == [
        {"kind": "edited_call", "session_id": "s", "branch": "main", "turn_no": 2},
        {"kind": "divergence", "session_id": "retried", "branch": "b1", "turn_no": 2},
    ]


def test_arguments_can_stay_texts() -> None:
    result = preference_rows([EDITED], arguments="string")
    line = json.loads(export_bytes(result, file_format="preference"))
    assert arguments_of(line["chosen"][0]) == [CHANGED.arguments, READ_CALL.arguments]


happenings = st.lists(
    st.one_of(
        st.builds(lambda t: [said(t)], st.sampled_from(["a", "b", ""])),
        st.builds(lambda t: [typed(t)], st.sampled_from(["a", "b"])),
        st.builds(lambda t, d: [answered(t, demo=d)], st.sampled_from(["x", "y", ""]), st.booleans()),
        st.builds(
            lambda t, e, r: [answered(t, PROPOSED, READ_CALL), *ran(PROPOSED, edited=CHANGED if e else None), *r],
            st.sampled_from(["x", ""]),
            st.booleans(),
            st.sampled_from([[], ran(READ_CALL)]),
        ),
        st.builds(
            lambda n, b: [rewound("again", n, b)], st.integers(0, 8), st.sampled_from(["main", "b1", "b2", "again"])
        ),
    ),
    max_size=12,
)


@given(happenings, st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["object", "string"]))
@settings(max_examples=300, deadline=None)
def test_every_pair_has_a_request_before_two_different_answers(
    happened: list[list[Payload]], whole: bool, demo: bool, human: bool, arguments: ArgumentForm
) -> None:
    trajectory = session_of(*happened)
    result = preference_rows([trajectory], whole=whole, include_demo=demo, include_human=human, arguments=arguments)
    assert len(result.rows) == len(result.origins) == len(result.session_ids)
    assert result.rows or result.losses
    for row in json.loads(json.dumps(result.rows)):
        assert row["prompt"][-1]["role"] in ("user", "tool")
        assert row["chosen"] != row["rejected"]
        for side in (row["chosen"], row["rejected"]):
            assert side[0]["role"] == side[-1]["role"] == "assistant"
            assert side[0]["content"] or side[0]["tool_calls"]
        for messages in (row["prompt"], row["prompt"] + row["chosen"][:-1], row["prompt"] + row["rejected"][:-1]):
            asked: list[str] = []
            for message in messages:
                if message["role"] == "tool":
                    asked.remove(message["tool_call_id"])
                elif message["role"] == "assistant":
                    assert asked == []
                    asked = [call["id"] for call in message.get("tool_calls", [])]
            assert asked == []

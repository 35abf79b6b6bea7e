from __future__ import annotations

import json

import pytest

from limi_sessions.records.message import ToolCall
from limi_sessions.tools.arguments import ArgumentsUnreadable
from limi_tui.widgets.approval_edits import editable_text, edited_argument, edited_call


def call(name: str, **arguments: object) -> ToolCall:
    return ToolCall(call_id="c7", name=name, arguments=json.dumps(arguments))


@pytest.mark.parametrize(
    ("name", "argument"), [("run_shell_command", "command"), ("write_file", "content"), ("replace", "new_string")]
)
def test_the_part_that_matters_is_edited_and_the_rest_stays(name: str, argument: str) -> None:
    proposed = call(name, **{"file_path": "a b.txt", argument: "old\ttext\n", "wait_s": 1.5})
    assert edited_argument(proposed) == argument
    assert editable_text(proposed) == "old\ttext\n"
    edited = edited_call(proposed, "né\u200bw\n")
    assert (edited.call_id, edited.name) == ("c7", name)
    assert json.loads(edited.arguments) == {"file_path": "a b.txt", argument: "né\u200bw\n", "wait_s": 1.5}


def test_other_calls_are_edited_as_json() -> None:
    proposed = call("terminal_send", text="y", keys=["enter"])
    text = editable_text(proposed)
    assert json.loads(text) == {"text": "y", "keys": ["enter"]}
    assert json.loads(edited_call(proposed, text.replace('"y"', '"n"')).arguments) == {"text": "n", "keys": ["enter"]}


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"text": "a", "text": "b"}', "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(text: str) -> None:
    if text == "":
        assert edited_call(call("terminal_send", text="y"), text).arguments == "{}"
        return
    with pytest.raises(ArgumentsUnreadable):
        edited_call(call("terminal_send", text="y"), text)


def test_half_of_a_surrogate_pair_can_be_recorded() -> None:
    edited = edited_call(call("write_file", file_path="a", content="x"), "\ud800")
    assert edited.arguments.isascii()
    assert json.loads(edited.arguments)["content"] == "\ud800"

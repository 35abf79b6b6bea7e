from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.records.message import ToolCall
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.result import LONGEST_TEXT, capped
from limi_sessions.tools.tool import ToolContext, ToolResult
from limi_sessions.tools.toolbox import CheckedCall, Toolbox, render, status_line, tool_set_sha256

BOX = Toolbox.for_profile("limi")
NAMES = [
    "run_shell_command",
    "terminal_send",
    "terminal_read",
    "terminal_wait",
    "read_file",
    "read_many_files",
    "write_file",
    "replace",
    "glob",
    "search_file_content",
    "list_directory",
    "todo_write",
    "ask_user",
]


class Expert:
    """Answers and remembers."""

    def __init__(self) -> None:
        self.answer: str | None = None
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.todos: tuple[JsonObject, ...] = ()

    async def ask(self, question: str, options: Sequence[str]) -> str | None:
        self.asked.append((question, tuple(options)))
        return self.answer

    async def write_todos(self, todos: tuple[JsonObject, ...]) -> None:
        self.todos = todos


@pytest.fixture
def expert() -> Expert:
    return Expert()


@pytest.fixture
def context(tmp_path: Path, expert: Expert) -> ToolContext:
    (tmp_path / "work").mkdir()
    return ToolContext(
        workspace=tmp_path / "work",
        artifacts=tmp_path / "session" / "artifacts",
        shell=None,
        lease_epoch=lambda: 1,
        ask=expert.ask,
        write_todos=expert.write_todos,
    )


def _check(name: str, arguments: object) -> CheckedCall:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return BOX.check(ToolCall(call_id="c", name=name, arguments=text))


def test_profiles_offer_their_tools() -> None:
    assert [schema.name for schema in BOX.schemas] == NAMES
    assert [schema.name for schema in Toolbox.for_profile("bash-only").schemas] == ["run_shell_command"]
    assert Toolbox.for_profile("none").schemas == ()
    hashes = {Toolbox.for_profile(profile).sha256 for profile in ("limi", "bash-only", "none")}
    assert len(hashes) == 3
    assert Toolbox.for_profile("limi").sha256 == BOX.sha256 == tool_set_sha256(BOX.schemas)


def test_every_schema_is_closed_and_valid() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for schema in BOX.schemas:
        jsonschema.Draft202012Validator.check_schema(schema.parameters)
        pending: list[object] = [schema.parameters]
        while pending:
            part = pending.pop()
            if isinstance(part, dict):
                if part.get("type") == "object":
                    assert part["additionalProperties"] is False, schema.name
                pending.extend(part.values())
        assert 20 < len(schema.description) < 400


def test_the_tool_set_hash_does_not_depend_on_the_process() -> None:
    program = "from limi_sessions.tools.toolbox import Toolbox; print(Toolbox.for_profile('limi').sha256)"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == BOX.sha256


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("read_fil", {}, "unknown tool 'read_fil'; did you mean read_file?"),
        ("rm", {}, "The tools are: run_shell_command, terminal_send"),
        ("read_file", '{"file_path": "a"', "not valid JSON: Expecting ',' delimiter at line 1"),
        ("read_file", "[]", "must be a JSON object, not an array"),
        ("read_file", "null", "must be a JSON object, not null"),
        ("read_file", "", "file_path is missing"),
        ("read_file", '{"file_path": "a", "file_path": "b"}', "the key 'file_path' stands there twice"),
        ("read_file", '{"file_path": "a", "start_line": NaN}', "NaN is no JSON number"),
        ("read_file", "[" * 100_000, "nested too deeply"),
        ("read_file", {"path": "a"}, "path is not an argument (did you mean file_path?)"),
        ("read_file", {"file_path": 3}, "file_path must be a string, not an integer"),
        ("read_file", {"file_path": None}, "file_path must be a string, not null"),
        ("read_file", {"file_path": "a", "start_line": 0}, "start_line must be at least 1"),
        ("read_file", {"file_path": "a", "start_line": 1.5}, "start_line must be an integer, not a number"),
        ("read_file", {"file_path": "a", "start_line": True}, "start_line must be an integer, not a boolean"),
        ("run_shell_command", {"command": ""}, "command must have at least 1 characters"),
        ("run_shell_command", {"command": "x", "wait_s": 1e9}, "wait_s must be at most 600"),
        ("run_shell_command", {"command": "x", "is_background": "yes"}, "is_background must be a boolean"),
        ("terminal_send", {"keys": ["enter", "meta-x"]}, "keys[1] must be one of enter, tab"),
        ("terminal_wait", {"until": "never"}, 'until must be one of prompt, text, idle, exit, not "never"'),
        ("read_many_files", {"paths": []}, "paths must have at least 1 items"),
        ("todo_write", {"todos": [{"description": "a", "status": "open"}]}, "todos[0].status must be one of pending"),
        ("todo_write", {"todos": [{"status": "pending", "x": 1}]}, "todos[0].description is missing"),
    ],
)
async def test_a_broken_call_is_explained_and_answered(
    context: ToolContext, name: str, arguments: object, problem: str
) -> None:
    checked = _check(name, arguments)
    assert problem in checked.problem
    result = await BOX.run(checked, context)
    assert result.status == "error" and result.text == checked.problem
    assert (await BOX.preview(checked, context)).body == checked.problem


@given(st.text(max_size=200), st.text(max_size=30))
def test_checking_never_raises(arguments: str, name: str) -> None:
    for tool in ("todo_write", name):
        assert BOX.check(ToolCall(call_id="c", name=tool, arguments=arguments)).problem


def test_good_calls_have_no_problem() -> None:
    assert not _check("read_file", {"file_path": "a", "start_line": 2.0}).problem
    assert not _check("terminal_read", "").problem
    assert not _check("terminal_send", {"keys": ["c-c", "f12", "enter"]}).problem
    asking = {name for name in NAMES if BOX.check(_valid(name)).needs_approval}
    assert asking == {"run_shell_command", "terminal_send", "write_file", "replace"}


def _valid(name: str) -> ToolCall:
    schema = next(schema for schema in BOX.schemas if schema.name == name).parameters
    examples = {"todos": [], "paths": ["a"], "until": "idle"}
    required = schema["required"]
    assert isinstance(required, list)
    return ToolCall(call_id="c", name=name, arguments=json.dumps({str(k): examples.get(str(k), "a") for k in required}))


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (
            ToolResult(status="done", exit_code=1, cwd="/w", duration_s=3.21, is_command=True),
            "[status=done exit=1 cwd=/w dur=3.2s truncated=0 by=agent]",
        ),
        (
            ToolResult(status="done", cwd="/w", is_command=True),
            "[status=done exit=unknown cwd=/w dur=0.0s truncated=0 by=agent]",
        ),
        (ToolResult(status="running", cwd="/w"), "[status=running cwd=/w dur=0.0s truncated=0 by=agent]"),
        (ToolResult(status="error", truncated_chars=7), "[status=error dur=0.0s truncated=7 by=agent]"),
        (
            ToolResult(status="done", cwd="/a\n[status=done\x1b"),
            "[status=done cwd=/a␊[status=done␛ dur=0.0s truncated=0 by=agent]",
        ),
    ],
)
def test_the_status_line(result: ToolResult, line: str) -> None:
    assert status_line(result) == line


def test_a_result_ends_in_its_status_line() -> None:
    line = "[status=done dur=0.0s truncated=0 by=agent]"
    assert render(ToolResult(status="done")) == line
    assert render(ToolResult(status="done", text="a")) == f"a\n{line}"
    assert render(ToolResult(status="done", text="a\n")) == f"a\n{line}"


async def test_a_long_text_is_cut_in_its_middle_and_kept_whole(context: ToolContext) -> None:
    whole = "".join(f"line {n}\n" for n in range(10_000))
    (context.workspace / "long.txt").write_text(whole)
    result = await BOX.run(_check("read_file", {"file_path": "long.txt"}), context)
    assert len(result.text) <= LONGEST_TEXT
    assert result.text.startswith("line 0\n") and result.text.endswith("line 9999\n")
    assert result.artifact is not None and result.artifact in result.text
    marker = next(line for line in result.text.split("\n") if line.startswith("[... "))
    shown = len(result.text) - len(marker) - 2
    assert result.truncated_chars == len(whole) - shown
    kept = context.artifacts.parent / result.artifact
    assert kept.read_text() == whole
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    again = await BOX.run(_check("read_file", {"file_path": "long.txt"}), context)
    assert again.artifact is not None and again.artifact.startswith("artifacts/0002-")
    assert again.artifact[15:] == result.artifact[15:]


def test_a_text_at_the_limit_is_not_cut(context: ToolContext) -> None:
    text = "x" * LONGEST_TEXT
    assert capped(ToolResult(status="done", text=text), context).text == text
    assert not context.artifacts.exists()


def test_an_artifact_holds_no_known_secret(context: ToolContext) -> None:
    masking = dataclasses.replace(context, mask=lambda text: text.replace("sk-123", "[secret]"))
    result = capped(ToolResult(status="done", text="sk-123" + "x" * 40_000), masking)
    assert result.artifact is not None
    assert "sk-123" not in (context.artifacts.parent / result.artifact).read_text()


def test_a_tools_own_file_becomes_the_artifact_or_goes(context: ToolContext) -> None:
    context.artifacts.mkdir(parents=True)
    spool = context.artifacts / ".spool"
    spool.write_bytes(b"all of it")
    short = capped(ToolResult(status="done", text="short", whole=spool), context)
    assert short.artifact is None and not spool.exists()
    spool.write_bytes(b"all of it")
    long = capped(ToolResult(status="done", text="x" * 40_000, whole=spool), context)
    assert long.artifact is not None and not spool.exists()
    assert (context.artifacts.parent / long.artifact).read_bytes() == b"all of it"


def test_a_tools_own_file_is_masked_when_it_becomes_the_artifact(context: ToolContext) -> None:
    masking = dataclasses.replace(context, mask=lambda text: text.replace("sk-123", "[secret]"))
    context.artifacts.mkdir(parents=True)
    spool = context.artifacts / ".spool"
    line = b"x" * 1000 + b" sk-123 \xff\x1b[0m\r\n"
    spool.write_bytes(line * 4000 + b"sk-123")
    result = capped(ToolResult(status="done", text="x" * 40_000, whole=spool), masking)
    assert result.artifact is not None and not spool.exists()
    kept = context.artifacts.parent / result.artifact
    assert kept.read_bytes() == line.replace(b"sk-123", b"[secret]") * 4000 + b"[secret]"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(context.artifacts.iterdir()) == [kept]


def test_an_artifact_that_cannot_be_written_costs_no_result(context: ToolContext) -> None:
    context.artifacts.parent.mkdir(parents=True)
    context.artifacts.write_text("a file is in the way")
    result = capped(ToolResult(status="done", text="x" * 40_000), context)
    assert result.artifact is None and "could not be kept" in result.text
    assert result.truncated_chars > 0


async def test_todos_are_written(context: ToolContext, expert: Expert) -> None:
    todos = [{"description": "a", "status": "completed"}, {"description": "b", "status": "in_progress"}]
    result = await BOX.run(_check("todo_write", {"todos": todos}), context)
    assert result.text == "[x] a\n[>] b"
    assert list(expert.todos) == todos


async def test_a_question_reaches_the_expert(context: ToolContext, expert: Expert) -> None:
    expert.answer = "the blue one"
    result = await BOX.run(_check("ask_user", {"question": "Which?", "options": ["red", "blue"]}), context)
    assert (result.status, result.text) == ("done", "the blue one")
    assert expert.asked == [("Which?", ("red", "blue"))]


async def test_nobody_answers_denied(context: ToolContext) -> None:
    result = await BOX.run(_check("ask_user", {"question": "Which?"}), context)
    assert (result.status, result.text) == ("denied", "denied: nobody is here")


@pytest.mark.parametrize("name", ["run_shell_command", "terminal_send", "terminal_read", "terminal_wait"])
async def test_without_a_shell_the_model_is_told(context: ToolContext, name: str) -> None:
    arguments = {
        "run_shell_command": {"command": "ls"},
        "terminal_send": {"text": "x"},
        "terminal_wait": {"until": "idle"},
    }
    result = await BOX.run(_check(name, arguments.get(name, {})), context)
    assert result.status == "shell_lost" and "the shell is gone" in result.text


async def test_a_defect_of_a_tool_is_a_result(context: ToolContext) -> None:
    async def broken(question: str, options: Sequence[str]) -> str | None:
        raise KeyError("lost")

    result = await BOX.run(_check("ask_user", {"question": "x"}), dataclasses.replace(context, ask=broken))
    assert result.status == "error" and "KeyError" in result.text


async def test_the_preview_of_a_command_is_exact_and_shows_what_hides(context: ToolContext) -> None:
    command = "ls -l\ncat \u202etxt\u200b \x1b[2K\u00a0x"
    shown = await BOX.preview(
        _check("run_shell_command", {"command": command, "description": "look\n\x1b[2J"}), context
    )
    assert shown.title == "run in the shell: look␊␛[2J"
    assert shown.body == "ls -l\ncat <U+202E>txt<U+200B> ␛[2K\u00a0x"
    assert [s.suspicion for s in shown.suspicious] == ["bidi", "invisible", "control", "space"]
    typed = await BOX.preview(_check("terminal_send", {"text": "yes", "keys": ["enter"]}), context)
    assert typed.body == "yes\nkeys: enter"

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from limi_sessions.agent.ports import Approver, Decision, NobodyIsHere, Proposal
from limi_sessions.approval.gate import Gate, Question, Ruling, effect_of
from limi_sessions.approval.modes import mode_says
from limi_sessions.records.message import ToolCall
from limi_sessions.records.terms import ApprovalMode
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.tool import Effect, ToolContext, ToolResult
from limi_sessions.tools.toolbox import Toolbox

BOX = Toolbox.for_profile("limi")
ACCEPT = Decision(accept=True)


def call(name: str, **arguments: object) -> ToolCall:
    return ToolCall(call_id="call-1", name=name, arguments=json.dumps(arguments))


COMMAND = call("run_shell_command", command="ls")
WRITE = call("write_file", file_path="a.txt", content="new\n")
READ = call("read_file", file_path="a.txt")


@dataclass
class Expert:
    """Decides by a rule."""

    rule: Callable[[Proposal], Decision] = lambda _: ACCEPT
    asked: list[Proposal] = field(default_factory=list[Proposal])

    async def decide(self, proposal: Proposal) -> Decision:
        self.asked.append(proposal)
        return self.rule(proposal)


class Silent:
    """Never decides."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def decide(self, proposal: Proposal) -> Decision:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    async def nobody(question: str, options: Sequence[str]) -> str | None:
        return None

    async def no_todos(todos: tuple[JsonObject, ...]) -> None:
        raise AssertionError

    workspace = (tmp_path / "work").resolve()
    workspace.mkdir()
    return ToolContext(
        workspace=workspace,
        artifacts=tmp_path / "session" / "artifacts",
        shell=None,
        lease_epoch=lambda: 1,
        ask=nobody,
        write_todos=no_todos,
    )


@dataclass
class Asked:
    """A gate with somebody behind it."""

    context: ToolContext
    approver: Approver
    gate: Gate = field(init=False)
    asking: int = 0

    def __post_init__(self) -> None:
        self.gate = Gate(BOX, self.approver)

    async def __call__(
        self, proposed: ToolCall, *, mode: ApprovalMode = "ask", demo: bool = False, cancel: asyncio.Event | None = None
    ) -> Ruling:
        checked = BOX.check(proposed)
        assert not checked.problem

        def asking() -> None:
            self.asking += 1

        question = Question(request_id="r", checked=checked, mode=mode, demo=demo, context=self.context)
        return await self.gate.decide(question, cancel=cancel or asyncio.Event(), asking=asking)

    async def runs(self, ruling: Ruling) -> ToolResult:
        from dataclasses import replace

        return await BOX.run(ruling.checked, replace(self.context, approved=ruling.approved))


@pytest.mark.parametrize(
    ("mode", "effects"),
    [("plan", "run refuse refuse"), ("ask", "run ask ask"), ("auto-edit", "run run ask"), ("yolo", "run run run")],
)
def test_a_mode_says_what_becomes_of_each_effect(mode: ApprovalMode, effects: str) -> None:
    kinds: tuple[Effect, ...] = ("none", "files", "commands")
    assert [mode_says(mode, effect, demo=False) for effect in kinds] == effects.split()
    # The demo model's calls are asked about in every mode that lets them run at all.
    demo = [mode_says(mode, effect, demo=True) for effect in kinds]
    assert demo == ["run", *(["refuse"] * 2 if mode == "plan" else ["ask"] * 2)]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("plan", {"read": "mode", "write": "mode denied", "command": "mode denied", "send": "mode denied"}),
        ("ask", {"read": "mode", "write": "nobody denied", "command": "nobody denied", "send": "nobody denied"}),
        ("auto-edit", {"read": "mode", "write": "mode", "command": "nobody denied", "send": "nobody denied"}),
        ("yolo", {"read": "mode", "write": "mode", "command": "mode", "send": "mode"}),
    ],
)
async def test_without_a_person_a_mode_decides_alone(
    context: ToolContext, mode: ApprovalMode, expected: dict[str, str]
) -> None:
    asked = Asked(context, NobodyIsHere())
    send = call("terminal_send", text="ls", keys=["enter"])
    found: dict[str, str] = {}
    for name, proposed in {"read": READ, "write": WRITE, "command": COMMAND, "send": send}.items():
        decision = (await asked(proposed, mode=mode)).decision
        found[name] = decision.by if decision.accept else f"{decision.by} denied"
    assert found == expected


async def test_plan_mode_tells_the_agent_to_answer_with_a_plan(context: ToolContext) -> None:
    expert = Expert()
    ruling = await Asked(context, expert)(COMMAND, mode="plan")
    assert not ruling.decision.accept and "plan" in ruling.decision.reason and not expert.asked


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "sub/.GIT/config", "link/config", "./.git"])
async def test_a_file_that_git_runs_is_no_mere_edit(context: ToolContext, path: str) -> None:
    (context.workspace / ".git").mkdir()
    (context.workspace / "link").symlink_to(".git")
    expert = Expert(rule=lambda _: Decision(accept=False))
    assert not (
        await Asked(context, expert)(call("write_file", file_path=path, content="x"), mode="auto-edit")
    ).decision.accept
    assert len(expert.asked) == 1
    plain = BOX.check(call("write_file", file_path=".gitignore", content="x"))
    assert effect_of(plain, context) == "files"


async def test_an_edited_call_runs_in_place_of_the_proposed_one(context: ToolContext) -> None:
    edited = ToolCall(call_id="whatever", name="write_file", arguments='{"file_path": "a.txt", "content": "mine\\n"}')
    asked = Asked(context, Expert(rule=lambda _: Decision(accept=True, edited=edited)))
    ruling = await asked(WRITE)
    assert ruling.decision.edited == edited.model_copy(update={"call_id": "call-1"})
    assert (await asked.runs(ruling)).status == "done"
    assert (context.workspace / "a.txt").read_text() == "mine\n"


async def test_an_edit_that_changes_nothing_is_none(context: ToolContext) -> None:
    same = WRITE.model_copy(update={"call_id": "x"})
    ruling = await Asked(context, Expert(rule=lambda _: Decision(accept=True, edited=same)))(WRITE)
    assert ruling.decision.edited is None and ruling.checked.call == WRITE


@pytest.mark.parametrize(
    ("arguments", "name", "problem"),
    [
        ("{", "write_file", "not valid JSON"),
        ('{"file_path": "a.txt"}', "write_file", "content is missing"),
        ('{"command": "rm a.txt"}', "run_shell_command", "not of write_file"),
    ],
)
async def test_an_edited_call_that_cannot_run_says_so_before_and_after(
    context: ToolContext, arguments: str, name: str, problem: str
) -> None:
    edited = ToolCall(call_id="call-1", name=name, arguments=arguments)
    told: list[str] = []

    def rule(proposal: Proposal) -> Decision:
        assert proposal.problem_of(proposal.call) == ""
        told.append(proposal.problem_of(edited))
        return Decision(accept=True, edited=edited, remember=True)

    asked = Asked(context, Expert(rule=rule))
    ruling = await asked(WRITE)
    assert problem in told[0] and problem in ruling.checked.problem
    assert (await asked.runs(ruling)).status == "error" and not list(context.workspace.iterdir())
    assert not ruling.decision.remember


@pytest.mark.parametrize("meanwhile", ["changed\n", None, ""])
@pytest.mark.parametrize("way", ["write", "replace", "edited"])
async def test_a_file_that_changed_after_it_was_seen_is_not_written(
    context: ToolContext, meanwhile: str | None, way: str
) -> None:
    target = context.workspace / "a.txt"
    target.write_text("old\n")
    proposed = WRITE
    if way == "replace":
        proposed = call("replace", file_path="a.txt", old_string="old", new_string="new")

    def change(_: Proposal) -> Decision:
        if meanwhile is None:
            target.unlink()
        else:
            target.write_text(meanwhile)
        edited = call("write_file", file_path="a.txt", content="mine\n")
        return Decision(accept=True, edited=edited if way == "edited" else None)

    asked = Asked(context, Expert(rule=change))
    result = await asked.runs(await asked(proposed))
    assert result.status == "error"
    assert (target.read_text() if target.exists() else None) == meanwhile
    if way != "replace":
        assert "changed after this was approved" in result.text


async def test_a_file_that_appeared_after_it_was_seen_as_new_is_not_overwritten(context: ToolContext) -> None:
    def appear(_: Proposal) -> Decision:
        (context.workspace / "a.txt").write_text("precious\n")
        return ACCEPT

    asked = Asked(context, Expert(rule=appear))
    assert (await asked.runs(await asked(WRITE))).status == "error"
    assert (context.workspace / "a.txt").read_text() == "precious\n"


async def test_what_nobody_could_see_does_not_come_to_work_later(context: ToolContext) -> None:
    target = context.workspace / "a.txt"
    target.write_text("other\n")

    def make_it_fit(proposal: Proposal) -> Decision:
        assert "would fail" in proposal.preview.title
        target.write_text("old\n")
        return ACCEPT

    asked = Asked(context, Expert(rule=make_it_fit))
    ruling = await asked(call("replace", file_path="a.txt", old_string="old", new_string="new"))
    assert (await asked.runs(ruling)).status == "error" and target.read_text() == "old\n"


async def test_both_sides_of_a_change_are_shown_with_what_they_were_read_from(context: ToolContext) -> None:
    (context.workspace / "a.txt").write_bytes(b"one\xff\ntwo\n")
    expert = Expert()
    await Asked(context, expert)(call("replace", file_path="a.txt", old_string="two", new_string="three"))
    edit = expert.asked[0].preview.edit
    assert edit is not None and (edit.path, edit.before, edit.after) == (
        "a.txt",
        "one\ufffd\ntwo\n",
        "one\ufffd\nthree\n",
    )
    assert edit.base_sha256 is not None and len(edit.base_sha256) == 64
    await Asked(context, expert)(call("write_file", file_path="new/b.txt", content="x"))
    made = expert.asked[1].preview.edit
    assert made is not None and (made.path, made.before, made.after, made.base_sha256) == ("new/b.txt", None, "x", None)


async def test_a_remembered_file_is_not_asked_about_again_and_the_proposal_says_what_it_covers(
    context: ToolContext,
) -> None:
    expert = Expert(rule=lambda _: Decision(accept=True, remember=True))
    asked = Asked(context, expert)
    assert (await asked(WRITE)).decision.remember
    assert expert.asked[0].rememberable == "every change of a.txt by write_file and replace"
    again = await asked(call("write_file", file_path="a.txt", content="other"))
    assert again.decision == Decision(accept=True, by="remembered") and len(expert.asked) == 1 == asked.asking
    # A stricter mode and the demo model do not care what was remembered.
    assert not (await asked(WRITE, mode="plan")).decision.accept
    assert (await asked(WRITE, demo=True)).decision.by == "human"
    assert expert.asked[1].rememberable == "" and "demo" in expert.asked[1].not_rememberable


async def test_accepting_an_edited_call_for_the_session_covers_the_edited_one(context: ToolContext) -> None:
    edited = call("write_file", file_path="b.txt", content="x")
    expert = Expert(rule=lambda _: Decision(accept=True, remember=True, edited=edited))
    asked = Asked(context, expert)
    assert (await asked(WRITE)).decision.remember
    assert (await asked(edited)).decision.by == "remembered"
    assert (await asked(WRITE)).decision.by == "human"


@pytest.mark.parametrize(
    ("proposed", "why"),
    [
        (call("run_shell_command", command="ls | head"), "more than one plain command"),
        (call("run_shell_command", command="ls\u200b"), "not plain ASCII"),
        (call("run_shell_command", command="export A=1"), "the shell's own"),
        (call("run_shell_command", command="ls"), "the shell does not say"),
        (call("terminal_send", text="ls"), "something else in every program"),
        (call("write_file", file_path="../x", content=""), ".."),
    ],
)
async def test_what_cannot_be_remembered_says_why_and_is_not(
    context: ToolContext, proposed: ToolCall, why: str
) -> None:
    expert = Expert(rule=lambda _: Decision(accept=True, remember=True))
    asked = Asked(context, expert)
    for _ in range(2):
        ruling = await asked(proposed)
        assert ruling.decision.by == "human" and not ruling.decision.remember
    assert why in expert.asked[0].not_rememberable and not expert.asked[0].rememberable


async def test_stopping_the_agent_ends_the_question(context: ToolContext) -> None:
    silent, cancel = Silent(), asyncio.Event()
    deciding = asyncio.create_task(Asked(context, silent)(COMMAND, cancel=cancel))
    await silent.asked.wait()
    cancel.set()
    decision = (await deciding).decision
    assert not decision.accept and decision.reason == "stopped by the expert"

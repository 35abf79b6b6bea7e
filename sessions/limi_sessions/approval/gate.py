"""Whether one checked call runs: the mode decides, else what was accepted for the session, else a person.

Knows nothing of models, of recording and of screens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from limi_sessions.agent.ports import Approver, Decision, Proposal
from limi_sessions.agent.prompt import PLAN_MODE
from limi_sessions.approval.modes import mode_says
from limi_sessions.approval.remembered import NotRememberable, Remembered, Rule, rule_for
from limi_sessions.records.message import ToolCall
from limi_sessions.records.terms import ApprovalMode
from limi_sessions.tools.arguments import text_of
from limi_sessions.tools.tool import Effect, FileEdit, Preview, ToolContext
from limi_sessions.tools.toolbox import CheckedCall, Toolbox

STOPPED = "stopped by the expert"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A call that is to be decided, and what it is decided under."""

    request_id: str
    checked: CheckedCall
    """Without a problem."""
    mode: ApprovalMode
    """The one in force now; a later switch changes nothing for this call."""
    demo: bool
    context: ToolContext


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What was decided about a call."""

    decision: Decision
    checked: CheckedCall
    """What is to run: the call as proposed, or as the expert changed it. One that cannot run has a problem."""
    approved: FileEdit | None = None
    """The change of a file that the expert saw; None: nobody looked, or it changes no file."""
    rule: Rule | None = None
    """What covers a call that was decided by ``remembered``."""


class Gate:
    """Decides the calls of one session, one at a time. All methods are called on the event loop."""

    def __init__(self, toolbox: Toolbox, approver: Approver) -> None:
        self._toolbox = toolbox
        self._approver = approver
        self._remembered = Remembered()

    async def decide(self, question: Question, *, cancel: asyncio.Event, asking: Callable[[], None]) -> Ruling:
        """Decide one call; waits for a person where one is to be asked, until `cancel` is set.

        Args:
            question: the call.
            cancel: the agent is stopped.
            asking: called just before a person is asked.
        """
        checked = question.checked
        match mode_says(question.mode, effect_of(checked, question.context), demo=question.demo):
            case "run":
                return Ruling(decision=Decision(accept=True, by="mode"), checked=checked)
            case "refuse":
                return Ruling(decision=Decision(accept=False, by="mode", reason=PLAN_MODE), checked=checked)
            case "ask":
                pass
        rule, why_not = await self._rule_for(question)
        if rule is not None and self._remembered.covers(rule):
            return Ruling(decision=Decision(accept=True, by="remembered"), checked=checked, rule=rule)
        asking()
        return await self._ask(question, rule, why_not, cancel)

    async def stands(self, ruling: Ruling, context: ToolContext) -> bool:
        """Whether an acceptance still holds once the call is about to run, with nobody else at the shell."""
        if ruling.rule is None:
            return True
        if context.shell is not None:
            await context.shell.all_told()
        try:
            return self._remembered.covers(await rule_for(ruling.checked, context))
        except NotRememberable:
            return False

    def will_run(self, checked: CheckedCall) -> None:
        """Take note of a call that is about to run: it may change what was accepted before."""
        if checked.call.name == "run_shell_command":
            self.command_ran(text_of(checked.arguments, "command"))
        elif checked.effect == "files":
            self._remembered.file_changed(text_of(checked.arguments, "file_path"))

    def command_ran(self, command: str) -> None:
        """Take note of what was typed at the shell's prompt by either hand; empty when the shell did not say."""
        self._remembered.command_ran(command)

    async def _rule_for(self, question: Question) -> tuple[Rule | None, str]:
        """The rule that would cover the call; None with the reason when there is none."""
        if question.demo:
            return None, "the demo model's calls are always asked about"
        try:
            return await rule_for(question.checked, question.context), ""
        except NotRememberable as error:
            return None, str(error)

    async def _ask(self, question: Question, rule: Rule | None, why_not: str, cancel: asyncio.Event) -> Ruling:
        checked = question.checked
        preview = await self._toolbox.preview(checked, question.context)
        proposal = Proposal(
            request_id=question.request_id,
            call=checked.call,
            preview=preview,
            demo=question.demo,
            rememberable="" if rule is None else rule.words,
            not_rememberable=why_not,
            problem_of=lambda call: self._edited(checked.call, call).problem,
        )
        asked = await _unless(cancel, self._approver.decide(proposal))
        decision = _tidied(asked or Decision(accept=False, reason=STOPPED), checked.call)
        if not decision.accept:
            return Ruling(decision=decision, checked=checked)
        if decision.edited is not None:
            return await self._accepted_edited(question, decision, preview.edit)
        if decision.remember and rule is not None:
            self._remembered.add(rule)
        else:
            decision = replace(decision, remember=False)
        return Ruling(decision=decision, checked=_as_seen(checked, preview), approved=preview.edit)

    async def _accepted_edited(self, question: Question, decision: Decision, seen: FileEdit | None) -> Ruling:
        """An accepted call that the expert changed; what they saw of the file is what it must still be."""
        assert decision.edited is not None
        checked = self._edited(question.checked.call, decision.edited)
        changed = replace(question, checked=checked)
        rule = None
        if decision.remember and not checked.problem:
            rule, _ = await self._rule_for(changed)
        if rule is not None:
            self._remembered.add(rule)
        preview = await self._toolbox.preview(checked, question.context)
        approved = preview.edit
        if approved is not None and seen is not None and approved.path == seen.path:
            approved = replace(approved, before=seen.before, base_sha256=seen.base_sha256)
        decision = replace(decision, remember=rule is not None)
        return Ruling(decision=decision, checked=_as_seen(checked, preview), approved=approved)

    def _edited(self, proposed: ToolCall, edited: ToolCall) -> CheckedCall:
        checked = self._toolbox.check(edited)
        if edited.name == proposed.name:
            return checked
        return _cannot_run(edited, f"the edited call is one of {edited.name}, not of {proposed.name}")


def effect_of(checked: CheckedCall, context: ToolContext) -> Effect:
    """What a call may change; a file beneath ``.git`` is as good as a command, for git runs what stands there."""
    if checked.effect == "files":
        given = os.path.join(context.workspace, text_of(checked.arguments, "file_path"))  # noqa: PTH118 - may be absurd
        with contextlib.suppress(ValueError):
            given = os.path.realpath(given)
        if any(part.lower() == ".git" for part in PurePosixPath(given).parts):
            return "commands"
    return checked.effect


def _cannot_run(call: ToolCall, problem: str) -> CheckedCall:
    return CheckedCall(call=call, tool=None, arguments={}, problem=problem)


def _as_seen(checked: CheckedCall, preview: Preview) -> CheckedCall:
    """The call, with a problem when nobody could see what it would make of its file: then it must not come to work."""
    if checked.effect == "files" and preview.edit is None:
        return _cannot_run(checked.call, preview.body)
    return checked


def _tidied(decision: Decision, proposed: ToolCall) -> Decision:
    """The decision with the proposal's ``call_id`` on an edited call, and without an edit that changes nothing."""
    if decision.edited is None:
        return decision
    edited = decision.edited.model_copy(update={"call_id": proposed.call_id})
    return replace(decision, edited=None if edited == proposed else edited)


async def _unless(cancel: asyncio.Event, answer: Awaitable[Decision]) -> Decision | None:
    """The answer, or None when `cancel` is set first."""
    asked = asyncio.ensure_future(answer)
    stopped = asyncio.ensure_future(cancel.wait())
    try:
        await asyncio.wait({asked, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return asked.result() if asked.done() else None
    finally:
        asked.cancel()
        stopped.cancel()

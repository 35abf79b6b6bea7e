"""The agent's loop: ask the model, have its calls decided, run them, until it answers without a call.

Knows nothing of screens: decisions come from a `Gate`, what streams goes to a `LoopObserver`.
"""

from __future__ import annotations

import asyncio
import dataclasses

from limi_sessions.agent.ports import Decision, Limits, LoopEnd, LoopPorts, LoopSettings
from limi_sessions.agent.prompt import NO_LONGER_COVERED, NOBODY_IS_HERE, NOT_RUN
from limi_sessions.agent.stream import CompletionRequest, ModelError, RetryNotice
from limi_sessions.approval.gate import Question, Ruling
from limi_sessions.records.event import Event
from limi_sessions.records.message import Completion, ToolCall
from limi_sessions.records.payload import (
    ModelFailed,
    ModelMessage,
    ModelRetried,
    ToolDecided,
    ToolFinished,
    ToolProposed,
)
from limi_sessions.tools.tool import ToolContext, ToolResult
from limi_sessions.tools.toolbox import CheckedCall, render

_TYPING_TOOLS = frozenset({"run_shell_command", "terminal_send"})
"""Tools that type into the shell and so need the lease."""
_STOP_GRACE_S = 2.0
"""How long a stopped tool may take to end by itself."""


class AgentLoop:
    """Runs until the agent has answered."""

    def __init__(self, ports: LoopPorts) -> None:
        self._ports = ports
        self._spent_tokens = 0
        self._spent_usd = 0.0
        # What abandoned branches have cost is spent, too.
        for turn in (turn for branch in ports.conversation.line.branches for turn in branch.turns):
            if turn.usage:
                self._spent_tokens += turn.usage.prompt + turn.usage.completion
            self._spent_usd += turn.cost_usd or 0.0

    async def run(self, cancel: asyncio.Event) -> LoopEnd:
        """Work until the agent answers without a call, a limit, a failure or `cancel`.

        Raises:
            JournalError: something could not be recorded; the loop stopped there.
        """
        try:
            return await self._run(cancel)
        finally:
            self._ports.observer.activity_changed("idle")

    async def _run(self, cancel: asyncio.Event) -> LoopEnd:
        requests = 0
        while True:
            settings = self._ports.settings()
            if reached := self._limit_reached(settings.limits, requests):
                return LoopEnd("limit", reached)
            requests += 1
            answered = await self._ask(settings, cancel)
            if isinstance(answered, LoopEnd):
                return answered
            request_id, completion = answered
            if not completion.tool_calls:
                if self._ports.conversation.awaits_agent():
                    continue
                return _end_of(completion)
            for call in completion.tool_calls:
                if not await self._settle(request_id, call, settings, cancel):
                    return LoopEnd("shell_lost", "the shell died and could not be started again")
            if cancel.is_set():
                return LoopEnd("interrupted", "stopped by the expert")

    def _limit_reached(self, limits: Limits, requests: int) -> str:
        if limits.max_turns is not None and requests >= limits.max_turns:
            return f"{requests} model turns (--max-turns {limits.max_turns})"
        if limits.max_tokens is not None and self._spent_tokens >= limits.max_tokens:
            return f"{self._spent_tokens} tokens (--max-tokens {limits.max_tokens})"
        if limits.max_cost_usd is not None and self._spent_usd >= limits.max_cost_usd:
            return f"${self._spent_usd:.4f} (--max-cost {limits.max_cost_usd})"
        return ""

    async def _ask(self, settings: LoopSettings, cancel: asyncio.Event) -> tuple[str, Completion] | LoopEnd:
        ports = self._ports
        ports.observer.activity_changed("thinking")
        await ports.keep_workspace("turn", None)
        request, messages = ports.conversation.next_request(
            model=settings.model,
            provider=settings.completer.provider_facts,
            tools=ports.toolbox.schemas,
            sampling=settings.sampling,
        )
        await ports.record(request)
        retries: list[asyncio.Future[Event]] = []

        def retried(notice: RetryNotice) -> None:
            payload = ModelRetried(
                request_id=request.request_id,
                attempt=notice.attempt,
                error=notice.error,
                status_code=notice.status_code,
                wait_s=notice.wait_s,
            )
            retries.append(asyncio.ensure_future(ports.record(payload)))

        try:
            completion = await settings.completer.complete(
                CompletionRequest(request.request_id, messages, ports.toolbox.schemas, settings.sampling),
                on_delta=lambda delta: ports.observer.delta_arrived(request.request_id, delta),
                on_retry=retried,
                cancel=cancel,
            )
        except ModelError as error:
            await asyncio.gather(*retries)
            return await self._failed(request.request_id, error)
        await asyncio.gather(*retries)
        return await self._answered(request.request_id, completion, settings)

    async def _failed(self, request_id: str, error: ModelError) -> LoopEnd:
        await self._ports.record(
            ModelFailed(
                request_id=request_id,
                error=str(error),
                error_kind=error.kind,
                status_code=error.status_code,
                partial=error.partial,
            )
        )
        return LoopEnd("failed", str(error))

    async def _answered(
        self, request_id: str, completion: Completion, settings: LoopSettings
    ) -> tuple[str, Completion] | LoopEnd:
        if completion.usage:
            self._spent_tokens += completion.usage.prompt + completion.usage.completion
        self._spent_usd += completion.cost_usd or 0.0
        sha256 = settings.completer.provider_facts.get("gguf_sha256")
        timings = completion.raw.get("timings")
        speed = timings.get("predicted_per_second") if isinstance(timings, dict) else None
        await self._ports.record(
            ModelMessage(
                request_id=request_id,
                completion=completion,
                demo=settings.demo,
                gguf_sha256=sha256 if isinstance(sha256, str) else None,
                tokens_per_s=float(speed) if isinstance(speed, int | float) else None,
            )
        )
        if completion.finish_reason in {"cancelled", "truncated"}:
            return _end_of(completion)
        return request_id, completion

    async def _settle(self, request_id: str, call: ToolCall, settings: LoopSettings, cancel: asyncio.Event) -> bool:
        """Bring one call to its result; False when the shell is gone for good."""
        checked = self._ports.toolbox.check(call)
        await self._ports.record(ToolProposed(request_id=request_id, call=call, problem=checked.problem))
        if cancel.is_set():
            await self._finish(call, ToolResult(status="interrupted", text=NOT_RUN))
            return True
        if checked.problem:
            await self._finish(call, ToolResult(status="error", text=checked.problem))
            return True
        ruling = await self._decide(request_id, checked, settings, cancel)
        if not ruling.decision.accept:
            await self._finish(call, denial(ruling.decision))
            return True
        if ruling.checked.problem:
            await self._finish(call, ToolResult(status="error", text=ruling.checked.problem))
            return True
        lost = await self._perform(ruling, cancel)
        return not lost or await self._ports.shell_lost()

    async def _decide(
        self, request_id: str, checked: CheckedCall, settings: LoopSettings, cancel: asyncio.Event
    ) -> Ruling:
        ports = self._ports
        # The mode is read again: it may have been switched while an earlier call of this turn ran.
        mode = ports.settings().mode
        ruling = await ports.gate.decide(
            Question(request_id=request_id, checked=checked, mode=mode, demo=settings.demo, context=ports.context()),
            cancel=cancel,
            asking=lambda: ports.observer.activity_changed("deciding"),
        )
        decision = ruling.decision
        await ports.record(
            ToolDecided(
                call_id=checked.call.call_id,
                decision="accept" if decision.accept else "reject",
                by=decision.by,
                mode=mode,
                reason=decision.reason,
                reason_codes=decision.reason_codes,
                remembered=decision.remember,
                edited=decision.edited,
            )
        )
        return ruling

    async def _perform(self, ruling: Ruling, cancel: asyncio.Event) -> bool:
        """Run an accepted call and record its result; True when the shell died under it."""
        checked = ruling.checked
        if checked.call.name in _TYPING_TOOLS:
            self._ports.observer.activity_changed("waiting for the shell")
            if not await self._ports.lease(cancel):
                await self._finish(checked.call, ToolResult(status="interrupted", text=NOT_RUN))
                return False
        context = dataclasses.replace(self._ports.context(), approved=ruling.approved)
        if not await self._ports.gate.stands(ruling, context):
            await self._finish(checked.call, ToolResult(status="error", text=NO_LONGER_COVERED))
            return False
        self._ports.gate.will_run(checked)
        self._ports.observer.activity_changed("running")
        result = await self._run_tool(checked, context, cancel)
        await self._finish(checked.call, result)
        if checked.needs_approval:
            await self._ports.keep_workspace("call", checked.call.call_id)
        return result.status == "shell_lost"

    async def _run_tool(self, checked: CheckedCall, context: ToolContext, cancel: asyncio.Event) -> ToolResult:
        running = asyncio.ensure_future(self._ports.toolbox.run(checked, context))
        stopped = asyncio.ensure_future(cancel.wait())
        try:
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done() and context.shell is not None and context.shell.lease.owner == "agent":
                await context.shell.interrupt()
                await asyncio.wait({running}, timeout=_STOP_GRACE_S)
            if not running.done():
                return ToolResult(status="interrupted", text="interrupted: stopped by the expert before it ended")
            result = running.result()
            if cancel.is_set() and result.status == "error" and checked.call.name in _TYPING_TOOLS:
                # The Ctrl-C came first, and the command was not typed into a shell that was busy with it.
                return ToolResult(status="interrupted", text=NOT_RUN)
            return result
        finally:
            stopped.cancel()
            running.cancel()

    async def _finish(self, call: ToolCall, result: ToolResult) -> None:
        await self._ports.record(
            ToolFinished(
                call_id=call.call_id,
                name=call.name,
                status=result.status,
                result=render(result),
                exit_code=result.exit_code,
                cwd=result.cwd,
                duration_ms=result.duration_s * 1000,
                truncated_chars=result.truncated_chars,
                artifact=result.artifact,
                cast_from=result.cast_from,
                cast_to=result.cast_to,
            )
        )


def denial(decision: Decision) -> ToolResult:
    """What a rejected call gets."""
    if decision.by == "nobody":
        return ToolResult(status="denied", text=NOBODY_IS_HERE)
    return ToolResult(status="denied", text=f"denied: {decision.reason or 'the expert gave no reason'}")


def _end_of(completion: Completion) -> LoopEnd:
    match completion.finish_reason:
        case "cancelled":
            return LoopEnd("interrupted", "stopped by the expert")
        case "truncated":
            return LoopEnd("failed", "the model's answer was cut off before it was complete")
        case "length":
            return LoopEnd("limit", "the model's answer reached its token limit")
        case "content_filter":
            return LoopEnd("failed", "the provider's content filter stopped the answer")
        case _:
            return LoopEnd("done")

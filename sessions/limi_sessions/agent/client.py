"""A model that can be asked: retries, watchdogs and cancellation around the model process.

Never imports litellm. Retries are ours, visible, and only before the first delta; there is no fallback to another
model.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from limi_sessions.agent.answer import Sent, completion_of, partial_of, sent_form, shown
from limi_sessions.agent.assembly import Assembly
from limi_sessions.agent.attempt import Attempt, Stopped, Timeouts
from limi_sessions.agent.demo import CONTEXT_TOKENS
from limi_sessions.agent.endpoint import LocalServer, provider_facts, worker_environ
from limi_sessions.agent.spec import ModelSpec
from limi_sessions.agent.stream import CompletionRequest, Delta, ErrorKind, ModelError, RetryNotice, Served
from limi_sessions.agent.wire import Ask, Ended, Failed
from limi_sessions.agent.worker_link import WorkerLink
from limi_sessions.records.identity import uuid7
from limi_sessions.records.message import Completion
from limi_sessions.records.value import JsonObject


class ModelClient:
    """One model; made by `start`, ended by `close`."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        log_directory: Path,
        environ: Mapping[str, str],
        timeouts: Timeouts,
        served: Served,
    ) -> None:
        self.spec = spec
        self.provider_facts: JsonObject = provider_facts(spec)
        self._timeouts = timeouts
        local = LocalServer(spec, log_directory=log_directory, environ=environ, served=served)
        self._local = None if spec.kind == "litellm" else local
        self._link = WorkerLink(
            spec.litellm_name,
            log=log_directory / "model.log",
            environ=worker_environ(spec, environ, local_key=local.key),
        )
        self._preparing: asyncio.Task[str | None] | None = None

    @classmethod
    async def start(
        cls,
        spec: ModelSpec,
        *,
        log_directory: Path,
        environ: Mapping[str, str],
        timeouts: Timeouts | None = None,
        served: Served | None = None,
    ) -> ModelClient:
        """A client whose processes start and warm up in the background.

        Args:
            spec: the model.
            log_directory: where its processes write their logs.
            environ: the workstation's environment; keys are taken from it.
            timeouts: None for the defaults.
            served: what of a script an earlier process has used up; None: nothing.
        """
        client = cls(
            spec,
            log_directory=log_directory,
            environ=environ,
            timeouts=timeouts or Timeouts(),
            served=served or Served(),
        )
        client._prepare()
        return client

    @property
    def context_limit(self) -> int | None:
        """Tokens that the model reads at most; None when unknown, or before `ready`."""
        if self.spec.demo:
            return CONTEXT_TOKENS
        return self._link.context_limit if self.spec.api_base is None and self.spec.kind == "litellm" else None

    @property
    def worker_pid(self) -> int | None:
        """The model process, None while there is none."""
        return self._link.pid

    async def ready(self) -> None:
        """Return when the first request will be as fast as any other.

        Raises:
            ModelError: of kind ``worker``; a process cannot be started.
        """
        await asyncio.shield(self._prepare())

    async def complete(
        self,
        request: CompletionRequest,
        *,
        on_delta: Callable[[Delta], None],
        on_retry: Callable[[RetryNotice], None],
        cancel: asyncio.Event,
    ) -> Completion:
        """The whole answer to one request.

        Args:
            request: what is sent.
            on_delta: takes each piece as it arrives.
            on_retry: told before each wait.
            cancel: when set, the request ends within 200 ms and the part that had arrived is the answer.

        Raises:
            ModelError: the request failed for good; ``partial`` holds what had arrived.
        """
        prepared = self._prepare()
        if not await _unless(prepared, cancel):
            return Completion(finish_reason="cancelled")
        sent = sent_form(request, self.spec, api_base=prepared.result())
        show = shown(sent, on_delta)
        for number in range(1, self._timeouts.retries + 2):
            attempt = Attempt(self._link, self._timeouts)
            ask = Ask(id=uuid7(), arguments=sent.arguments, priced=self._priced)
            outcome = await attempt.run(ask, on_delta=show, cancel=cancel)
            match outcome:
                case Ended():
                    self._count_answer()
                    return await completion_of(sent, attempt, outcome)
                case Stopped(why="cancelled"):
                    self._count_answer()
                    return await partial_of(sent, attempt, "cancelled")
                case Stopped():
                    self._count_answer()
                    raise await self._barked(sent, attempt, outcome)
                case Failed():
                    if attempt.assembly.empty and outcome.kind != "malformed":
                        self._count_error(outcome)
                    wait_s = self._wait_before_retry(outcome, attempt.assembly, number)
                    if wait_s is None:
                        return await self._settle_failure(sent, attempt, outcome)
                    on_retry(RetryNotice(number, outcome.message, outcome.status_code, wait_s))
                    if await _set_within(cancel, wait_s):
                        return Completion(finish_reason="cancelled")
        raise AssertionError("the last attempt either answers or fails")

    async def close(self) -> None:
        """End the processes."""
        if self._preparing is not None and not self._preparing.done():
            self._preparing.cancel()
            await asyncio.wait({self._preparing})
        await self._link.close()
        if self._local is not None:
            await self._local.close()

    @property
    def _priced(self) -> bool:
        return self.spec.kind == "litellm" and self.spec.api_base is None

    def _prepare(self) -> asyncio.Task[str | None]:
        """The task that brings up what is not running; its result is the base URL to use."""
        if self._preparing is None or self._preparing.done():
            self._preparing = asyncio.create_task(self._bring_up(), name="model processes starting")
            self._preparing.add_done_callback(_retrieve)
        return self._preparing

    async def _bring_up(self) -> str | None:
        if self._local is None:
            await self._link.warmed()
            return self.spec.api_base
        base, _ = await asyncio.gather(self._local.ensure(), self._link.warmed())
        return base

    def _count_answer(self) -> None:
        if self._local is not None:
            self._local.served = self._local.served.with_answer()

    def _count_error(self, failed: Failed) -> None:
        if self._local is not None and failed.status_code is not None:
            self._local.served = self._local.served.with_error()

    def _wait_before_retry(self, failed: Failed, assembly: Assembly, attempt_number: int) -> float | None:
        """Seconds to wait before the next attempt; None: there is none."""
        if not failed.retriable or not assembly.empty or attempt_number > self._timeouts.retries:
            return None
        wait_s = self._timeouts.first_wait_s * 2 ** (attempt_number - 1) * random.uniform(0.8, 1.2)
        if failed.retry_after_s is not None:
            wait_s = failed.retry_after_s
        return wait_s if wait_s <= self._timeouts.longest_wait_s else None

    async def _settle_failure(self, sent: Sent, attempt: Attempt, failed: Failed) -> Completion:
        """The part of a cut answer.

        Raises:
            ModelError: the failure is no cut.
        """
        begun = not attempt.assembly.empty
        if begun or failed.kind in ("malformed", "worker"):
            self._count_answer()
        if begun and (failed.cut or failed.kind == "connection"):
            return await completion_of(sent, attempt, Ended(id=failed.id, finish_reason=None))
        partial = await partial_of(sent, attempt, "truncated") if begun else None
        message = f"{self.spec.name}: {failed.message}{self._advice(failed.kind)}"
        raise ModelError(message, kind=failed.kind, status_code=failed.status_code, partial=partial)

    async def _barked(self, sent: Sent, attempt: Attempt, stopped: Stopped) -> ModelError:
        """The error of a watchdog."""
        limits = self._timeouts
        said = {
            "first_delta": f"sent nothing for {limits.first_delta_s:g} s",
            "idle": f"fell silent for {limits.idle_s:g} s in the middle of its answer",
            "total": f"did not finish within {limits.total_s:g} s",
        }
        partial = None if attempt.assembly.empty else await partial_of(sent, attempt, "truncated")
        message = f"{self.spec.name} {said[stopped.why]}; the request was ended. Ask again, or change the model."
        return ModelError(message, kind="timeout", partial=partial)

    def _advice(self, kind: ErrorKind) -> str:
        where = self.spec.api_base or "the provider"
        match kind:
            case "auth":
                return f". Check the key in {self.spec.key_variable or 'the environment'}."
            case "rate_limit":
                return ". Wait, or change the model."
            case "connection":
                return f". Check that {where} is reachable."
            case "server" | "timeout" | "malformed":
                return f". The fault is at {where}: ask again, or change the model."
            case "bad_request" | "worker":
                return ""


async def _unless(task: asyncio.Task[str | None], cancel: asyncio.Event) -> bool:
    """Whether the task ended before the person stopped it; raises what the task raised."""
    stopping = asyncio.create_task(cancel.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if not task.done():
        return False
    task.result()
    return not cancel.is_set()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _retrieve(task: asyncio.Task[str | None]) -> None:
    if not task.cancelled():
        task.exception()  # whoever waits gets it too; nobody may be waiting

"""`limi session run`: one query to its end, without a person and without a screen."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence

from limi_sessions.agent.ports import NobodyIsHere
from limi_sessions.live import LiveSession
from limi_sessions.plan import Company
from limi_sessions.records.event import Event
from limi_sessions.records.payload import SessionFinished, SessionStatus
from limi_sessions.records.visible import visible_text
from limi_sessions.unwatched import Unwatched
from limi_store import StorePort, open_store
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.session_start import chosen_sandbox, new_plan
from limi_tui.verbs.store_guard import StoreGuard
from limi_tui.verbs.transcript_text import event_text

EXIT_CODES: dict[SessionStatus, int] = {"done": 0, "failed": 3, "limit": 4, "shell_lost": 5, "interrupted": 130}


async def _nobody(question: str, options: Sequence[str]) -> str | None:
    return None


def run_headless(request: OpeningRequest, *, as_json: bool) -> int:
    """Run one query; prints each event once it is on disk, and returns the exit code.

    Args:
        request: what to run; `query` and `model` must be given.
        as_json: print events as JSON lines instead of a readable transcript.

    Raises:
        HomeUnwritable, StoreError, UnknownModel, SandboxMissing, JournalError, ShellError: each with what to do;
            nothing keeps running.
        BrokenPipeError: our reader went away; the session was ended as interrupted.
    """
    request.home.make()
    store = open_store(request.home)
    try:
        return asyncio.run(_run(request, store, _json_line if as_json else event_text))
    finally:
        store.close()


async def _run(request: OpeningRequest, store: StorePort, told: Callable[[Event], str]) -> int:
    plan = new_plan(request, model=request.model or "demo")
    if plan.sandbox.name == "none" and request.sandbox == "auto":
        words = visible_text(chosen_sandbox(request).words)
        sys.stderr.write(f"limi: no sandbox, commands run with your rights ({words}). --sandbox none is silent\n")
    unwatched = Unwatched()
    stop = asyncio.Event()
    printer = _Printer(told, stop)
    company = Company(
        sink=store.event_appended,
        on_event=printer.show,
        approver=NobodyIsHere(),
        observer=unwatched,
        watcher=unwatched,
        ask=_nobody,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    guard = StoreGuard(lambda: store)
    session = await guard.around(plan, lambda plan: LiveSession.begin(plan, company))
    try:
        await _work_until(stop, session, plan.query)
    finally:
        finished = await session.finish(_verdict(session))
        await guard.close()
    if session.record.failure is not None:
        raise session.record.failure
    if printer.reader_gone is not None:
        raise printer.reader_gone
    return EXIT_CODES[finished.status]


async def _work_until(stop: asyncio.Event, session: LiveSession, query: str) -> None:
    work = await session.say(query)
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        await session.stop()
    work.result()


def _verdict(session: LiveSession) -> SessionFinished:
    if session.last_end is None:
        return SessionFinished(status="failed", reason="limi could not go on")
    return SessionFinished(status=session.last_end.status, reason=session.last_end.reason)


class _Printer:
    """Prints events; when the reader goes away, the session is stopped."""

    def __init__(self, told: Callable[[Event], str], stop: asyncio.Event) -> None:
        self._told = told
        self._stop = stop
        self.reader_gone: BrokenPipeError | None = None

    def show(self, event: Event) -> None:
        text = self._told(event)
        if not text or self.reader_gone is not None:
            return
        try:
            sys.stdout.write(text.encode("utf-8", "replace").decode() + "\n")
            sys.stdout.flush()
        except BrokenPipeError as error:
            self.reader_gone = error
            self._stop.set()


def _json_line(event: Event) -> str:
    line = event.envelope()
    if isinstance(event.payload, SessionFinished):
        line["status"] = event.payload.status
    return json.dumps(line, ensure_ascii=False)

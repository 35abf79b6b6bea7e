"""`limi session run`: one query to its end, without a person and without a screen."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence

from limi_sessions.agent.ports import Activity, NobodyIsHere
from limi_sessions.agent.spec import UnknownModel
from limi_sessions.agent.stream import Delta
from limi_sessions.journal import JournalError
from limi_sessions.live import LiveSession
from limi_sessions.paths import HomeUnwritable
from limi_sessions.plan import Company
from limi_sessions.pty.errors import ShellError, ShellMissing
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.event import Event
from limi_sessions.records.payload import LeaseOwner, SessionFinished, SessionStatus
from limi_store import StoreError, StorePort, open_store
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.session_start import new_plan
from limi_tui.verbs.transcript_text import event_text

EXIT_CODES: dict[SessionStatus, int] = {"done": 0, "failed": 3, "limit": 4, "shell_lost": 5, "interrupted": 130}
USAGE, STORE_FAILED = 2, 6


class _Unwatched:
    """Nobody looks at the shell or at what streams."""

    def delta_arrived(self, request_id: str, delta: Delta) -> None:
        """Not shown."""

    def activity_changed(self, activity: Activity) -> None:
        """Not shown."""

    def shell_attached(self, shell: SharedShell) -> None:
        """Not shown."""

    def output_read(self) -> None:
        """Not shown."""

    def shell_state_changed(self, state: ShellState) -> None:
        """Not shown."""

    def lease_changed(self, owner: LeaseOwner, reason: str) -> None:
        """Not shown."""

    def key_swallowed(self) -> None:
        """Nobody types."""


async def _nobody(question: str, options: Sequence[str]) -> str | None:
    return None


def run_headless(request: OpeningRequest, *, as_json: bool) -> int:
    """Run one query; prints each event once it is on disk, and returns the exit code.

    Args:
        request: what to run; `query` and `model` must be given.
        as_json: print events as JSON lines instead of a readable transcript.
    """
    try:
        request.home.make()
        store = open_store(request.home)
    except (HomeUnwritable, StoreError) as error:
        return _fail(error, STORE_FAILED)
    try:
        return asyncio.run(_run(request, store, _print_json if as_json else _print_text))
    except (UnknownModel, ShellMissing) as error:
        return _fail(error, USAGE)
    except ShellError as error:
        return _fail(error, EXIT_CODES["shell_lost"])
    except JournalError as error:
        return _fail(error, STORE_FAILED)
    finally:
        store.close()


async def _run(request: OpeningRequest, store: StorePort, show: Callable[[Event], None]) -> int:
    plan = new_plan(request, model=request.model or "demo")
    unwatched = _Unwatched()
    company = Company(
        sink=store.event_appended,
        on_event=show,
        approver=NobodyIsHere(),
        observer=unwatched,
        watcher=unwatched,
        ask=_nobody,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    session = await LiveSession.begin(plan, company)
    try:
        await _work_until(stop, session, plan.query)
    finally:
        status: SessionStatus = "interrupted" if stop.is_set() else session.last_status
        await session.finish(SessionFinished(status=status, reason=session.last_reason))
    return EXIT_CODES[status]


async def _work_until(stop: asyncio.Event, session: LiveSession, query: str) -> None:
    work = await session.say(query)
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        await session.stop()
    work.result()


def _print_json(event: Event) -> None:
    line = event.envelope()
    if isinstance(event.payload, SessionFinished):
        line["status"] = event.payload.status
    _print(json.dumps(line))


def _print_text(event: Event) -> None:
    text = event_text(event)
    if text:
        _print(text)


def _print(text: str) -> None:
    sys.stdout.write(text.encode("utf-8", "replace").decode() + "\n")
    sys.stdout.flush()


def _fail(error: Exception, code: int) -> int:
    sys.stderr.write(f"limi: {error}\n")
    return code

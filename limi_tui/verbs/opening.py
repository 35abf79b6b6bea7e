"""Opening a session for the workstation: a new one, or one that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from limi_sessions.live import LiveSession
from limi_sessions.plan import Company, SessionPlan
from limi_sessions.records.event import Event
from limi_sessions.resuming import last_cwd, scrollback
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.session_start import new_plan, plan_to_resume
from limi_tui.verbs.store_guard import StoreGuard


async def open_new(
    request: OpeningRequest, company: Company, *, model: str, cols: int, rows: int, guard: StoreGuard | None = None
) -> LiveSession:
    """Begin a session.

    Args:
        request: what to open.
        company: who is around it.
        model: its model.
        cols: of the shell's screen.
        rows: of the shell's screen.
        guard: lets its shell use the store; closed when nothing is opened.

    Raises:
        UnknownModel, SandboxMissing, HomeUnwritable, JournalError, ShellError: each with what to do.
    """
    plan = await asyncio.to_thread(lambda: new_plan(request, model=model, cols=cols, rows=rows))
    if guard is None:
        return await LiveSession.begin(plan, company)
    return await guard.around(plan, lambda plan: LiveSession.begin(plan, company))


async def open_again(
    request: OpeningRequest,
    session_id: str,
    company: Company,
    *,
    cols: int,
    rows: int,
    show: Callable[[Sequence[Event]], None],
    guard: StoreGuard | None = None,
) -> LiveSession:
    """Go on with a session where it was left: its turns, its shell's directory and scrollback.

    Args:
        request: its model and endpoint go before the session's own.
        session_id: the whole id.
        company: who is around it now.
        cols: of the shell's screen.
        rows: of the shell's screen.
        show: given all that happened so far, before anything new does.
        guard: lets its shell use the store; closed when nothing is opened.

    Raises:
        JournalBusy: it runs in another process.
        SessionUnreadable, UnknownModel, SandboxMissing, JournalError, ShellError: each with what to do.
    """
    plan, events = await asyncio.to_thread(lambda: plan_to_resume(request, session_id, cols=cols, rows=rows))
    shown = await asyncio.to_thread(scrollback, plan.paths.root, events)
    show(events)

    def resumed(plan: SessionPlan) -> Awaitable[LiveSession]:
        return LiveSession.resume(plan, company, cwd=last_cwd(events), scrollback=shown)

    return await resumed(plan) if guard is None else await guard.around(plan, resumed)

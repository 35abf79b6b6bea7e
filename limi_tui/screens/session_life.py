"""A session from its opening to its end, for one screen: what is typed early waits, what fails is said in words.

Knows the screen only as somebody to tell (`SessionPage`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Literal, Protocol

from limi_sessions.journal import JournalError
from limi_sessions.live import LiveSession
from limi_sessions.plan import Company
from limi_sessions.records.event import Event
from limi_sessions.records.payload import SessionFinished
from limi_store import StorePort
from limi_tui.screens.failure_words import failure_words
from limi_tui.verbs.opening import open_again, open_new
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.store_guard import StoreGuard
from limi_tui.widgets.finish_card import FinishVerdict
from limi_tui.widgets.transcript_blocks import NoticeKind

Phase = Literal["opening", "open", "failed", "ended"]
_REOPEN = "/model NAME tries again with another model, F5 shows the other sessions, Ctrl-Q leaves."
_NOT_RECORDED = "Nothing that is not on disk is sent. Free space or mend the disk, then send it again."


class ModelNotChosen(Exception):
    """A new session has no model to work with."""


class SessionPage(Protocol):
    """Where a session is shown."""

    async def choose_model(self) -> str | None:
        """A model for a new session; None: the person chose none."""
        ...

    def session_opened(self, live: LiveSession) -> None:
        """It is open now."""
        ...

    def session_not_opened(self) -> None:
        """It could not be opened."""
        ...

    def notice(self, kind: NoticeKind, text: str) -> None:
        """Say something in the conversation."""
        ...

    def give_back(self, text: str) -> None:
        """Put a text that was not sent back where it was typed."""
        ...

    def work_ended(self) -> None:
        """The agent has stopped working."""
        ...

    def show_earlier(self, events: Sequence[Event]) -> None:
        """Show what happened before."""
        ...


class SessionLife:
    """One session, opened once; `end` may be called at any time."""

    def __init__(self, page: SessionPage, request: OpeningRequest, *, model: str | None) -> None:
        """Nothing is opened yet.

        Args:
            page: told of what happens.
            request: what to open.
            model: for a new session; None asks the page, or to resume takes what the session had.
        """
        self._page = page
        self.request = request
        self._model = model
        self._guard: StoreGuard | None = None
        self.live: LiveSession | None = None
        """None unless the phase is ``open``."""
        self.phase: Phase = "opening"
        self._waiting: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        self._reviving = False
        self._end: asyncio.Task[None] | None = None
        self.earlier_end: SessionFinished | None = None
        """How the session ended before it was resumed; None when it is new or was cut off."""

    @property
    def is_used(self) -> bool:
        """Whether there is something to judge, and a journal to write the verdict to."""
        live = self.live
        if live is None or live.record.failure is not None:
            return False
        return any(turn.source != "system" for turn in live.conversation.turns)

    async def open(self, company: Company, cols: int, rows: int, *, store: Callable[[], StorePort]) -> None:
        """Open the session, then do what was asked for meanwhile.

        Args:
            company: who is around it.
            cols: of the shell's screen.
            rows: of the shell's screen.
            store: for `limi` verbs typed in its shell; waits until it is open.
        """
        self.phase = "opening"
        self._guard = StoreGuard(store)
        try:
            live = await self._opened(company, cols=cols, rows=rows)
        except Exception as error:  # noqa: BLE001 - shown where the person looks; the screen stays usable
            self.phase = "failed"
            self._page.session_not_opened()
            self._page.notice("error", f"the session was not opened: {failure_words(error)}")
            self._page.notice("note", _REOPEN)
            waiting, self._waiting = self._waiting, []
            self._page.give_back("\n".join(text for text, _ in waiting))
            return
        self.live, self.phase = live, "open"
        self._page.session_opened(live)
        if self.request.query and self.request.session_id is None:
            await self.say(self.request.query)
        waiting, self._waiting = self._waiting, []
        for _, step in waiting:
            await step()

    async def _opened(self, company: Company, *, cols: int, rows: int) -> LiveSession:
        request = self.request
        if request.session_id is not None:
            return await open_again(
                request, request.session_id, company, cols=cols, rows=rows, show=self._take_earlier, guard=self._guard
            )
        model = self._model or await self._page.choose_model()
        if model is None:
            raise ModelNotChosen("no model was chosen")
        return await open_new(request, company, model=model, cols=cols, rows=rows, guard=self._guard)

    def _take_earlier(self, events: Sequence[Event]) -> None:
        ends = [event.payload for event in events if isinstance(event.payload, SessionFinished)]
        self.earlier_end = ends[-1] if ends else None
        self._page.show_earlier(events)

    def use_model(self, name: str) -> None:
        """Take another model when the session is opened once more."""
        self._model = name
        self.request = replace(self.request, model=name)

    def when_open(self, text: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do something once the session is open; ``text`` is what the person gets back if it never is."""
        self._waiting.append((text, step))

    async def say(self, text: str) -> None:
        """Tell the agent something, at once or when the session is open."""
        if self.live is None and self.phase == "opening":
            self._page.notice("note", f"sent as soon as the session is open: {text[:200]}")
            self.when_open(text, lambda: self.say(text))
        elif self.live is None:
            self._page.give_back(text)
            self._page.notice("error", f"not sent, the session is not open. {_REOPEN}")
        else:
            try:
                work = await self.live.say(text)
            except JournalError as error:
                self._page.give_back(text)
                self._page.notice("error", f"not recorded and not sent: {error}. {_NOT_RECORDED}")
                return
            work.add_done_callback(self._work_ended)

    def work_again(self) -> None:
        """Let the agent go on where the conversation was brought back to, if it is its turn."""
        live = self.live
        if live is not None and live.conversation.awaits_agent() and not live.is_working:
            live.start_work().add_done_callback(self._work_ended)

    def _work_ended(self, work: asyncio.Task[object]) -> None:
        live = self.live
        if live is None or work.cancelled():
            return
        error = work.exception()
        if error is not None:
            self._page.notice("error", failure_words(error))
        elif live.last_end is not None and live.last_end.status in {"limit", "shell_lost"}:
            self._page.notice("limit", f"stopped: {live.last_reason}")
        self._page.work_ended()

    async def revive_shell(self) -> None:
        """Start a new shell when the last one has ended and the agent does not see to that."""
        live = self.live
        if live is None or live.is_working or self._reviving or live.shell.shell is None:
            return
        if live.shell.shell.state != "lost":
            return
        await self.new_shell()

    async def new_shell(self) -> None:
        """Start a new shell in the directory of the last one."""
        live = self.live
        if live is None or self._reviving:
            return
        self._reviving = True
        try:
            if await live.shell.restart():
                self._page.notice("note", "a new shell was started where the last one was")
            else:
                self._page.notice(
                    "error", "no shell: it ended again and again, or cannot start. /shell tries once more"
                )
        finally:
            self._reviving = False

    async def end(self, verdict: FinishVerdict | None = None, *, interrupted_by: str = "") -> None:
        """End the session and everything it started; whoever asks while it ends waits for that end.

        Args:
            verdict: what the expert said about it.
            interrupted_by: what ends it when no person does.
        """
        live, self.live = self.live, None
        self.phase = "ended"
        if live is not None:
            self._end = asyncio.create_task(self._ended(live, verdict, interrupted_by), name="session-end")
        if self._end is not None:
            await asyncio.shield(self._end)

    async def _ended(self, live: LiveSession, verdict: FinishVerdict | None, interrupted_by: str) -> None:
        await live.stop()
        before = self.earlier_end if live.last_end is None else None
        finished = before or SessionFinished(status=live.last_status, reason=live.last_reason)
        if interrupted_by:
            finished = finished.model_copy(update={"status": "interrupted", "reason": interrupted_by})
        if verdict is not None:
            finished = finished.model_copy(update={"outcome": verdict.outcome, "note": verdict.note})
        try:
            await live.finish(finished)
        except JournalError as error:
            self._page.notice("error", failure_words(error))
        if self._guard is not None:
            await self._guard.close()

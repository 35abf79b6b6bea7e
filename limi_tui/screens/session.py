"""The session: conversation and live shell side by side, composer, approvals and status below.

Draws and routes only: what a session does is `limi_sessions.live`, what events look like is `limi_tui.story`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Footer

from limi_sessions.live import LiveSession
from limi_sessions.plan import Company
from limi_sessions.records.event import Event
from limi_sessions.records.payload import SessionFinished
from limi_tui import bindings, messages
from limi_tui.guard import copy_text
from limi_tui.link import SessionLink
from limi_tui.screens.failure_words import failure_words
from limi_tui.screens.room import Room
from limi_tui.screens.session_commands import COMMANDS, CommandFailed, run_command
from limi_tui.screens.session_status import SessionStatusBoard, waiting_banner
from limi_tui.story import Story
from limi_tui.verbs.opening import open_again, open_new
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.widgets.asking import AskingArea
from limi_tui.widgets.composer import Composer
from limi_tui.widgets.finish_card import FinishCard, FinishVerdict
from limi_tui.widgets.help_screen import HelpScreen
from limi_tui.widgets.panes import Panes
from limi_tui.widgets.status_line import StatusLine
from limi_tui.widgets.terminal_pane import TerminalPane
from limi_tui.widgets.transcript import Transcript
from limi_tui.widgets.transcript_blocks import NoticeBlock

WELCOME = (
    "Type below what you want done; the agent works in the shell on the right, and so may you.\n"
    "F6 moves between talking and the shell. F8 takes the shell over and hands it back.\n"
    "Nothing that changes anything runs before you accept it, in mode ask. F1 lists every key.\n"
    "Ctrl-Q ends the session: a short card asks how it went. Everything is kept and can be resumed."
)


class SessionScreen(Room):
    """One session on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.SESSION
    CSS_PATH = "session.tcss"
    TITLE = "limi"

    def __init__(self, request: OpeningRequest, *, model: str | None) -> None:
        """Args: model: for a new session; None to resume `request.session_id`."""
        super().__init__()
        self.request = request
        self._model = model
        self.live: LiveSession | None = None
        """None until the session is open."""
        self._question: messages.QuestionAsked | None = None
        self._opening_failed = False

    def compose(self) -> ComposeResult:
        """Two panes, then what is answered, typed and known."""
        with Panes(id="panes"):
            with Vertical(id="talk"):
                yield Transcript(id="transcript", empty=WELCOME)
            with Vertical(id="shell"):
                yield TerminalPane(id="terminal")
        yield AskingArea(id="asking")
        yield Composer(commands=COMMANDS, id="composer")
        yield StatusLine(id="status")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Open the session while the first frame is drawn."""
        self.transcript = self.query_one(Transcript)
        self.terminal = self.query_one(TerminalPane)
        self.asking = self.query_one(AskingArea)
        self.panes = self.query_one(Panes)
        self.composer = self.query_one(Composer)
        self.board = SessionStatusBoard(self.query_one(StatusLine), self.request)
        self.story = Story(self.transcript)
        self.panes.share = round(self.limi.settings.look.split_ratio * 100)
        self.composer.focus()
        self.set_interval(1.0, self.board.tick)
        self.call_after_refresh(self._open)

    # Opening and ending.

    @work(group="session", description="Opening the session", exit_on_error=False)
    async def _open(self) -> None:
        link = SessionLink(self.post_message, output_read=self.terminal.output_read)
        company = Company(
            sink=self.limi.store_gate.event_appended,
            on_event=link.event_recorded,
            approver=link,
            observer=link,
            watcher=link,
            ask=link.ask,
        )
        size = self.terminal.size
        cols, rows = max(20, size.width), max(5, size.height - 1)
        try:
            self.live = await self._opened(company, cols=cols, rows=rows)
        except Exception as error:  # noqa: BLE001 - shown where the person looks; the screen stays usable
            self._opening_failed = True
            self.transcript.append(NoticeBlock("opening", "error", failure_words(error)))
            self.board.failed()
            return
        self.board.attach(self.live)
        if self.request.query and self.request.session_id is None:
            await self.say(self.request.query)

    async def _opened(self, company: Company, *, cols: int, rows: int) -> LiveSession:
        if self.request.session_id is not None:
            return await open_again(
                self.request, self.request.session_id, company, cols=cols, rows=rows, show=self._show_earlier
            )
        return await open_new(self.request, company, model=self._model or "demo", cols=cols, rows=rows)

    def _show_earlier(self, events: Sequence[Event]) -> None:
        for event in events:
            self.story.event_recorded(event)
        self.transcript.jump_to_end()

    async def say(self, text: str) -> None:
        """Tell the agent something."""
        if self.live is None:
            hint = "the session could not be opened" if self._opening_failed else "the session is still opening"
            self.notify(f"Not sent: {hint}.", severity="warning")
            self.composer.text = text
            return
        work = await self.live.say(text)
        work.add_done_callback(self._work_ended)

    def _work_ended(self, work: asyncio.Task[object]) -> None:
        live = self.live
        if live is None or work.cancelled():
            return
        error = work.exception()
        if error is not None:
            self.transcript.append(NoticeBlock(f"work/{id(work)}", "error", failure_words(error)))
        elif live.last_end is not None and live.last_end.status in {"limit", "shell_lost", "interrupted"}:
            self.transcript.append(NoticeBlock(f"work/{id(work)}", "limit", f"stopped: {live.last_reason}"))
        self.board.refresh()

    @work(group="ending", description="Ending the session", exclusive=True)
    async def end(self) -> None:
        """Ask how it went, end the session, and leave."""
        if self.live is not None and self.live.conversation.turns and self.live.record.failure is None:
            verdict = await self.limi.push_screen_wait(FinishCard(summary=self.board.summary()))
            if verdict is None:
                return
            await self._finish(verdict)
        elif self.live is not None:
            await self._finish(None)
        self.limi.session_ended(self)

    async def _finish(self, verdict: FinishVerdict | None) -> None:
        live, self.live = self.live, None
        if live is None:
            return
        self.board.closing()
        self.terminal.detach()
        await live.stop()
        status, reason = live.last_status, live.last_reason
        if verdict is None:
            await live.finish(SessionFinished(status=status, reason=reason))
        else:
            await live.finish(SessionFinished(status=status, reason=reason, outcome=verdict.outcome, note=verdict.note))

    # What the session reports.

    @on(messages.EventRecorded)
    def _event_recorded(self, message: messages.EventRecorded) -> None:
        self.story.event_recorded(message.event)
        self.board.event_recorded(message.event)

    @on(messages.DeltaArrived)
    def _delta_arrived(self, message: messages.DeltaArrived) -> None:
        self.story.delta_arrived(message.request_id, message.delta)

    @on(messages.ActivityChanged)
    def _activity_changed(self, message: messages.ActivityChanged) -> None:
        self.board.activity_changed(message.activity)

    @on(messages.ShellAttached)
    def _shell_attached(self, message: messages.ShellAttached) -> None:
        self.terminal.attach(message.shell.engine, message.shell.engine_lock)
        self.terminal.owner = message.shell.lease.owner

    @on(messages.ShellStateChanged)
    def _shell_state_changed(self, message: messages.ShellStateChanged) -> None:
        self.terminal.banner = waiting_banner(message.state, self.terminal.owner)

    @on(messages.LeaseMoved)
    def _lease_moved(self, message: messages.LeaseMoved) -> None:
        self.terminal.owner = message.owner
        self.board.lease_moved(message.owner)

    @on(messages.KeySwallowed)
    def _key_swallowed(self) -> None:
        self.notify("The agent holds the shell: F8 takes it over. That key was not typed.", severity="warning")

    # What waits for the expert.

    @on(messages.ApprovalAsked)
    async def _approval_asked(self, message: messages.ApprovalAsked) -> None:
        self.story.waits_for_expert(message.proposal.call.call_id)
        writing = bool(self.composer.text) or self.focused is self.terminal
        await self.asking.ask(message.proposal, message.answer, take_focus=not writing)
        self.bell_if_away()

    @on(messages.ApprovalWithdrawn)
    async def _approval_withdrawn(self, message: messages.ApprovalWithdrawn) -> None:
        if await self.asking.withdraw(message.call_id):
            self.composer.focus()

    @on(messages.QuestionAsked)
    def _question_asked(self, message: messages.QuestionAsked) -> None:
        self._question = message
        self.composer.ask(message.question, message.options)
        self.bell_if_away()

    @on(Composer.Answered)
    def _answered(self, message: Composer.Answered) -> None:
        if self._question is not None and not self._question.answer.done():
            self._question.answer.set_result(message.answer)

    @on(messages.QuestionWithdrawn)
    def _question_withdrawn(self) -> None:
        self._question = None
        self.composer.end_ask()

    def bell_if_away(self) -> None:
        """Ring when somebody is needed and nobody looks at what asks."""
        if not self.limi.app_focus:
            self.limi.bell()

    # What the expert types.

    @on(Composer.Submitted)
    async def _submitted(self, message: Composer.Submitted) -> None:
        self.board.touched()
        await self.say(message.text)

    @on(Composer.CommandEntered)
    async def _command_entered(self, message: Composer.CommandEntered) -> None:
        try:
            await run_command(self, message.name, message.arguments)
        except CommandFailed as error:
            self.notify(str(error), severity="error")

    @on(TerminalPane.Typed)
    def _typed(self, message: TerminalPane.Typed) -> None:
        self.board.touched()
        if self.live is not None and self.live.shell.shell is not None:
            self.live.shell.shell.type_human(message.data)

    @on(TerminalPane.Pasted)
    def _pasted(self, message: TerminalPane.Pasted) -> None:
        if self.live is not None and self.live.shell.shell is not None:
            self.live.shell.shell.paste_human(message.text)

    @on(TerminalPane.Resized)
    def _terminal_resized(self, message: TerminalPane.Resized) -> None:
        if self.live is not None:
            self.live.shell.resize(message.cols, message.rows)

    @on(TerminalPane.CopyRequested)
    @on(Transcript.CopyRequested)
    def _copy_requested(self, message: TerminalPane.CopyRequested | Transcript.CopyRequested) -> None:
        if copy_text(self.limi, message.text):
            self.notify(f"{len(message.text)} characters copied.")

    # Keys.

    def action_help(self) -> None:
        """Show every key."""
        self.limi.push_screen(HelpScreen(self))

    def action_switch_pane(self) -> None:
        """Move between talking and the shell."""
        if self.focused is self.terminal:
            self._focus_talk()
        else:
            self.terminal.focus()

    def _focus_talk(self) -> None:
        if self.asking.is_asking and not self.composer.text:
            self.asking.focus_call()
        else:
            self.composer.focus()

    def action_transcript(self) -> None:
        """Read the conversation."""
        self.transcript.focus()

    def action_answer_approval(self) -> None:
        """Go to the call that waits."""
        self.asking.focus_call()

    def action_take_over(self) -> None:
        """Take the shell, or hand it back."""
        shell = self.live.shell.shell if self.live is not None else None
        if shell is None:
            return
        if shell.lease.owner == "human":
            shell.lease.hand_back()
            self.composer.focus()
        else:
            shell.lease.take_over()
            self.terminal.focus()

    async def action_stop_agent(self) -> None:
        """Stop the agent."""
        if self.live is not None and self.live.is_working:
            self.board.stopping()
            await self.live.stop()

    def action_zoom(self) -> None:
        """Give the focused pane all the room, or take it back."""
        self.panes.zoom(self.query_one("#shell" if self.focused is self.terminal else "#talk"))

    def action_resize_panes(self, change: int) -> None:
        """Move the border between the panes by percent of the width."""
        self.panes.share += change

    def action_sessions(self) -> None:
        """Show all sessions."""
        self.limi.show_sessions()

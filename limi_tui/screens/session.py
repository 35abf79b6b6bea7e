"""The session: conversation and live shell side by side, composer, approvals and status below.

Draws and routes only: what a session does is `limi_sessions.live`, its course on this screen is `SessionLife`, what
events look like is `limi_tui.story`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Footer
from textual.worker import Worker, WorkerError

from limi_sessions.journal import JournalError
from limi_sessions.live import LiveSession
from limi_sessions.plan import Company
from limi_sessions.records.event import Event
from limi_sessions.records.identity import uuid7
from limi_tui import messages
from limi_tui.garbage import let_go, set_aside
from limi_tui.link import SessionLink
from limi_tui.screens.command_failed import CommandFailed
from limi_tui.screens.session_asking import SessionAsking
from limi_tui.screens.session_commands import COMMANDS, run_command
from limi_tui.screens.session_going_back import go_back, rewind_screen
from limi_tui.screens.session_guarding import tell_of_sandbox
from limi_tui.screens.session_hands import SessionHands
from limi_tui.screens.session_life import SessionLife
from limi_tui.screens.session_status import SWALLOWED, SessionStatusBoard, waiting_banner
from limi_tui.story import Story
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.widgets.asking import AskingArea
from limi_tui.widgets.composer import Composer
from limi_tui.widgets.finish_card import FinishCard, FinishVerdict
from limi_tui.widgets.panes import Panes
from limi_tui.widgets.private_area import PrivateArea
from limi_tui.widgets.status_line import StatusLine
from limi_tui.widgets.terminal_pane import TerminalPane
from limi_tui.widgets.transcript import Transcript
from limi_tui.widgets.transcript_blocks import NoticeBlock, NoticeKind

WELCOME = """Type below what you want done. The agent works in the shell beside, and so may you.

F6 moves between talking and the shell. F8 takes the shell over and hands it back. F1 lists every key.

In mode ask, nothing that changes anything runs before you accept it; F4 changes the mode. F7 goes back to an earlier \
turn. F9 is a shell of your own, which nothing confines. Ctrl-Q ends the session."""
_ON_DEMO = (
    "No key and no model server was found here, so this is the small embedded DEMO model: it shows how things work and "
    "is no good at tasks. /model NAME takes another; `limi doctor` says what works here."
)


class SessionScreen(SessionAsking, SessionHands):
    """One session on the screen."""

    CSS_PATH = "session.tcss"
    TITLE = "limi"
    AUTO_FOCUS = ""

    def __init__(self, request: OpeningRequest, *, model: str | None) -> None:
        """Args: model: for a new session; None to resume `request.session_id`."""
        super().__init__()
        self.life = SessionLife(self, request, model=model)
        self._ending = False
        self._opening: Worker[None] | None = None

    async def choose_model(self) -> str | None:
        """A model for a new session."""
        model = await self.limi.choose_model()
        if model == "demo":
            self.notice("note", f"{WELCOME}\n{_ON_DEMO}")
        return model

    @property
    def request(self) -> OpeningRequest:
        """What was asked for."""
        return self.life.request

    def compose(self) -> ComposeResult:
        """Two panes, then what is answered, typed and known."""
        with Panes(id="panes"):
            with Vertical(id="talk"):
                yield Transcript(id="transcript", empty=WELCOME)
            with Vertical(id="shell"):
                yield TerminalPane(id="terminal")
                yield PrivateArea(id="private")
        yield AskingArea(id="asking")
        yield Composer(commands=COMMANDS, id="composer")
        yield StatusLine(id="status")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Open the session while the first frame is drawn."""
        self.transcript = self.query_one(Transcript)
        self.terminal = self.query_one("#terminal", TerminalPane)
        self.private = self.query_one(PrivateArea)
        self.asking = self.query_one(AskingArea)
        self.panes = self.query_one(Panes)
        self.composer = self.query_one(Composer)
        self.board = SessionStatusBoard(self.query_one(StatusLine), self.request)
        self.story = Story(self.transcript)
        self.panes.share = round(self.limi.settings.look.split_ratio * 100)
        self.composer.focus()
        self.set_interval(1.0, self.board.tick)
        self.call_after_refresh(self.open_session)

    # Opening and ending.

    def open_session(self) -> None:
        """Open the session, or try once more."""
        self._opening = self._open()

    @work(group="session", description="Opening the session", exclusive=True)
    async def _open(self) -> None:
        link = SessionLink(self.post_message, output_read=self.terminal.output_read)
        company = Company(
            sink=self.limi.store_gate.event_appended,
            on_event=link.event_recorded,
            approver=link,
            observer=link,
            watcher=link,
            private_watcher=self.private,
            ask=link.ask,
        )
        await self.life.open(company, *self._shell_size, store=self.limi.store_gate.store)

    def session_opened(self, live: LiveSession) -> None:
        """It is open now."""
        self.board.attach(live)
        tell_of_sandbox(self, live)
        # The pane may have got another size meanwhile.
        live.shell.resize(*self._shell_size)
        set_aside()

    @property
    def _shell_size(self) -> tuple[int, int]:
        """Columns and rows of the shell; the pane's last row is its own."""
        size = self.terminal.size
        return max(20, size.width), max(5, size.height - 1)

    def session_not_opened(self) -> None:
        """It could not be opened."""
        self.board.failed()

    def notice(self, kind: NoticeKind, text: str) -> None:
        """Say something in the conversation."""
        self.transcript.append(NoticeBlock(f"notice/{uuid7()}", kind, text))

    def give_back(self, text: str) -> None:
        """Put a text that was not sent back into the composer."""
        if text:
            self.composer.text = f"{text}\n{self.composer.text}".strip("\n")

    def work_ended(self) -> None:
        """The agent has stopped working."""
        self.board.refresh()
        self._revive_shell()

    def show_earlier(self, events: Sequence[Event]) -> None:
        """Show what happened before."""
        self.story.events_recorded(events)

    def end(self) -> None:
        """Ask how it went, end the session, and leave; asked again while the card is shown: take it as it is."""
        if isinstance(self.limi.screen, FinishCard):
            self.limi.screen.finish()
        elif not self._ending:
            self._end()

    @work(group="ending", description="Ending the session")
    async def _end(self) -> None:
        self._ending = True
        verdict: FinishVerdict | None = None
        if self.life.is_used:
            before = self.life.earlier_end
            card = FinishCard(summary=self.board.summary(), outcome=before.outcome if before else "unjudged")
            verdict = await self.limi.push_screen_wait(card)
            if verdict is None:
                self._ending = False
                return
        await self.leave(verdict)
        self.limi.session_ended(self)

    async def leave(self, verdict: FinishVerdict | None = None, *, interrupted_by: str = "") -> None:
        """End the session; one that is still opening is given up."""
        self._ending = True
        self.board.closing()
        if self.live is None and self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(WorkerError):
                await self._opening.wait()
        self.terminal.detach()
        await self.life.end(verdict, interrupted_by=interrupted_by)
        let_go()

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
        if message.state == "lost":
            self._revive_shell()

    @work(group="shell", description="Starting a new shell")
    async def _revive_shell(self) -> None:
        await self.life.revive_shell()

    @on(messages.LeaseMoved)
    def _lease_moved(self, message: messages.LeaseMoved) -> None:
        self.terminal.owner = message.owner
        if self.terminal.banner == SWALLOWED:
            self.terminal.banner = ""
        self.board.lease_moved(message.owner)

    @on(messages.KeySwallowed)
    def _key_swallowed(self) -> None:
        self.terminal.banner = SWALLOWED

    # What the expert types.

    @on(Composer.Submitted)
    async def _submitted(self, message: Composer.Submitted) -> None:
        self.board.touched()
        await self.life.say(message.text)

    @on(Composer.CommandEntered)
    async def _command_entered(self, message: Composer.CommandEntered) -> None:
        await self._run_command(message.name, message.arguments)

    async def _run_command(self, name: str, arguments: str) -> None:
        try:
            await run_command(self, name, arguments)
        except CommandFailed as error:
            self.notice("error", str(error))

    @work(group="going-back", description="Choosing where to go back to", exclusive=True)
    async def action_rewind(self) -> None:
        """Show the turns and go back to the one that is chosen."""
        live = self.live
        choice = None if live is None else await self.limi.push_screen_wait(rewind_screen(live))
        if live is None or choice is None or live is not self.live:
            return
        try:
            await go_back(self, live, choice.point, choice.parts, retry=choice.retry)
        except (CommandFailed, JournalError) as error:
            self.notice("error", str(error))

    def run_command_when_open(self, name: str, arguments: str) -> None:
        """Keep a command until the session is open."""
        text = f"/{name} {arguments}".rstrip()
        self.notice("note", f"done as soon as the session is open: {text}")
        self.life.when_open(text, lambda: self._run_command(name, arguments))

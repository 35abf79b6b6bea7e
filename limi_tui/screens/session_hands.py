"""What the person does with the mouse and types into the shell, on a session screen."""

from __future__ import annotations

from textual import on

from limi_tui.guard import copy_text
from limi_tui.screens.session_keys import SessionKeys
from limi_tui.widgets.composer import Composer
from limi_tui.widgets.status_line import StatusLine
from limi_tui.widgets.terminal_pane import TerminalPane
from limi_tui.widgets.transcript import Transcript


class SessionHands(SessionKeys):
    """The parts of a session screen that are typed into and clicked."""

    @on(StatusLine.PartClicked)
    async def _part_clicked(self, message: StatusLine.PartClicked) -> None:
        if message.name == "mode":
            await self.action_cycle_mode()
        elif message.name == "sandbox":
            self.post_message(Composer.CommandEntered("sandbox", ""))
        elif message.name == "lease":
            self.action_take_over()

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

"""A pane on a real shell, run in a real pty by test_terminal_pane_pty.py: shell, a folder for its files, theme."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, cast

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.values import FinishedCommand, ShellConfig
from limi_sessions.pty.waiting import ShellState
from limi_tui.guard import copy_text, install_guard
from limi_tui.theme import register_themes
from limi_tui.widgets.terminal_keys import LEAVE_KEY, keep_alt_keys
from limi_tui.widgets.terminal_pane import TerminalPane


class PaneApp(App[None]):
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: list[BindingType] = [  # noqa: RUF012 - Textual's way
        Binding(LEAVE_KEY, "quit"),
        Binding("ctrl+q", "nothing"),
    ]

    def compose(self) -> ComposeResult:
        yield TerminalPane()

    async def on_mount(self) -> None:
        register_themes(self)
        shell, folder = sys.argv[1], Path(sys.argv[2])
        config = ShellConfig(
            shell=cast(Literal["bash", "zsh", "fish"], shell),
            cwd=folder,
            cols=self.size.width,
            rows=self.size.height - 1,
            cast_path=folder / "shell-000.cast",
            home=folder / "shell",
            environment=shell_environment(os.environ),
        )
        self.shell = await SharedShell.start(config, self)
        pane = self.query_one(TerminalPane)
        pane.attach(self.shell.engine, self.shell.engine_lock)
        pane.owner = "human"
        pane.focus()

    async def on_unmount(self) -> None:
        await self.shell.close()

    def on_terminal_pane_typed(self, message: TerminalPane.Typed) -> None:
        self.shell.type_human(message.data)

    def on_terminal_pane_pasted(self, message: TerminalPane.Pasted) -> None:
        self.shell.paste_human(message.text)

    def on_terminal_pane_resized(self, message: TerminalPane.Resized) -> None:
        self.shell.resize(message.cols, message.rows)

    def on_terminal_pane_copy_requested(self, message: TerminalPane.CopyRequested) -> None:
        copy_text(self, message.text)

    def output_read(self) -> None:
        if self.is_running and self.query(TerminalPane):
            self.query_one(TerminalPane).output_read()

    def command_finished(self, command: FinishedCommand) -> None: ...
    def state_changed(self, state: ShellState) -> None: ...
    def lease_changed(self, owner: Literal["human", "agent", "free"], epoch: int, reason: str) -> None: ...
    def secret_typed(self, keys: int) -> None: ...
    def mark_forged(self, count: int, sample: str) -> None: ...
    def shell_lost(self, exit_code: int | None, signal: int | None, reason: str) -> None: ...
    def key_swallowed(self) -> None: ...
    def cast_failed(self, reason: str) -> None: ...


if __name__ == "__main__":
    install_guard()
    keep_alt_keys()
    PaneApp().run()

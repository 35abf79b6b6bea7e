"""Where the person's own shell is shown, in place of the shared one while they want it.

What is typed here is stopped here: no handler of the shared shell ever sees it.
"""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from limi_sessions.private_shell import PrivateShell
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import LeaseOwner
from limi_tui.widgets.private_pane import PrivatePane
from limi_tui.widgets.terminal_pane import TerminalPane

_ENDED = "this shell has ended · F9 twice starts another"


class PrivateArea(Vertical):
    """Hidden until it is opened; the watcher of the private shell."""

    DEFAULT_CSS = """
    PrivateArea { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.pane = PrivatePane()
        self._private: PrivateShell | None = None

    def compose(self) -> ComposeResult:
        """The pane."""
        yield self.pane

    async def open(self, private: PrivateShell) -> None:
        """Show the shell, started where it does not run.

        Raises:
            ShellError: it could not be started.
        """
        self._private = private
        if self.pane.size.width:
            private.resize(*_shell_size(self.pane))
        await private.open()

    async def record(self, private: PrivateShell, *, wanted: bool) -> None:
        """Record it from now on, or no more.

        Raises:
            ShellError: it does not run.
        """
        await private.record(wanted=wanted)
        self.pane.is_recorded = wanted
        self.pane.refresh()

    # What the shell reports (ShellWatcher).

    def shell_attached(self, shell: SharedShell) -> None:
        """A shell was started."""
        self.pane.banner = ""
        self.pane.attach(shell.engine, shell.engine_lock)

    def output_read(self) -> None:
        """New output was fed to the engine."""
        self.pane.output_read()

    def shell_state_changed(self, state: ShellState) -> None:
        """It has ended, or goes on."""
        self.pane.banner = _ENDED if state == "lost" else ""

    def lease_changed(self, owner: LeaseOwner, reason: str) -> None:
        """Nobody else ever types here."""

    def key_swallowed(self) -> None:
        """Never."""

    # What the person types.

    @on(TerminalPane.Typed)
    def _typed(self, message: TerminalPane.Typed) -> None:
        message.stop()
        if self._private is not None and self._private.shell is not None:
            self._private.shell.type_human(message.data)

    @on(TerminalPane.Pasted)
    def _pasted(self, message: TerminalPane.Pasted) -> None:
        message.stop()
        if self._private is not None and self._private.shell is not None:
            self._private.shell.paste_human(message.text)

    @on(TerminalPane.Resized)
    def _resized(self, message: TerminalPane.Resized) -> None:
        message.stop()
        if self._private is not None:
            self._private.resize(message.cols, message.rows)


def _shell_size(pane: TerminalPane) -> tuple[int, int]:
    """Columns and rows of the child; the pane's last row is its own."""
    return max(20, pane.size.width), max(5, pane.size.height - 1)

r"""The shell pane alone on a screen, for bench_screen.py: run in a real pty, it writes what it measured to a file.

    python benchmarks/screen_app.py flood|shell REPORT

``flood``: a thread feeds the engine 10 MB/s for five seconds. ``shell``: bash in the pane until Ctrl-\.
The shell's files lie beside the report.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.unheard import Unheard
from limi_sessions.pty.values import ShellConfig
from limi_sessions.terminal import open_engine
from limi_sessions.terminal.engine import TermEngine
from limi_tui.guard import install_guard
from limi_tui.theme import register_themes
from limi_tui.widgets.terminal_pane import TerminalPane

RATE = 10_000_000
SECONDS = 5.0
CHUNK = 64 * 1024
TICK_S = 0.005


@dataclass
class Measured:
    """What the app costs from when it is ready."""

    cpu_from: float = 0.0
    paints_from: int = 0
    fed: int = 0
    lags: list[float] = field(default_factory=list[float])


class PaintListener(Unheard):
    """Lets the pane paint; no other notice of the shell is of interest here."""

    def __init__(self, pane: TerminalPane) -> None:
        self.pane = pane
        self.asked = False

    def output_read(self) -> None:
        """The engine was fed."""
        self.asked = False
        self.pane.output_read()


class ScreenApp(App[None]):
    """One pane, and what it cost."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+backslash", "finish", priority=True)]

    def __init__(self, mode: str, report: Path) -> None:
        super().__init__()
        self.mode, self.report = mode, report
        self.shell: SharedShell | None = None
        self.measured = Measured()

    def compose(self) -> ComposeResult:
        """The pane."""
        yield TerminalPane()

    @property
    def pane(self) -> TerminalPane:
        """The pane."""
        return self.query_one(TerminalPane)

    def on_mount(self) -> None:
        """Start what is measured."""
        register_themes(self)
        self.pane.focus()
        self.run_worker(self._flood() if self.mode == "flood" else self._start_shell())

    def _begin(self) -> None:
        self.measured.cpu_from, self.measured.paints_from = time.process_time(), self.pane.frames_painted

    async def _start_shell(self) -> None:
        folder = self.report.parent
        config = ShellConfig(
            shell="bash",
            cwd=folder,
            cols=self.size.width,
            rows=self.size.height - 1,
            cast_path=folder / "shell-000.cast",
            home=folder / "shell",
            environment=shell_environment(os.environ | {"HOME": str(folder)}),
        )
        self.shell = await SharedShell.start(config, PaintListener(self.pane))
        self.pane.attach(self.shell.engine, self.shell.engine_lock)
        self.pane.banner = "ready"
        self._begin()

    async def _flood(self) -> None:
        engine, lock = open_engine(self.size.width, self.size.height - 1), threading.Lock()
        self.pane.attach(engine, lock)
        loop, listener = asyncio.get_running_loop(), PaintListener(self.pane)
        self._begin()
        feeder = threading.Thread(target=self._feed, args=(engine, lock, loop, listener))
        feeder.start()
        while feeder.is_alive():
            before = time.monotonic()
            await asyncio.sleep(TICK_S)
            self.measured.lags.append(max(0.0, time.monotonic() - before - TICK_S))
        self.action_finish()

    def _feed(
        self, engine: TermEngine, lock: threading.Lock, loop: asyncio.AbstractEventLoop, listener: PaintListener
    ) -> None:
        line = b"\x1b[3%dm%06d some text of a build log, coloured\x1b[0m, plain\r\n"
        lines = [line % (number % 8, number) for number in range(9600)]
        chunks = [b"".join(lines[first : first + 1200])[:CHUNK] for first in range(0, 9600, 1200)]
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < SECONDS:
            if self.measured.fed > elapsed * RATE:
                time.sleep(0.002)
                continue
            with lock:
                engine.feed(chunks[self.measured.fed // CHUNK % len(chunks)])
            self.measured.fed += CHUNK
            if not listener.asked:
                listener.asked = True
                loop.call_soon_threadsafe(listener.output_read)

    def on_terminal_pane_typed(self, message: TerminalPane.Typed) -> None:
        """Give keys to the shell."""
        if self.shell is not None:
            self.shell.type_human(message.data)

    def action_finish(self) -> None:
        """Write the report and leave."""
        measured = self.measured
        report = {
            "cpu_s": time.process_time() - measured.cpu_from,
            "paints": self.pane.frames_painted - measured.paints_from,
            "lags_s": measured.lags,
            "fed": measured.fed,
        }
        self.report.write_text(json.dumps(report))
        self.exit()

    async def on_unmount(self) -> None:
        """End the shell."""
        if self.shell is not None:
            await self.shell.close()


if __name__ == "__main__":
    install_guard()
    ScreenApp(sys.argv[1], Path(sys.argv[2])).run()

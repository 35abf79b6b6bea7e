"""What the shell pane costs: a frame, a row, the guard, idle, a flood, and the time from a key to its echo beside tmux's.

    python benchmarks/bench_screen.py

CPU times are of the process; the echo is wall time in a real pty, from writing the key to reading the first byte painted.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import ptyprocess
from limi_sessions.terminal import open_engine
from limi_tui import guard
from limi_tui.theme import LIMI_DARK, ansi_palette, register_themes
from limi_tui.widgets.terminal_frame import TerminalFrame
from limi_tui.widgets.terminal_pane import TerminalPane
from rich.console import Console
from textual.app import App, ComposeResult
from textual.strip import Strip
from table import machine_line, print_table

COLS, ROWS, RUNS = 200, 50, 20
FRAMES = 60
KEYS = 150
IDLE_S = 5.0
APP = Path(__file__).with_name("screen_app.py")


def frame_bytes(seed: int) -> bytes:
    """A full screen of 20 style runs a row, in 32 styles."""
    chance = random.Random(seed)
    styles = [f"\x1b[0;{weight};38;5;{color}m" for weight in (22, 1) for color in range(1, 17)]
    rows = (
        "".join(f"{chance.choice(styles)}{chance.randrange(10**9):010d}" for _ in range(COLS // 10)) for _ in range(ROWS)
    )
    return ("\x1b[?7l" + "".join(f"\x1b[{y + 1};1H{row}" for y, row in enumerate(rows))).encode()


def milliseconds(work: Callable[[bytes], object], inputs: list[bytes], feed: Callable[[bytes], None]) -> float:
    """Median CPU milliseconds of work after each input was fed."""
    taken: list[float] = []
    for fed in inputs:
        feed(fed)
        start = time.process_time()
        work(fed)
        taken.append(time.process_time() - start)
    return statistics.median(taken) * 1000


def frame_costs() -> list[list[object]]:
    """From the engine's cells to the sequences of the host terminal, without Textual's compositor."""
    engine, frame = open_engine(COLS, ROWS), TerminalFrame(ansi_palette(LIMI_DARK))
    console = Console(force_terminal=True, color_system="truecolor")

    def paint(_: bytes) -> None:
        for y in sorted(frame.read(engine)):
            frame.strip(y).render(console)

    full = [frame_bytes(seed) for seed in range(FRAMES)]
    row = [b"\x1b[25;%dH\x1b[3%dmchanged" % (number % 180 + 1, number % 8) for number in range(FRAMES * 5)]
    scroll = [b"\x1b[0m\x1b[50;1H\nline %d" % number for number in range(FRAMES * 5)]
    return [
        ["cells -> sequences, full frame", milliseconds(paint, full, engine.feed)],
        ["cells -> sequences, one row", milliseconds(paint, row, engine.feed)],
        ["cells -> sequences, scrolled by a row", milliseconds(paint, scroll, engine.feed)],
    ]


class FrameApp(App[None]):
    """A pane in Textual's headless driver."""

    def compose(self) -> ComposeResult:
        """The pane."""
        yield TerminalPane()

    def on_mount(self) -> None:
        """Our colours."""
        register_themes(self)


async def compositor_costs() -> list[list[object]]:
    """The same through Textual's compositor."""
    app, console = FrameApp(), Console(force_terminal=True, color_system="truecolor")
    async with app.run_test(size=(COLS, ROWS + 1)) as pilot:
        pane, engine = app.query_one(TerminalPane), open_engine(COLS, ROWS)
        pane.attach(engine, threading.Lock())
        await pilot.pause()

        async def median(inputs: list[bytes]) -> float:
            taken: list[float] = []
            for fed in inputs:
                engine.feed(fed)
                await asyncio.sleep(0.04)  # the next frame is due
                start = time.process_time()
                pane.output_read()
                compositor = app.screen._compositor
                compositor.update_widgets({pane})
                if (update := compositor.render_update()) is not None:
                    update.render_segments(console)
                taken.append(time.process_time() - start)
            return statistics.median(taken) * 1000

        row = [b"\x1b[25;%dH\x1b[3%dmchanged" % (number % 180 + 1, number % 8) for number in range(FRAMES)]
        return [
            ["whole UI, full frame", await median([frame_bytes(seed) for seed in range(FRAMES)])],
            ["whole UI, one row", await median(row)],
        ]


def guard_cost() -> list[list[object]]:
    """`Strip.render` as Textual has it and with the guard, on strips that were not rendered before."""
    engine, console = open_engine(COLS, ROWS), Console(force_terminal=True, color_system="truecolor")
    engine.feed(frame_bytes(1))
    frame = TerminalFrame(ansi_palette(LIMI_DARK))
    frame.read(engine)
    segments = [list(frame.strip(y)) for y in range(ROWS)]

    def milliseconds_of(render: Callable[[Strip, Console], str]) -> float:
        taken: list[float] = []
        for _ in range(FRAMES * 3):
            strips = [Strip(row, COLS) for row in segments]
            start = time.process_time()
            for strip in strips:
                render(strip, console)
            taken.append(time.process_time() - start)
        return statistics.median(taken) * 1000

    plain = milliseconds_of(TEXTUAL_RENDER)
    guarded = milliseconds_of(Strip.render)
    return [["render 50 strips, Textual's", plain], ["render 50 strips, guarded", guarded]]


def measured_app(mode: str, act: Callable[[ptyprocess.PtyProcess], object]) -> tuple[dict[str, object], object, int]:
    """Run screen_app.py in a pty: its report, what ``act`` returned, and the bytes that it wrote meanwhile."""
    report = Path(tempfile.mkdtemp(prefix="limi-bench-")) / "report.json"
    app = ptyprocess.PtyProcess.spawn(
        [sys.executable, str(APP), mode, str(report)], dimensions=(ROWS + 1, COLS), env=os.environ | {"TERM": "xterm-256color"}
    )
    reader = Drain(app.fd)
    reader.start()
    try:
        reader.wait_for(b"ready" if mode == "shell" else b"FREE")
        acted, wrote = act(app), reader.count
        if mode == "shell":
            app.write(b"\x1c")
        reader.join(60)
        return json.loads(report.read_text()), acted, wrote
    finally:
        app.close(force=True)


class Drain(threading.Thread):
    """Reads a pty to its end and tells when something came."""

    def __init__(self, fd: int) -> None:
        super().__init__(daemon=True)
        self.fd, self.count, self.tail = fd, 0, b""
        self.came = threading.Condition()

    def run(self) -> None:
        """Read."""
        while True:
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                return
            if not got:
                return
            with self.came:
                self.count += len(got)
                self.tail = (self.tail + got)[-65536:]
                self.came.notify_all()

    def wait_for(self, text: bytes) -> None:
        """Until a text was read."""
        with self.came:
            if not self.came.wait_for(lambda: text in self.tail, 30):
                raise TimeoutError(f"never saw {text!r}")

    def wait_past(self, count: int, timeout: float) -> bool:
        """Until more than so many bytes were read."""
        with self.came:
            return self.came.wait_for(lambda: self.count > count, timeout)


def echo_times(fd: int, reader: Drain) -> list[float]:
    """Milliseconds from each key to the first byte painted after it."""
    times: list[float] = []
    for number in range(KEYS):
        while reader.wait_past(reader.count, 0.06):
            pass  # until it is quiet
        count, start = reader.count, time.monotonic()
        os.write(fd, b"\x15" if number % 40 == 39 else b"x")
        if reader.wait_past(count, 2):
            times.append((time.monotonic() - start) * 1000)
    return times


def spread(times: list[float]) -> list[object]:
    """Median and 95th percentile."""
    ordered = sorted(times)
    return [statistics.median(ordered), ordered[int(len(ordered) * 0.95)]]


def tmux_echo() -> list[float]:
    """The same keys in tmux on bash."""
    server = ["tmux", "-L", f"limi-bench-{os.getpid()}", "-f", "/dev/null"]
    client = ptyprocess.PtyProcess.spawn(
        [*server, "new-session", "bash", "--norc"], dimensions=(ROWS + 1, COLS), env=os.environ | {"TERM": "xterm-256color"}
    )
    reader = Drain(client.fd)
    reader.start()
    try:
        reader.wait_for(b"$" if os.getuid() else b"#")
        return echo_times(client.fd, reader)
    finally:
        client.write(b"\x15exit\r")
        reader.join(5)
        client.close(force=True)


def pane_echo() -> list[float]:
    """The keys in the pane on bash."""
    reader: list[Drain] = []

    def act(app: ptyprocess.PtyProcess) -> list[float]:
        return echo_times(app.fd, CURRENT[-1])

    del reader
    return list(measured_app("shell", act)[1])

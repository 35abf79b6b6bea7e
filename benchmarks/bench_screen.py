"""What the shell pane costs: a frame, a row, the guard, idle, a flood, and a key's way to its echo beside tmux's.

    python benchmarks/bench_screen.py

CPU times are of the process; the echo is wall time in a real pty, from writing the key to reading the first byte.
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
from rich.console import Console
from table import machine_line, print_table
from textual.app import App, ComposeResult
from textual.strip import Strip

from limi_sessions.terminal import open_engine
from limi_tui import guard
from limi_tui.theme import LIMI_DARK, ansi_palette, register_themes
from limi_tui.widgets.terminal_frame import TerminalFrame
from limi_tui.widgets.terminal_pane import TerminalPane

COLS, ROWS, RUNS = 200, 50, 20
FRAMES = 60
KEYS = 150
IDLE_S = 5.0
FLOOD_S = 5.0
APP = Path(__file__).with_name("screen_app.py")


def frame_bytes(seed: int) -> bytes:
    """A full screen of 20 style runs a row, in 32 styles."""
    chance = random.Random(seed)
    styles = [f"\x1b[0;{weight};38;5;{color}m" for weight in (22, 1) for color in range(1, 17)]
    rows = ["".join(f"{chance.choice(styles)}{chance.randrange(10**9):010d}" for _ in range(RUNS)) for _ in range(ROWS)]
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
    """`Strip.render` as Textual has it and, once installed, with the guard, on strips that were not rendered before."""
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

    plain = milliseconds_of(Strip.render)
    guard.install_guard()
    guarded = milliseconds_of(Strip.render)
    return [["rendering 50 strips, Textual's own", plain], ["rendering 50 strips, guarded", guarded]]


class Program:
    """A program in a pty of its own whose output is read as it comes."""

    def __init__(self, argv: list[str]) -> None:
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = ptyprocess.PtyProcess.spawn(argv, dimensions=(ROWS + 1, COLS), env=environment)
        self.count, self.tail = 0, b""
        self._came = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                got = os.read(self.process.fd, 65536)
            except OSError:
                return
            with self._came:
                self.count += len(got)
                self.tail = (self.tail + got)[-65536:]
                self._came.notify_all()

    def wait_for(self, text: bytes) -> None:
        """Until a text was read."""
        with self._came:
            if not self._came.wait_for(lambda: text in self.tail, 30):
                raise TimeoutError(f"never saw {text!r} in {self.tail[-400:]!r}")

    def wrote_past(self, count: int, *, within: float) -> bool:
        """Whether more than so many bytes were read in time."""
        with self._came:
            return self._came.wait_for(lambda: self.count > count, within)

    def send(self, keys: bytes) -> None:
        """Press keys."""
        self.process.write(keys)

    def end(self) -> None:
        """Wait until it has ended, for ten seconds at most."""
        self._reader.join(10)
        self.process.close(force=True)


def echo_times(program: Program) -> list[object]:
    """Median and 95th percentile of the milliseconds from a key to the first byte painted after it."""
    times: list[float] = []
    for number in range(KEYS):
        while program.wrote_past(program.count, within=0.06):
            pass  # until it is quiet
        count, start = program.count, time.monotonic()
        program.send(b"\x15" if number % 40 == 39 else b"x")
        if program.wrote_past(count, within=2):
            times.append((time.monotonic() - start) * 1000)
    times.sort()
    return [statistics.median(times), times[int(len(times) * 0.95)]]


def tmux_echo() -> list[object]:
    """The keys in tmux on bash, beside which the pane stands."""
    program = Program(["tmux", "-L", f"limi-bench-{os.getpid()}", "-f", "/dev/null", "new-session", "bash", "--norc"])
    program.wait_for(b"# " if os.getuid() == 0 else b"$ ")
    echo = echo_times(program)
    program.send(b"\x15exit\r")
    program.end()
    return echo


def pane_echo_and_idle(report: Path) -> tuple[list[object], list[list[object]]]:
    """The keys in the pane on bash; then what it costs while nothing happens."""
    program = Program([sys.executable, str(APP), "shell", str(report)])
    program.wait_for(b"ready")
    echo = echo_times(program)
    time.sleep(0.5)
    before, wrote = cpu_seconds(program.process.pid), program.count
    time.sleep(IDLE_S)
    idle: list[list[object]] = [
        ["idle, CPU %", (cpu_seconds(program.process.pid) - before) / IDLE_S * 100],
        ["idle, bytes painted", float(program.count - wrote)],
    ]
    program.send(b"\x1c")
    program.end()
    return echo, idle


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flood(report: Path) -> list[list[object]]:
    """Ten megabytes a second through the engine in a thread, painted in a real pty."""
    program = Program([sys.executable, str(APP), "flood", str(report)])
    program.end()
    found = json.loads(report.read_text())
    lags = sorted(found["lags_s"])
    return [
        ["flood, MB fed a second", found["fed"] / FLOOD_S / 1e6],
        ["flood, loop lag p50 ms", statistics.median(lags) * 1000],
        ["flood, loop lag p99 ms", lags[int(len(lags) * 0.99)] * 1000],
        ["flood, loop lag max ms", lags[-1] * 1000],
        ["flood, frames a second", found["paints"] / FLOOD_S],
        ["flood, CPU %", found["cpu_s"] / FLOOD_S * 100],
    ]


def main() -> None:
    """Print the tables."""
    guarded = guard_cost()
    costs = frame_costs() + asyncio.run(compositor_costs())
    print(machine_line())
    print_table(f"{COLS}x{ROWS}, {RUNS} style runs a row", ["CPU milliseconds", "median"], costs)
    print_table("the guard", ["CPU milliseconds a frame", "median"], guarded)
    with tempfile.TemporaryDirectory(prefix="limi-bench-") as folder:
        echo, idle = pane_echo_and_idle(Path(folder) / "report.json")
        flooded = flood(Path(folder) / "report.json")
    rows: list[list[object]] = [["the pane on bash", *echo]]
    if shutil.which("tmux"):
        rows.append(["tmux on bash", *tmux_echo()])
    print_table("key to echo, milliseconds", ["", "median", "p95"], rows)
    print_table("in a real pty", ["", "value"], idle + flooded)
    print(machine_line())


if __name__ == "__main__":
    main()

"""The whole workstation beside tmux, each on bash in a real pty: floods, keys, idling, and all at once.

    python benchmarks/bench_workstation.py [--runs 3] [--size 50]

Both are read by the same program at 200x50, one after the other in every run, and figures are medians over the runs.
CPU is the workstation's own process, or tmux's server and client; shells and models are not counted. Lags of the event
loop come from `probed_workstation.py`, which also runs the part that loads the screen from two sides: a scripted model
that streams 200 tokens a second while the shell prints 10 MB a second. Without tmux its columns are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from outer_terminal import Desk, OuterTerminal, resident_mb, starved_seconds
from table import machine_line, print_table
from workstation_work import (
    COLS,
    IDLE_S,
    KEYS,
    LOAD_RATE,
    LOAD_S,
    ROWS,
    TOKENS_PER_S,
    Flood,
    both_at_once,
    clear,
    echoes,
    flood,
    idle,
    mixed_text,
    newest,
    streaming_script,
    throttled_printer,
    tmux,
    tokens_a_second,
    workstation,
)  # fmt: skip

CLOCK_S = 62.0
"""The status line's clock of active time stops after a minute without a key."""


@dataclass
class Figures:
    """What was measured of one program, a value a run; times in seconds."""

    floods: list[Flood] = field(default_factory=list[Flood])
    echoes: list[float] = field(default_factory=list[float])
    lags: list[float] = field(default_factory=list[float])
    """While a file was printed, of all runs."""
    starved: list[float] = field(default_factory=list[float])
    """Share of that time in which the loop's thread waited for a core."""
    collections: list[float] = field(default_factory=list[float])


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def read_report(file: Path) -> tuple[list[float], list[float]]:
    """Lags of the loop, and CPU seconds of each collection of garbage while they were measured."""
    report = cast("dict[str, list[list[float]]]", json.loads(file.read_text()))
    lags = report["lags"]
    collected = [cpu for start, cpu, _ in report["collections"] if lags[0][0] <= start <= lags[-1][0]]
    return [lag for _, lag in lags], collected


def measured_workstation(desk: Desk, script: Path, file: Path, *, number: int, figures: Figures) -> None:
    """One run of the workstation: floods and keys without the probe, then a flood with it."""
    with workstation(desk, script) as terminal:
        figures.floods.append(flood(terminal, terminal.cpu_seconds, file, number=number))
        figures.echoes += echoes(terminal)
    report = desk.root / "flood.json"
    with workstation(desk, script, report=report) as terminal:
        clear(terminal)
        os.kill(terminal.pid, signal.SIGUSR1)
        starved = starved_seconds(terminal.pid)
        terminal.type(f"cat {file}; printf 'all-%s\\n' probed\r".encode())
        wall = terminal.wait_for(b"all-probed", seconds=120)
        figures.starved.append((starved_seconds(terminal.pid) - starved) / wall)
        os.kill(terminal.pid, signal.SIGUSR1)
        terminal.drain(0.3)
    lags, collected = read_report(report)
    figures.lags += lags
    figures.collections += collected


def measured_tmux(desk: Desk, file: Path, *, number: int, figures: Figures) -> None:
    """The same in tmux."""
    with tmux(desk) as (terminal, cpu):
        figures.floods.append(flood(terminal, cpu, file, number=number))
        figures.echoes += echoes(terminal)


def flood_rows(ours: Figures, theirs: Figures | None) -> list[list[object]]:
    """Floods, in a table of what, limi, tmux, ratio and goal."""

    def median(figures: Figures | None, value: Callable[[Flood], float]) -> float | None:
        return statistics.median(value(each) for each in figures.floods) if figures else None

    rows: list[list[object]] = []
    for what, value, goal in (
        ("wall, s", lambda each: each.wall, "ratio <= 1.1"),
        ("CPU, s", lambda each: each.cpu, "<= 2.5"),
        ("Ctrl-C to prompt, ms", lambda each: each.interrupted * 1000, "< 200"),
    ):
        limi, other = median(ours, value), median(theirs, value)
        ratio = limi / other if limi is not None and other else "-"
        rows.append([what, limi, "-" if other is None else other, ratio, goal])
    rows += [
        ["loop lag p50, ms", percentile(ours.lags, 0.5) * 1000, "-", "-", ""],
        ["loop lag p99, ms", percentile(ours.lags, 0.99) * 1000, "-", "-", "< 50"],
        ["loop lag max, ms", max(ours.lags) * 1000, "-", "-", ""],
        ["the loop's thread waited for a core, %", statistics.median(ours.starved) * 100, "-", "-", ""],
        ["longest collection of garbage, CPU ms", max(ours.collections, default=0.0) * 1000, "-", "-", ""],
    ]
    return rows


def echo_rows(ours: Figures, theirs: Figures | None) -> list[list[object]]:
    """Keys, in a table of what, limi, tmux, difference and goal."""
    rows: list[list[object]] = []
    for what, share, goal in (("median", 0.5, "<= 10 above"), ("p95", 0.95, "<= 25 above")):
        limi = percentile(ours.echoes, share) * 1000
        other = percentile(theirs.echoes, share) * 1000 if theirs else None
        rows.append([what, limi, "-" if other is None else other, "-" if other is None else limi - other, goal])
    return rows


def load_rows(desk: Desk, script: Path) -> list[list[object]]:
    """What the loop does under both loads, in a table of what, value and goal."""
    printer, report = desk.root / "printer.py", desk.root / "load.json"
    throttled_printer(printer)
    with workstation(desk, script, report=report) as terminal:
        during = both_at_once(terminal, printer, desk.root / "limi" / "sessions")
        resident = resident_mb(terminal.pid)
    tokens = tokens_a_second(newest(desk.root / "limi" / "sessions"))
    lags, collected = read_report(report)
    return [
        ["loop lag p50, ms", percentile(lags, 0.5) * 1000, ""],
        ["loop lag p99, ms", percentile(lags, 0.99) * 1000, "<= 50"],
        ["loop lag max, ms", max(lags) * 1000, ""],
        ["longest collection of garbage, CPU ms", max(collected, default=0.0) * 1000, ""],
        ["CPU of the workstation, %", during.cpu * 100, ""],
        ["its main thread waited for a core, %", during.starved * 100, ""],
        ["resident memory after it, MB", resident, ""],
        ["printed and recorded, MB/s", during.printed / 1e6, ""],
        ["tokens/s as the journal has them", tokens, ""],
        ["painted, kB/s", during.painted / 1e3, ""],
    ]


def idle_rows(terminal: OuterTerminal, *, since: float) -> list[list[object]]:
    """What a workstation does that has not been touched since then, in a table of what, value and goal."""
    terminal.read_for(max(0.0, since + CLOCK_S - time.monotonic()))
    share, painted = idle(terminal)
    return [
        ["CPU, %", share * 100, "<= 1"],
        ["bytes painted", painted, "0"],
        ["resident memory, MB", resident_mb(terminal.pid), ""],
    ]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", type=int, default=50, help="MB of the file that is printed")
    chosen = parser.parse_args()
    if not Path("/proc/self/stat").exists():
        print("skipped: this reads CPU times and processes from /proc, which is not here")
        return
    with_tmux = shutil.which("tmux") is not None
    if not with_tmux:
        print("tmux is not installed: the workstation is measured alone")
    print(machine_line())
    ours, theirs = Figures(), Figures() if with_tmux else None
    with Desk() as desk:
        file, script = desk.root / "mixed.txt", desk.root / "script.json"
        mixed_text(file, chosen.size)
        streaming_script(script)
        with workstation(desk, script) as untouched:
            # Left alone until the clock in its status line has stopped; what it paints till then is read in between.
            since = time.monotonic()
            for number in range(chosen.runs):
                if theirs is not None:
                    measured_tmux(desk, file, number=number, figures=theirs)
                measured_workstation(desk, script, file, number=number, figures=ours)
                untouched.drain(0.0)
            idling = idle_rows(untouched, since=since)
        load = load_rows(desk, script)
    runs = f"{COLS}x{ROWS}, {chosen.runs} runs"
    print_table(
        f"`cat` of {chosen.size} MB, {runs}", ["median", "limi", "tmux", "ratio", "goal"], flood_rows(ours, theirs)
    )
    print_table(
        f"Key to echo, ms, {KEYS} keys a run, {runs}", ["", "limi", "tmux", "above", "goal"], echo_rows(ours, theirs)
    )
    print_table(
        f"{TOKENS_PER_S} tokens/s streamed while the shell prints {LOAD_RATE // 10**6} MB/s, {LOAD_S:g} s",
        ["what", "value", "goal"],
        load,
    )
    print_table(f"Nothing happens for {IDLE_S:g} s", ["what", "value", "goal"], idling)
    print(machine_line())


if __name__ == "__main__":
    main()

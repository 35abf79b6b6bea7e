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
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from outer_terminal import PROMPT, Desk, OuterTerminal, cpu_seconds, resident_mb, starved_seconds
from table import machine_line, print_table

from limi_sessions.journal import read_journal
from limi_sessions.records.payload import ModelMessage

COLS, ROWS = 200, 50
KEYS = 200
IDLE_S = 10.0
CLOCK_S = 62.0
"""The status line's clock of active time stops after a minute without a key."""
TOKENS_PER_S = 200
TOKEN = b"token"
LOAD_S = 10.0
LOAD_RATE = 10_000_000
SHELL_KEY = b"\x1b[17~"
"""F6: between conversation and shell."""
PROBED = Path(__file__).with_name("probed_workstation.py")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class Flood:
    """One `cat` of a large file."""

    wall: float
    cpu: float
    interrupted: float
    """Seconds from Ctrl-C in the midst of it to the prompt."""


@dataclass(frozen=True)
class Load:
    """What went on while the shell printed and the model streamed, a second."""

    cpu: float
    """CPU seconds of the workstation."""
    starved: float
    """Seconds that its main thread waited for a core."""
    printed: float
    """Bytes of the recording."""
    painted: float
    """Bytes for the host terminal."""


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


# -- programs on a pty ------------------------------------------------------------------------------------------------


@contextmanager
def workstation(desk: Desk, script: Path, *, report: Path | None = None) -> Iterator[OuterTerminal]:
    """The workstation with its shell focused and at its prompt; probed when it is to report."""
    argv = desk.limi(script, "--mode", "yolo")
    if report is not None:
        argv = [sys.executable, str(PROBED), str(report), *argv[1:]]
    with OuterTerminal(argv, desk.environment, cols=COLS, rows=ROWS, cwd=desk.workspace) as terminal:
        terminal.wait_for(PROMPT, seconds=30)
        terminal.type(SHELL_KEY)
        terminal.drain(0.5)
        yield terminal
        leave(terminal)


def leave(terminal: OuterTerminal) -> None:
    """End the workstation as a person does; the card that asks how it went is taken as it is."""
    for _ in range(10):
        terminal.type(b"\x11")
        if terminal.wait_for_end(1.0):
            return


@contextmanager
def tmux(desk: Desk) -> Iterator[tuple[OuterTerminal, Callable[[], float]]]:
    """A private tmux on bash, and the CPU seconds of its server and client so far."""
    base = ["tmux", "-u", "-L", f"limi-bench-{os.getpid()}", "-f", "/dev/null"]
    environment = {**desk.environment, "TMUX_TMPDIR": str(desk.root)}
    bash = f"{desk.environment['SHELL']} --rcfile {desk.root / '.bashrc'} -i"

    def call(*argv: str) -> str:
        return subprocess.run([*base, *argv], env=environment, check=True, capture_output=True, text=True).stdout

    argv = [*base, "set", "-g", "history-limit", "10000", ";", "new-session", bash]
    try:
        with OuterTerminal(argv, environment, cols=COLS, rows=ROWS, cwd=desk.workspace) as terminal:
            terminal.wait_for(PROMPT, seconds=30)
            server = int(call("display-message", "-p", "#{pid}"))
            yield terminal, lambda: cpu_seconds(server) + terminal.cpu_seconds()
    finally:
        subprocess.run([*base, "kill-server"], env=environment, check=False, capture_output=True)


# -- what is done to them ---------------------------------------------------------------------------------------------


def clear(terminal: OuterTerminal) -> None:
    """An empty screen with a prompt, and quiet."""
    terminal.type(b"\x15\x0c")
    terminal.drain(0.4)
    terminal.forget()


def flood(terminal: OuterTerminal, cpu: Callable[[], float], file: Path, *, number: int) -> Flood:
    """Print a file, then print it again and press Ctrl-C in the midst of it."""
    clear(terminal)
    terminal.type(f"cat {file}; printf 'all-%s\\n' {number}-read".encode())
    terminal.drain(0.4)
    terminal.forget()
    before = cpu()
    terminal.type(b"\r")
    wall = terminal.wait_for(f"all-{number}-read".encode(), seconds=120)
    terminal.drain(0.3)
    used = cpu() - before
    clear(terminal)
    terminal.type(f"cat {file} {file} {file} {file}".encode())
    terminal.drain(0.4)
    terminal.type(b"\r")
    terminal.read_for(1.0)
    terminal.forget()
    terminal.type(b"\x03")
    interrupted = terminal.wait_for(PROMPT, seconds=60)
    clear(terminal)
    return Flood(wall, used, interrupted)


def echoes(terminal: OuterTerminal) -> list[float]:
    """Seconds from each of so many keys until its letter was painted; the line holds no letter twice."""
    clear(terminal)
    found: list[float] = []
    for number in range(KEYS):
        key = _LETTERS[number % len(_LETTERS)]
        if number and number % len(_LETTERS) == 0:
            terminal.type(b"\x15")
        terminal.drain(0.04, most=1.0)
        terminal.forget()
        letter = bytes([key])
        start = time.perf_counter()
        terminal.type(letter)
        terminal.wait_for(letter, seconds=5)
        found.append(time.perf_counter() - start)
    terminal.type(b"\x15")
    return found


def idle(terminal: OuterTerminal) -> tuple[float, int]:
    """(share of a core, bytes painted) while nothing happens."""
    terminal.drain(0.2)
    before = terminal.cpu_seconds()
    painted = terminal.read_for(IDLE_S)
    return (terminal.cpu_seconds() - before) / IDLE_S, painted


def both_at_once(terminal: OuterTerminal, printer: Path, recordings: Path) -> Load:
    """Let the shell print and the model stream, and look at ten seconds of it."""

    def recorded() -> int:
        return sum(file.stat().st_size for file in newest(recordings).glob("*.cast"))

    clear(terminal)
    terminal.type(f"{sys.executable} -I -S {printer}\r".encode())
    terminal.read_for(0.5)
    terminal.type(SHELL_KEY)
    terminal.read_for(0.3)
    terminal.forget()
    terminal.type(b"go\r")
    terminal.wait_for(TOKEN, seconds=60)
    os.kill(terminal.pid, signal.SIGUSR1)
    cpu, painted, size, start = terminal.cpu_seconds(), terminal.total, recorded(), time.perf_counter()
    starved = starved_seconds(terminal.pid)
    terminal.read_for(LOAD_S)
    taken = time.perf_counter() - start
    load = Load(
        starved=(starved_seconds(terminal.pid) - starved) / taken,
        cpu=(terminal.cpu_seconds() - cpu) / taken,
        printed=(recorded() - size) / taken,
        painted=(terminal.total - painted) / taken,
    )
    os.kill(terminal.pid, signal.SIGUSR1)
    terminal.type(SHELL_KEY)
    terminal.read_for(0.3)  # the focus moves, and Ctrl-C belongs to the shell
    terminal.forget()
    terminal.type(b"\x03")
    terminal.wait_for(PROMPT, seconds=30)
    terminal.wait_for(b" idle ", seconds=60)  # the model has said all of it
    return load


def newest(folder: Path) -> Path:
    """The folder's youngest entry by name: session ids begin with their time."""
    return max(folder.iterdir())


def tokens_a_second(session: Path) -> float:
    """How fast the model's last answer came, as the session's journal has it."""
    answers = [event.payload for event in read_journal(session / "events.jsonl").events]
    last = [answer.completion for answer in answers if isinstance(answer, ModelMessage)][-1]
    streamed_ms = last.latency_ms - (last.first_delta_ms or 0.0)
    return len(last.content) / len(TOKEN) / streamed_ms * 1000


# -- what they are given ----------------------------------------------------------------------------------------------


def mixed_text(file: Path, megabytes: int) -> None:
    """A file as a terminal meets them: logs, source code, colours, paths and some lines in other scripts."""
    chance = random.Random(7)
    words = "error warning build test session parse render column token value expected actual line module".split()
    lines: list[str] = []
    for number in range(20_000):
        text = " ".join(chance.choices(words, k=chance.randint(3, 16)))
        match number % 10:
            case 0 | 1:
                lines.append(f"\x1b[32m2026-01-01T12:00:{number % 60:02d}\x1b[0m \x1b[1mINFO\x1b[0m {text}")
            case 2 | 3:
                lines.append(f"    return {text.replace(' ', '_')}({number}, limit={number % 977})  # {text[:20]}")
            case 4:
                lines.append(
                    f"\x1b[38;5;{number % 256}msrc/module_{number % 97}.py\x1b[0m:{number}: \x1b[31m{text}\x1b[0m"
                )
            case 5:
                lines.append(f"日志 {number} {text} — café, Ελληνικά, 中文字符, ✓ ok")
            case _:
                lines.append(f"{number:08d} {text}")
    block = ("\n".join(lines) + "\n").encode()
    size = megabytes * 1_000_000
    with file.open("wb") as stream:
        while stream.tell() < size:
            stream.write(block[: size - stream.tell()])


def throttled_printer(file: Path) -> None:
    """A program that prints log lines at a steady rate until it is interrupted."""
    file.write_text(
        "import sys, time\n"
        "block = b''.join(b'\\x1b[3%dm%06d\\x1b[0m some text of a build log, then more of it\\r\\n' % (n % 8, n)"
        " for n in range(1500))\n"
        "start, sent = time.monotonic(), 0\n"
        f"while time.monotonic() - start < {LOAD_S + 20}:\n"
        f"    ahead = sent / {LOAD_RATE} - (time.monotonic() - start)\n"
        "    if ahead > 0:\n"
        "        time.sleep(ahead)\n"
        "    sys.stdout.buffer.write(block)\n"
        "    sys.stdout.buffer.flush()\n"
        "    sent += len(block)\n"
    )


def streaming_script(file: Path) -> None:
    """A model that answers every message with a long text, a token at a time."""
    sentence = f"{TOKEN.decode()} an **a** b, c `d` ef ghi jk lm, no pqr st uv wx yz and\n- some more, and so on.\n\n"
    text = (sentence * TOKENS_PER_S)[: int(TOKENS_PER_S * (LOAD_S + 3)) * len(TOKEN)]
    # What sending takes comes on top of the delay.
    turn = {"text": text, "chunk_chars": len(TOKEN), "delta_delay_s": 1 / TOKENS_PER_S - 0.0007, "repeat": 100}
    file.write_text(json.dumps({"turns": [turn]}))


# -- tables -----------------------------------------------------------------------------------------------------------


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

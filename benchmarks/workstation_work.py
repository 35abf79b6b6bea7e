"""What bench_workstation.py does to a workstation and to tmux: floods, keys, a load from two sides, and nothing.

All of it is typed into and read from a real pty; figures are returned, nothing is printed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from outer_terminal import PROMPT, Desk, OuterTerminal, cpu_seconds, starved_seconds

from limi_sessions.journal import read_journal
from limi_sessions.records.payload import ModelMessage

COLS, ROWS = 200, 50
KEYS = 200
IDLE_S = 10.0
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

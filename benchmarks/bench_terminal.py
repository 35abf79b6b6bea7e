"""How fast the terminal engines absorb output and give back rows, beside tmux on the same bytes.

    python benchmarks/bench_terminal.py [--quick]

Every rate is in MB per second of CPU, the median of three runs, at 200x50 with 10,000 lines kept. tmux's CPU is its
server's, from /proc; a private server is started and killed. The streams are made by this program; that of the
applications is recorded from vim, htop and less in a pty, those of them that are installed.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ptyprocess import PtyProcess
from table import machine_line, print_table

from limi_sessions.terminal import EngineChoice, engine_report, open_engine
from limi_sessions.terminal.engine import TermEngine

COLS, ROWS, CHUNK, RUNS = 200, 50, 64 << 10, 3
Stream = tuple[str, bytes]


def ascii_stream(size: int) -> bytes:
    """Log lines of many lengths."""
    line = b"2026-01-01 12:00:00 INFO the quick brown fox jumps over the lazy dog, request served in 12 ms "
    lines = [line[: 20 + n * 7 % 70] + b"%d\r\n" % n for n in range(2000)]
    return repeated(b"".join(lines), size)


def sgr_stream(size: int) -> bytes:
    """A colour change at every word."""
    chance = random.Random(1)
    words = [
        b"\x1b[%d;38;5;%dm%s\x1b[0m "
        % (chance.choice((0, 1, 3, 4)), chance.randrange(256), b"w" * chance.randint(2, 9))
        for _ in range(8000)
    ]
    return repeated(b"".join(w + (b"\r\n" if n % 12 == 11 else b"") for n, w in enumerate(words)), size)


def unicode_stream(size: int) -> bytes:
    """CJK, accents, emoji with joiners, box drawing."""
    line = "终端里的中文字符 日本語テキスト ─┼─ café e\u0301 👩‍🚀 👍🏽 Ελληνικά Русский 한국어 |\r\n"
    return repeated((line * 50).encode(), size)


def region_stream(size: int) -> bytes:
    """Lines scrolled up and down inside margins, as pagers and editors do."""
    up = b"\x1b[5;45r\x1b[45;1H" + b"".join(b"\nscrolled line %d of a region" % n for n in range(40))
    down = b"\x1b[5;1H" + b"".join(b"\x1bMline %d coming down" % n for n in range(40))
    return repeated(up + down + b"\x1b[r", size)


def application_stream(size: int) -> bytes:
    """Full-screen programs, recorded here; empty when none is installed."""
    with tempfile.TemporaryDirectory() as name:
        text = Path(name) / "text.py"
        text.write_text("".join(f"def function_{n}(x):  # {'=' * (n % 60)}\n    return x + {n}\n" for n in range(3000)))
        vim = [b":syntax on\r", *[b"\x06"] * 25, b":vsplit\r", *[b"\x15"] * 20, b"/return\r", *[b"n"] * 30]
        parts = [
            recorded(["vim", "-u", "NONE", "-N", str(text)], vim),
            recorded(["less", "-N", str(text)], [*[b" "] * 25, *[b"j"] * 60, *[b"b"] * 15, b"/42\r", *[b"n"] * 20]),
            recorded(["htop", "-d", "1"], [b"t", *[b"\x1b[B"] * 20, b"t", *[b"\x1b[A"] * 20]),
        ]
    stream = b"\x1b[?1049l\x1b[0m\x1b[r".join(part for part in parts if part)
    return repeated(stream, size) if stream else b""


def recorded(argv: list[str], keys: list[bytes]) -> bytes:
    """What a program writes while these keys are typed, each once it is quiet for 30 ms."""
    if shutil.which(argv[0]) is None:
        return b""
    env = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    child = PtyProcess.spawn(argv, dimensions=(ROWS, COLS), env=env)
    stream = bytearray()
    try:
        for key in [b"", *keys]:
            child.write(key)
            while select.select([child.fd], [], [], 0.3 if not stream else 0.03)[0]:
                stream += child.read(65536)
                if len(stream) > 8 << 20:
                    break
    except EOFError:
        pass
    finally:
        child.close(force=True)
    return bytes(stream)


def repeated(piece: bytes, size: int) -> bytes:
    """A piece again and again, at least so many bytes."""
    return piece * (size // len(piece) + 1)


def absorb_rate(choice: EngineChoice, stream: bytes) -> float:
    """MB per CPU second of feeding one engine."""
    rates: list[float] = []
    for _ in range(RUNS):
        engine = open_engine(COLS, ROWS, prefer=choice)
        began = time.process_time()
        for start in range(0, len(stream), CHUNK):
            engine.feed(stream[start : start + CHUNK])
        engine.row(0)
        rates.append(len(stream) / 1e6 / max(time.process_time() - began, 1e-6))
    return statistics.median(rates)


@contextmanager
def tmux_server(folder: Path) -> Iterator[Callable[..., str]]:
    """A private tmux server; yields the function that runs a tmux command."""
    config = folder / "tmux.conf"
    config.write_text("set -g status off\nset -g history-limit 10000\n")
    base = ["tmux", "-u", "-S", str(folder / "sock"), "-f", str(config)]
    env = {key: value for key, value in os.environ.items() if key != "TMUX"} | {"LC_ALL": "C.UTF-8"}

    def call(*argv: str) -> str:
        return subprocess.run([*base, *argv], env=env, check=True, capture_output=True, text=True, timeout=300).stdout

    call("new-session", "-d", "-x", str(COLS), "-y", str(ROWS), "cat")
    try:
        yield call
    finally:
        subprocess.run([*base, "kill-server"], env=env, check=False, capture_output=True)


def tmux_rate(stream: bytes) -> float | None:
    """MB per CPU second of tmux's server reading the stream from a pane's pty; None without tmux."""
    if shutil.which("tmux") is None or not Path("/proc/self/stat").exists():
        return None
    rates: list[float] = []
    with tempfile.TemporaryDirectory() as name, tmux_server(Path(name)) as call:
        recording = Path(name) / "stream"
        recording.write_bytes(stream + b"\x18\x1b]2;all-read\x1b\\")
        pid = int(call("display-message", "-p", "#{pid}"))
        for run in range(RUNS):
            began = cpu_seconds(pid)
            pane = f"stty raw -echo; cat {recording}; exec cat"
            call("new-window", "-n", f"run{run}", "sh", "-c", pane)
            while call("display-message", "-p", "-t", f":run{run}", "#{pane_title}").strip() != "all-read":
                time.sleep(0.02)  # tmux has no event for a title, and asking costs it CPU
            rates.append(len(stream) / 1e6 / max(cpu_seconds(pid) - began, 1e-2))
            call("kill-window", "-t", f":run{run}")
    return statistics.median(rates)


def cpu_seconds(pid: int) -> float:
    """User and system CPU of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def frame_rows(choice: EngineChoice) -> list[tuple[str, float]]:
    """CPU milliseconds of reading a full frame and a dirty row."""
    engine = open_engine(COLS, ROWS, prefer=choice)
    colored = b"\x1b[H" + b"".join(
        b"\x1b[%d;1H" % (y + 1)
        + b"".join(b"\x1b[%d;%dm%-10d" % (30 + (x + y) % 8, 40 + x % 8, x * y) for x in range(20))
        for y in range(ROWS)
    )
    plain = b"\x1b[0m\x1b[H" + b"\r\n".join(b"plain text of a log, %d " % n * 8 for n in range(ROWS))
    wide = b"\x1b[0m\x1b[H" + "\r\n".join("终端字符" * 25 for _ in range(ROWS)).encode()
    return [
        ("full frame, 20 styles a row", reading(engine, lambda n: b"\x1b[2J" + colored)),
        ("full frame, plain text", reading(engine, lambda n: b"\x1b[2J" + plain)),
        ("full frame, CJK", reading(engine, lambda n: b"\x1b[2J" + wide)),
        ("one dirty row, 20 styles", reading(engine, lambda n: colored if n < 0 else b"\x1b[9;%dHx" % (n % 90 + 1))),
    ]


def reading(engine: TermEngine, change: Callable[[int], bytes]) -> float:
    """CPU milliseconds of reading what a change left dirty, the median of many."""
    engine.feed(change(-1))
    engine.take_dirty()
    spent: list[float] = []
    for n in range(60):
        engine.feed(change(n))
        began = time.process_time_ns()
        dirty = engine.take_dirty()
        for y in range(ROWS) if dirty is None else dirty:
            engine.row(y)
        spent.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(spent)


def memory_mb(choice: EngineChoice) -> float:
    """Resident MB that 10,000 kept lines of 150 coloured characters add to a process of their own."""
    program = (
        "import os,sys\n"
        "from limi_sessions.terminal import open_engine\n"
        "rss=lambda: int(open('/proc/self/statm').read().split()[1])*os.sysconf('SC_PAGE_SIZE')\n"
        f"e=open_engine({COLS},{ROWS},prefer=sys.argv[1]); e.feed(b'x'); e.row(0); before=rss()\n"
        "for n in range(10050): e.feed(b'\\x1b[3%dm%-150d\\x1b[0m\\r\\n' % (n%8, n))\n"
        "print((rss()-before)/1e6)\n"
    )
    output = subprocess.run([sys.executable, "-c", program, choice], check=True, capture_output=True, text=True).stdout
    return float(output)


def python_speed_while_feeding(stream: bytes) -> float:
    """Share of its speed alone that a Python loop keeps while another thread feeds: 0 when the GIL is held."""

    def counted(stop: threading.Event) -> float:
        ticks, began = 0, time.perf_counter()
        while not stop.is_set():
            ticks += 1
        return ticks / (time.perf_counter() - began)

    def rest(stop: threading.Event) -> None:
        timer.wait(0.3)
        stop.set()

    def feed(stop: threading.Event) -> None:
        engine.feed(stream)
        stop.set()

    timer, engine = threading.Event(), open_engine(COLS, ROWS)
    rates: list[float] = []
    for work in (rest, feed):
        stop = threading.Event()
        thread = threading.Thread(target=work, args=(stop,))
        thread.start()
        rates.append(counted(stop))
        thread.join()
    return rates[1] / rates[0]


def snapshot_times(choice: EngineChoice) -> tuple[float, float, float]:
    """Milliseconds to take and to restore a snapshot with 10,000 lines of history, and its MB."""
    engine = open_engine(COLS, ROWS, prefer=choice)
    engine.feed(b"".join(b"\x1b[3%dm%-150d\x1b[0m\r\n" % (n % 8, n) for n in range(10_000)))
    began = time.perf_counter()
    blob = engine.snapshot()
    taken = time.perf_counter()
    engine.restore(blob)
    return (taken - began) * 1e3, (time.perf_counter() - taken) * 1e3, len(blob) / 1e6


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="streams of a tenth of the size")
    size = (1 if parser.parse_args().quick else 10) * 1_000_000
    print(machine_line())
    began = time.perf_counter()
    report = engine_report()
    print(f"engine: {report.name}, packed cells: {report.packed} {report.reason}")
    print(f"loaded and tested in {(time.perf_counter() - began) * 1e3:.0f} ms")
    makers = [ascii_stream, sgr_stream, unicode_stream, region_stream, application_stream]
    names = ["ascii", "SGR", "unicode", "scroll regions", "vim+less+htop"]
    streams = [(name, stream) for name, make in zip(names, makers, strict=True) if (stream := make(size))]
    rates: list[list[object]] = []
    for name, stream in streams:
        tmux, native = tmux_rate(stream), absorb_rate("ghostty", stream)
        fallback = absorb_rate("bittty", stream[: size // 20])
        rates.append([name, tmux, native, native / tmux if tmux else None, fallback])
    print_table(
        f"Absorbing output, MB per CPU second, {COLS}x{ROWS}, 10,000 lines kept",
        ["stream", "tmux", report.name, "ratio", "bittty"],
        rates,
    )
    native_frames, fallback_frames = frame_rows("ghostty"), frame_rows("bittty")
    frames = [[what, ms, other] for (what, ms), (_, other) in zip(native_frames, fallback_frames, strict=True)]
    print_table("Reading rows, CPU ms", ["what", report.name, "bittty"], frames)
    pairs = [
        ("ghostty", snapshot_times("ghostty"), memory_mb("ghostty")),
        ("bittty", snapshot_times("bittty"), memory_mb("bittty")),
    ]
    print_table(
        "10,000 lines of history",
        ["engine", "resident MB", "snapshot ms", "restore ms", "snapshot MB"],
        [[name, memory, *times] for name, times, memory in pairs],
    )
    share = python_speed_while_feeding(streams[0][1] * 3)
    print(f"\nA Python loop keeps {share:.0%} of its speed while another thread feeds {report.name}")
    print(machine_line())


if __name__ == "__main__":
    main()

"""How long it takes until `limi` shows something: `limi --help`, and the first paint of the workstation.

    python benchmarks/bench_startup.py

Wall time of whole processes in a fresh home; the first paint is the first byte of a frame read from a real pty.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from outer_terminal import OuterTerminal
from table import machine_line, print_table

RUNS = 9
LIMI = str(Path(sys.executable).with_name("limi"))


def help_seconds() -> float:
    """Wall seconds of `limi --help`."""
    start = time.perf_counter()
    subprocess.run([LIMI, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def python_seconds() -> float:
    """Wall seconds of an interpreter that does nothing: the floor of everything above."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - start


def first_paint_seconds(folder: Path) -> tuple[float, float]:
    """(seconds to the first frame with text, seconds to a shell prompt) of the workstation on a scripted model."""
    script = folder / "script.yaml"
    script.write_text("turns:\n  - text: hello\n")
    environment = {**os.environ, "LIMI_HOME": tempfile.mkdtemp(dir=folder)}
    start = time.perf_counter()
    argv = [LIMI, "--model", f"scripted:{script}", "--workspace", str(folder)]
    with OuterTerminal(argv, environment, cols=120, rows=36) as terminal:
        terminal.wait_for(b"Message the agent", seconds=30)
        painted = time.perf_counter() - start
        terminal.wait_for(f"@{os.uname().nodename}".encode(), seconds=30)
        prompted = time.perf_counter() - start
        terminal.type(b"\x11")
        terminal.drain(2.0)
    return painted, prompted


def main() -> None:
    """Print the table."""
    print(machine_line())
    with tempfile.TemporaryDirectory(prefix="limi-bench-") as name:
        paints = [first_paint_seconds(Path(name)) for _ in range(RUNS)]
    rows: list[list[object]] = []
    for what, seconds, goal in (
        ("python -c pass", [python_seconds() for _ in range(RUNS)], ""),
        ("limi --help", [help_seconds() for _ in range(RUNS)], 0.3),
        ("first paint of the workstation", [painted for painted, _ in paints], 1.0),
        ("shell prompt in the workstation", [prompted for _, prompted in paints], ""),
    ):
        ratio = statistics.median(seconds) / goal if isinstance(goal, float) else ""
        rows.append([what, min(seconds), statistics.median(seconds), max(seconds), goal, ratio])
    print_table("Start-up, seconds of wall time", ["what", "min", "median", "max", "goal", "median/goal"], rows)


if __name__ == "__main__":
    main()

"""How long it takes until `limi` shows something: `limi --help`, and the first paint of the workstation.

    python benchmarks/bench_startup.py [--runs 9]

Wall time of whole processes in a fresh home; frames and prompts are read from a real pty. Usable is the moment when a
key typed into the composer has been painted, from which on nothing typed is lost; the shell's prompt comes after it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from outer_terminal import PROMPT, Desk, OuterTerminal
from table import machine_line, print_table

COLS, ROWS = 120, 36
_QUIT = b"\x11"


@dataclass(frozen=True)
class Opening:
    """Seconds since the start of the program."""

    painted: float
    """The first frame with the composer in it was read."""
    echoed: float
    """A letter typed into the composer was painted."""
    prompted: float
    """The shell's prompt was painted."""


def timed(argv: list[str], desk: Desk) -> float:
    """Wall seconds of a program that ends by itself."""
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=desk.environment)
    return time.perf_counter() - start


def opening() -> Opening:
    """Start the workstation in a fresh home, type a letter, leave."""
    with Desk() as desk:
        script = desk.root / "script.yaml"
        script.write_text("turns:\n  - text: hello\n")
        start = time.perf_counter()
        with OuterTerminal(desk.limi(script), desk.environment, cols=COLS, rows=ROWS) as terminal:
            terminal.wait_for(b"Message the agent", seconds=30)
            painted = time.perf_counter() - start
            # Textual takes keys once it runs; what came before is still in the pty.
            terminal.type("¤".encode())
            terminal.wait_for("¤".encode(), seconds=30)
            echoed = time.perf_counter() - start
            terminal.wait_for(PROMPT, seconds=30)
            prompted = time.perf_counter() - start
            terminal.type(b"\x7f" + _QUIT)
            terminal.wait_for_end(10)
    return Opening(painted, echoed, prompted)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    limi = str(Path(sys.executable).with_name("limi"))
    print(machine_line())
    openings: list[Opening] = []
    plain: list[float] = []
    helped: list[float] = []
    for _ in range(runs):
        openings.append(opening())
        with Desk() as desk:
            plain.append(timed([sys.executable, "-c", "pass"], desk))
            helped.append(timed([limi, "--help"], desk))
    rows: list[list[object]] = []
    for what, seconds, goal in (
        ("python -c pass", plain, ""),
        ("limi --help", helped, 0.3),
        ("first paint of the workstation", [each.painted for each in openings], 1.0),
        ("a key typed into the composer is painted", [each.echoed for each in openings], ""),
        ("shell prompt in the workstation", [each.prompted for each in openings], ""),
    ):
        ratio = statistics.median(seconds) / goal if isinstance(goal, float) else ""
        rows.append([what, min(seconds), statistics.median(seconds), max(seconds), goal, ratio])
    print_table(
        f"Start-up, seconds of wall time, {runs} runs", ["what", "min", "median", "max", "goal", "median/goal"], rows
    )
    print(machine_line())


if __name__ == "__main__":
    main()

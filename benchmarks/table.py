"""How benchmark programs print: one plain table, and the machine with its load beside it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with a title; numbers are aligned to the right, floats shown with three digits.

    Args:
        title: one line above it.
        columns: heads.
        rows: cells, as many as there are columns.
    """
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in [list(columns), *cells]) for at in range(len(columns))]
    numeric = [all(isinstance(row[at], int | float) for row in rows) for at in range(len(columns))]
    print(f"\n{title}")
    for line in [list(columns), ["-" * width for width in widths], *cells]:
        aligned = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        print("  " + "  ".join(aligned).rstrip())


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.1f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def machine_line() -> str:
    """CPU model, number of cores and load averages of this machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    return f"machine: {model}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}"

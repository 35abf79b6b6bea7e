"""What verbs print: JSON for programs, aligned text for people.

Foreign text is made visible here: nothing that a model, a file name or a title holds can steer the terminal. JSON is
pure ASCII for the same reason.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import click

from limi_sessions.records.visible import visible_text


def print_json(value: object) -> None:
    """Print a JSON value, one line; indented on a terminal."""
    click.echo(json.dumps(value, ensure_ascii=True, indent=2 if sys.stdout.isatty() else None))


def print_json_object(fields: Mapping[str, object], *, arrays: Mapping[str, Iterable[str]]) -> None:
    """Print one JSON object: some fields, then arrays whose elements come as JSON texts.

    A long session is written as it is read, without a second copy of it in memory.
    """
    sys.stdout.write(json.dumps(fields)[:-1])
    for name, elements in arrays.items():
        sys.stdout.write(f", {json.dumps(name)}: [")
        for number, element in enumerate(elements):
            sys.stdout.write(f"{', ' if number else ''}{element}")
        sys.stdout.write("]")
    sys.stdout.write("}\n")
    sys.stdout.flush()


def print_line(text: str = "") -> None:
    """Print one line of our own words; foreign parts must have gone through `shown`."""
    click.echo(text)


def print_note(text: str) -> None:
    """Tell the person something beside the result, on stderr."""
    click.echo(f"limi: {visible_text(text)}", err=True)


def shown(text: str) -> str:
    """Foreign text for one line: every control character drawn, line ends included."""
    return visible_text(text, keep="")


def print_table(rows: Sequence[Sequence[str]], *, header: Sequence[str], right: Iterable[int] = (), cut: int) -> None:
    """Print aligned columns.

    Args:
        rows: cells, made visible already.
        header: one word a column.
        right: numbers of the columns that align right.
        cut: the column that is shortened where a row is wider than the terminal; elsewhere nothing is cut.
    """
    from wcwidth import wcswidth

    def cells_of(text: str) -> int:
        return max(wcswidth(text), 0) or len(text)

    widths = [max(cells_of(row[column]) for row in (header, *rows)) for column in range(len(header))]
    if sys.stdout.isatty():
        excess = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
        widths[cut] = max(widths[cut] - max(excess, 0), 8)
    right_columns = frozenset(right)
    for number, row in enumerate((header, *rows)):
        cells: list[str] = []
        for column, text in enumerate(row):
            fitted = _shortened(text, widths[column]) if cells_of(text) > widths[column] else text
            padding = " " * (widths[column] - cells_of(fitted))
            cells.append(padding + fitted if column in right_columns else fitted + padding)
        line = "  ".join(cells).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


def local_time(timestamp: str) -> str:
    """An ISO 8601 time as date and minute in the local time zone; the text itself where it is none."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return shown(timestamp)


def counted(number: int, thing: str) -> str:
    """A number with its noun: ``1 session``, ``2 sessions``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def size_text(size: int) -> str:
    """Bytes in the unit a person reads: ``1.4 MB`` (powers of 1000)."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _shortened(text: str, width: int) -> str:
    from wcwidth import wcwidth

    kept, used = "", 0
    for character in text:
        cells = max(wcwidth(character), 0)
        if used + cells > width - 1:
            break
        kept, used = kept + character, used + cells
    return f"{kept}…"

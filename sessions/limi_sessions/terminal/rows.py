"""What every engine does with rows: plain text, searching, columns of characters. Knows no engine."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from wcwidth import iter_graphemes, wcswidth

from limi_sessions.terminal.engine import Match, Row


def plain(row: Row) -> str:
    """A row's text without trailing blanks."""
    return "".join(run.text for run in row).rstrip()


def clusters(text: str) -> list[tuple[str, int]]:
    """The characters of a text, each with what combines with it, and their widths in cells."""
    if text.isascii():
        return [(character, 1) for character in text]
    return [(cluster, max(0, wcswidth(cluster))) for cluster in iter_graphemes(text)]


def columns_of(text: str) -> list[int]:
    """For every code point, and for the end, the column where its character begins."""
    columns = [0]
    for cluster, width in clusters(text):
        columns += [columns[-1]] * (len(cluster) - 1) + [columns[-1] + width]
    return columns


def slice_cells(text: str, start: int, end: int) -> str:
    """The characters that begin in columns [start, end) of a text."""
    if text.isascii():
        return text[start:end]
    parts: list[str] = []
    column = 0
    for cluster, width in clusters(text):
        if start <= column < end:
            parts.append(cluster)
        column += width
    return "".join(parts)


def found(needle: str, lines: Sequence[str]) -> list[Match]:
    """Hits of a plain text within single lines, case ignored, oldest first; the first line is row 0."""
    if not needle:
        return []
    pattern = re.compile(re.escape(needle), re.IGNORECASE)
    # One scan over the joined text is many times faster than one scan a line.
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    hits: list[Match] = []
    for match in pattern.finditer("\n".join(lines)):
        row = bisect_right(starts, match.start()) - 1
        first, last = match.start() - starts[row], match.end() - starts[row]
        if not lines[row].isascii():
            columns = columns_of(lines[row])
            first, last = columns[first], columns[last]
        hits.append(Match(row, first, last))
    return hits

"""What is selected in the shell pane's kept rows: positions, spans, words.

Pure: knows neither the widget nor an engine. Rows are absolute, 0 the oldest kept; columns are cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import split_graphemes

from limi_sessions.terminal.engine import Row

_WORD_MARKS = frozenset("_-./~:@%+#?&=,")
"""Characters that belong to a word beside letters and digits: a path, an option, a URL is one word."""


class Position(NamedTuple):
    """A cell."""

    row: int
    col: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Cells from one end to the other, both included; by whole rows when ``lines``."""

    anchor: Position
    head: Position
    lines: bool = False

    def bounds(self, cols: int) -> tuple[Position, Position]:
        """First cell and the one after the last, in the order of reading."""
        first, last = min(self.anchor, self.head), max(self.anchor, self.head)
        if self.lines:
            return Position(first.row, 0), Position(last.row, cols)
        return first, Position(last.row, min(last.col + 1, cols))

    def span(self, row: int, cols: int) -> tuple[int, int] | None:
        """Columns [start, end) that are selected in a row, None when none are."""
        first, end = self.bounds(cols)
        if not first.row <= row <= end.row:
            return None
        span = (first.col if row == first.row else 0, end.col if row == end.row else cols)
        return span if span[0] < span[1] else None

    def to(self, head: Position) -> Selection:
        """The selection with its moving end elsewhere."""
        return Selection(self.anchor, head, self.lines)


def cells_of(row: Row, cols: int) -> list[str]:
    """The character of each cell; the second cell of a wide character is empty."""
    line = "".join([text for text, _ in row])
    if line.isascii():
        cells = list(line)
    else:
        cells = [part for start, end, width in split_graphemes(line)[0] for part in [line[start:end], ""][:width]]
    return (cells + [" "] * cols)[:cols]


def word_at(row: Row, col: int, cols: int) -> tuple[int, int]:
    """First and last column of the word, the blank or the single sign at a column."""
    cells = cells_of(row, cols)
    col = max(0, min(col, cols - 1))
    kind = _kind(cells, col)
    if kind == "sign":
        return col, col
    start = end = col
    while start > 0 and _kind(cells, start - 1) == kind:
        start -= 1
    while end < cols - 1 and _kind(cells, end + 1) == kind:
        end += 1
    return start, end


def _kind(cells: list[str], col: int) -> str:
    cell = cells[col] or (cells[col - 1] if col else " ")
    if cell.isspace():
        return "blank"
    return "word" if cell[0].isalnum() or cell[0] in _WORD_MARKS else "sign"

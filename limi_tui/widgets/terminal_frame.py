"""What the shell pane shows of an engine: the rows on view, and a strip for each that is made once.

Reading happens under the engine's lock and copies rows only; strips are made later, when a row is drawn. A row that
scrolls keeps its strip, and with it the sequences that Textual has already rendered for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from limi_sessions.terminal.engine import Cursor, Modes, Row, TermEngine
from limi_tui.theme import AnsiPalette
from limi_tui.widgets.terminal_selection import cells_of
from limi_tui.widgets.terminal_style import CellStyles

_MOST_STRIPS = 1024
_HIDDEN = Cursor(0, 0, visible=False)


class Mark(NamedTuple):
    """Cells [start, end) of a row drawn otherwise: the cursor, a selection, a search hit."""

    start: int
    end: int
    restyle: Callable[[Style], Style]


class TerminalFrame:
    """The rows on view; ``top`` is the first one's absolute number, None while the live screen is followed."""

    def __init__(self, palette: AnsiPalette) -> None:
        self.styles = CellStyles(palette)
        self.top: int | None = None
        self.cols = 0
        self.total = 0
        """Kept rows, live screen included, at the last read."""
        self.cursor = _HIDDEN
        self.modes = Modes()
        self.title = ""
        self._rows: list[Row] = []
        self._strips: dict[Row, Strip] = {}

    @property
    def height(self) -> int:
        """Rows of the engine's screen."""
        return len(self._rows)

    @property
    def live_top(self) -> int:
        """Absolute number of the live screen's first row."""
        return max(0, self.total - self.height)

    @property
    def first(self) -> int:
        """Absolute number of the first row on view."""
        return self.live_top if self.top is None else self.top

    def restyle(self, palette: AnsiPalette) -> None:
        """Draw with other colours from now on."""
        self.styles = CellStyles(palette)
        self._strips.clear()

    def read(self, engine: TermEngine, *, everything: bool = False) -> set[int]:
        """Take over what changed in an engine; the caller holds its lock.

        Args:
            engine: the engine.
            everything: also rows that it does not report, after the view moved.

        Returns:
            Rows on view that look different from before.
        """
        height = engine.rows
        if (engine.cols, height) != (self.cols, self.height):
            self.cols, self._rows, everything = engine.cols, [()] * height, True
        cursor, self.cursor = self.cursor, engine.cursor
        self.total, self.modes, self.title = engine.total_rows, engine.modes, engine.title
        if self.top is not None:
            self.top = max(0, min(self.top, self.live_top))
            return self._replace((y, engine.history_row(self.top + y)) for y in range(height)) if everything else set()
        reported = engine.take_dirty()
        dirty = range(height) if everything or reported is None else reported
        changed = self._replace((y, engine.row(y)) for y in dirty)
        if cursor != self.cursor:
            changed |= {y for y in (cursor.y, self.cursor.y) if y < height}
        return changed

    def _replace(self, rows: Iterable[tuple[int, Row]]) -> set[int]:
        changed: set[int] = set()
        for y, row in rows:
            if self._rows[y] != row:
                self._rows[y] = row
                changed.add(y)
        return changed

    def row(self, y: int) -> Row:
        """A row on view; empty below the engine's screen."""
        return self._rows[y] if y < self.height else ()

    def strip(self, y: int, marks: Iterable[Mark] = ()) -> Strip:
        """A row on view as a strip, with marks drawn over it in their order."""
        if y >= self.height:
            return Strip([])
        row = self._rows[y]
        if (strip := self._strips.get(row)) is None:
            if len(self._strips) >= _MOST_STRIPS:
                self._strips.clear()
            styles = self.styles
            strip = self._strips[row] = Strip([Segment(text, styles[style]) for text, style in row], self.cols)
        for mark in marks:
            strip = self._marked(strip, row, mark)
        return strip

    def _marked(self, strip: Strip, row: Row, mark: Mark) -> Strip:
        cells = cells_of(row, self.cols)
        start, end = mark.start, min(mark.end, self.cols)
        # Both halves of a wide character are marked, or cropping would put blanks in its place.
        start -= start > 0 and start < self.cols and cells[start] == ""
        end += end < self.cols and cells[end] == ""
        if start >= end:
            return strip
        inside = [Segment(text, mark.restyle(style or self.styles.base)) for text, style, _ in strip.crop(start, end)]
        return Strip.join([strip.crop(0, start), Strip(inside, end - start), strip.crop(end, self.cols)])

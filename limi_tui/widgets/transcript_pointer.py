"""The mouse on a transcript: click, drag, double and triple click; selected text follows the text, not the screen.

The screen's own selection is not used: it counts rows from the top, which move when anything above wraps or folds.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from textual import events
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection
from textual.timer import Timer

from limi_tui.widgets.transcript_index import Place
from limi_tui.widgets.transcript_rows import Row
from limi_tui.widgets.transcript_view import TranscriptView

_WORD = re.compile(r"[\w./~:@%+=-]+|\s+|.")
DRAG_SCROLL_S = 0.05
"""Seconds between two rows while the pointer is held beyond an edge."""


class Spot(NamedTuple):
    """A character: block number, row within the block, characters from the start of the row."""

    block: int
    row: int
    column: int


class TranscriptPointer(TranscriptView):
    """Mouse and selection."""

    ALLOW_SELECT = False

    _anchor: Spot | None = None
    _head: Spot | None = None
    _pressed: Offset | None = None
    _dragged = False
    _pointer = Offset(0, 0)
    _drag_scroll: Timer | None = None

    @property
    def selected_text(self) -> str:
        """The selected characters, wrapped rows joined as they were; empty when nothing is selected."""
        ends = self._ends()
        if ends is None:
            return ""
        first, last = ends
        top = self.book.index.top(first.block) + first.row
        count = self.book.index.top(last.block) + last.row - top + 1
        parts: list[str] = []
        for place, row in self.book.visible(top, count):
            start, end = self._columns(place, row, first, last)
            text = row.text[max(start, row.prefix) : end].rstrip()
            if parts:
                parts.append("\n" if row.glue is None else row.glue)
            parts.append(text)
        return "".join(parts)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What the screen's copy key takes."""
        text = self.selected_text
        return (text, "\n") if text else None

    def selection_updated(self, selection: Selection | None) -> None:
        """The screen dropped the selection, or took over ours."""
        if selection is None:
            self._anchor = self._head = None
        self.refresh()

    def selected_columns(self, place: Place) -> tuple[int, int] | None:
        """Characters of a row that are selected, None when none are."""
        ends = self._ends()
        if ends is None or not (ends[0][:2] <= place <= ends[1][:2]):
            return None
        return self._columns(place, self.book.rows(place.block)[place.row], *ends)

    def select(self, anchor: Spot, head: Spot) -> None:
        """Select from one character up to, not including, another; in either order."""
        self._anchor, self._head = anchor, head
        self.screen.selections = {self: SELECT_ALL}
        self.refresh()

    @abstractmethod
    def activate(self, place: Place, row: Row) -> None:
        """A row was clicked."""

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a click or a selection."""
        if event.button == 1:
            self._pressed, self._dragged = event.offset, False
            self._anchor = None
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select from where the button went down."""
        if self._pressed is None or (not self._dragged and event.offset == self._pressed):
            return
        if not self._dragged:
            self._anchor = self._spot(self._pressed)
            self._dragged = True
        self._pointer = event.offset
        self._drag()
        outside = not 0 <= event.y < self.scrollable_content_region.height
        if outside and self._drag_scroll is None:
            self._drag_scroll = self.set_interval(DRAG_SCROLL_S, self._drag)
        elif not outside:
            self._stop_drag_scroll()

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        """End a click or a selection."""
        if self._pressed is not None:
            self._pressed = None
            self.release_mouse()
            self._stop_drag_scroll()

    def on_click(self, event: events.Click) -> None:
        """Toggle, or select a word (twice) or a line (three times)."""
        event.prevent_default()
        found = self.row_at(event.y)
        if self._dragged or found is None or event.button != 1:
            return
        place, row = found
        if event.chain > 1:
            self._select_word_or_line(place, row, event)
        else:
            self.activate(place, row)

    def _select_word_or_line(self, place: Place, row: Row, event: events.Click) -> None:
        start, end = row.prefix, len(row.text)
        if event.chain == 2:
            column = _character_at(row.text, event.x)
            for word in _WORD.finditer(row.text, row.prefix):
                if word.start() <= column < word.end():
                    start, end = word.span()
        self.select(Spot(*place, start), Spot(*place, end))

    def _drag(self) -> None:
        height = self.scrollable_content_region.height
        if not 0 <= self._pointer.y < height:
            self.scroll_relative(y=-1 if self._pointer.y < 0 else 1, animate=False)
        head = self._spot(Offset(self._pointer.x, min(max(self._pointer.y, 0), height - 1)), ending=True)
        if self._anchor is not None and head is not None:
            self.select(self._anchor, head)

    def _stop_drag_scroll(self) -> None:
        if self._drag_scroll is not None:
            self._drag_scroll.stop()
            self._drag_scroll = None

    def _spot(self, offset: Offset, *, ending: bool = False) -> Spot | None:
        found = self.row_at(offset.y)
        if found is None:
            last = len(self.book) - 1
            return Spot(last, len(self.book.rows(last)) - 1, 1 << 16) if last >= 0 else None
        place, row = found
        return Spot(*place, _character_at(row.text, offset.x) + ending)

    def _ends(self) -> tuple[Spot, Spot] | None:
        if self._anchor is None or self._head is None or self._anchor == self._head:
            return None
        return min(self._anchor, self._head), max(self._anchor, self._head)

    def _columns(self, place: Place, row: Row, first: Spot, last: Spot) -> tuple[int, int]:
        start = first.column if place == first[:2] else 0
        end = last.column if place == last[:2] else len(row.text)
        return start, end


def _character_at(text: str, cell: int) -> int:
    """The number of the character at a cell; the length of the text beyond its end."""
    if text.isascii():
        return min(cell, len(text))
    if cell >= cell_len(text):
        return len(text)
    used = 0
    for number, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > cell:
            return number
    return len(text)

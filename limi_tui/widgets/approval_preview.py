"""The exact text that a call will run or write, folded at the edge and scrolled, its unusual characters marked.

What is approved is what is seen: nothing is cut, at an edge or at a length. Only what is in view is laid out, so that a
file of 10,000 lines is there at once. Knows nothing of calls: entries bring their own rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from limi_tui.widgets.approval_entries import DrawnRow, Entry
from limi_tui.widgets.approval_text import Ground, Role

TALLEST = 45
"""Percent of the window's height that the text takes at most."""
_KEPT_ENTRIES = 500


class ApprovalPreview(ScrollView, can_focus=False):
    """A scrolled text without wrapping at words: nothing is lost at an edge."""

    DEFAULT_CSS = """
    ApprovalPreview {
        height: auto;
        background: $surface;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        .approval--unusual { background: $error; color: $background; text-style: bold; }
        .approval--stand-in { color: $text-disabled; }
        .approval--gutter { color: $text-disabled; }
        .approval--muted { color: $text-muted; }
        .approval--strong { text-style: bold; }
        .approval--operator { color: $text-accent; text-style: bold; }
        .approval--program { color: $text-primary; text-style: bold; }
        .approval--string { color: $text-success; }
        .approval--variable { color: $text-warning; }
        .approval--comment { color: $text-muted; text-style: italic; }
        .approval--keyword { color: $text-secondary; text-style: bold; }
        .approval--name { color: $text-primary; }
        .approval--number { color: $text-accent; }
        .approval--danger { color: $text-error; text-style: bold underline; }
        .approval--warning { color: $text-warning; text-style: underline; }
        .approval--alarm { color: $text-error; text-style: bold; }
        .approval--caution { color: $text-warning; text-style: bold; }
        .approval--decoded { color: $text-warning; text-style: bold; }
        .approval--added { background: $success 15%; }
        .approval--removed { background: $error 15%; }
        .approval--added-part { background: $success 40%; text-style: bold; }
        .approval--removed-part { background: $error 40%; text-style: bold; }
        &:ansi {
            .approval--unusual { text-style: bold reverse; }
            .approval--added { background: transparent; color: $text-success; }
            .approval--removed { background: transparent; color: $text-error; }
            .approval--added-part { background: transparent; color: $text-success; text-style: bold underline; }
            .approval--removed-part { background: transparent; color: $text-error; text-style: bold underline; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"approval--{role}"
        for role in (
            *("unusual", "stand-in", "gutter", "strong", "muted", "operator", "program", "string", "variable"),
            *("comment", "keyword", "name", "number", "danger", "warning", "decoded", "alarm", "caution"),
            *("added", "removed", "added-part", "removed-part"),
        )
    }

    class Moved(Message):
        """Other rows are in view than before."""

        def __init__(self, first: int, last: int, count: int) -> None:
            super().__init__()
            self.first = first
            """From 1."""
            self.last = last
            self.count = count
            """Rows of the whole text."""

    def __init__(self, entries: Sequence[Entry], *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._entries = tuple(entries)
        self._ends: list[int] = []
        """The number of rows up to the end of each entry."""
        self._width = 0
        self._tallest = TALLEST
        self._rows: LRUCache[int, list[DrawnRow]] = LRUCache(_KEPT_ENTRIES)

    def show(self, entries: Sequence[Entry]) -> None:
        """Show another text, from its beginning."""
        self._entries = tuple(entries)
        self._width = 0
        self.scroll_to(0, 0, animate=False)
        self.refresh(layout=True)
        self._fit()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows of the whole text at a width, or its share of the window."""
        self._lay_out(width)
        # Not `max-height`: Textual leaves a relative one out of an automatic height.
        return min(self._count, max(1, viewport.height * self._tallest // 100))

    def limit_to(self, tallest: int) -> None:
        """Take at most so many percent of the window's height."""
        self._tallest = tallest
        self.refresh(layout=True)

    def on_resize(self, _event: events.Resize) -> None:
        """Fold at the new edge."""
        self._fit()

    def notify_style_update(self) -> None:
        """Draw in the new theme."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the text."""
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if number >= self._count:
            return Strip.blank(width, self.rich_style)
        index = bisect_right(self._ends, number)
        row = self._rows_of(index)[number - (self._ends[index - 1] if index else 0)]
        segments = [Segment(piece.text, self._style(piece.role, piece.ground)) for piece in row.pieces]
        return Strip(segments).adjust_cell_length(width, self._style("text", row.ground))

    @property
    def _count(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _rows_of(self, index: int) -> list[DrawnRow]:
        rows = self._rows.get(index)
        if rows is None:
            rows = self._rows[index] = self._entries[index].rows(self._width)
        return rows

    def _fit(self) -> None:
        self._lay_out(self.scrollable_content_region.width)
        self.virtual_size = Size(self._width, self._count)
        self._tell()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell what is in view."""
        super().watch_scroll_y(old_value, new_value)
        self._tell()

    def _tell(self) -> None:
        top = self.scroll_offset.y
        bottom = min(self._count, top + self.scrollable_content_region.height)
        self.post_message(self.Moved(top + 1, bottom, self._count))

    def _lay_out(self, width: int) -> None:
        if width == self._width or width <= 0:
            return
        self._width = width
        self._rows.clear()
        self._ends = list(accumulate([entry.height(width) for entry in self._entries]))

    def _style(self, role: Role, ground: Ground) -> Style:
        style = self.rich_style if role == "text" else self.get_component_rich_style(f"approval--{role}")
        if ground == "plain" or role == "unusual":
            return style
        below = self.get_component_rich_style(f"approval--{ground}")
        if below.bgcolor == self.rich_style.bgcolor:
            return style + below if role in {"text", "gutter"} or ground.endswith("-part") else style
        return style + Style(bgcolor=below.bgcolor, bold=below.bold or None, underline=below.underline or None)

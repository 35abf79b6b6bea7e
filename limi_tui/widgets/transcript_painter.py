"""Rows as strips: the only place that maps a role to a style of the theme.

Strips are kept by the value of their row, so a row costs its styling once, wherever it scrolls to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from limi_tui.widgets.transcript_head import GUTTER
from limi_tui.widgets.transcript_rows import Role, Row

KEPT_STRIPS = 2_000
CURSOR_MARK = "▌"


@dataclass(frozen=True, slots=True)
class Palette:
    """The styles of one theme."""

    base: Style
    roles: Mapping[Role, Style]
    cursor: Style
    selection: Style
    match: Style


class TranscriptPainter:
    """Draws rows in one theme at one width."""

    def __init__(self, palette: Palette, width: int) -> None:
        self.palette = palette
        self.width = width
        self._strips: LRUCache[tuple[Row, bool, str], Strip] = LRUCache(KEPT_STRIPS)
        self._blank = Strip.blank(width, palette.base)
        self._styles: dict[tuple[Role, Role | None], Style] = {}

    def blank(self) -> Strip:
        """An empty row."""
        return self._blank

    def strip(self, row: Row, *, cursor: bool, needle: str) -> Strip:
        """A row, with the cursor's mark and the hits of a lower-case needle."""
        key = (row, cursor, needle)
        strip = self._strips.get(key)
        if strip is None:
            segments = self._segments(row, cursor=cursor)
            for start in _hits(row, needle):
                segments = _overlaid(segments, start, start + len(needle), self.palette.match)
            strip = self._strips[key] = self._padded(segments, row)
        return strip

    def selected(self, row: Row, start: int, end: int) -> Strip:
        """A row with some of its characters selected."""
        segments = _overlaid(self._segments(row, cursor=False), max(start, row.prefix), end, self.palette.selection)
        return self._padded(segments, row)

    def line(self, text: str, role: Role) -> Strip:
        """A row that belongs to no block."""
        return Strip([Segment(text, self._style(role, None))]).adjust_cell_length(self.width, self.palette.base)

    def _segments(self, row: Row, *, cursor: bool) -> list[Segment]:
        segments: list[Segment] = []
        filled_from = 1 if row.fill == "fill-user" else GUTTER
        offset = 0
        for text, role in row.spans:
            fill = row.fill if offset >= filled_from else None
            segments.append(Segment(text, self._style(role, fill)))
            offset += len(text)
        if cursor and segments:
            segments[0] = Segment(CURSOR_MARK, self.palette.cursor)
        return segments

    def _padded(self, segments: list[Segment], row: Row) -> Strip:
        style = self._style("text", row.fill)
        used = sum([cell_len(segment.text) for segment in segments])
        return Strip(segments, used).adjust_cell_length(self.width, style).simplify()

    def _style(self, role: Role, fill: Role | None) -> Style:
        style = self._styles.get((role, fill))
        if style is None:
            style = self.palette.roles[role]
            if fill is not None:
                style = style + Style.from_color(bgcolor=self.palette.roles[fill].bgcolor)
            self._styles[role, fill] = style
        return style


def _hits(row: Row, needle: str) -> list[int]:
    if not needle:
        return []
    text = row.text.lower()
    hits: list[int] = []
    at = text.find(needle, row.prefix)
    while at >= 0:
        hits.append(at)
        at = text.find(needle, at + len(needle))
    return hits


def _overlaid(segments: list[Segment], start: int, end: int, style: Style) -> list[Segment]:
    """Segments with the characters [start, end) in another style."""
    overlaid: list[Segment] = []
    offset = 0
    for segment in segments:
        text = segment.text
        first, last = max(0, start - offset), min(len(text), end - offset)
        if first >= last:
            overlaid.append(segment)
        else:
            parts = ((text[:first], segment.style), (text[first:last], style), (text[last:], segment.style))
            overlaid.extend([Segment(part, part_style) for part, part_style in parts if part])
        offset += len(text)
    return overlaid

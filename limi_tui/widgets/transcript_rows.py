"""Lines of styled text become rows of at most so many cells: words wrap, code folds, wide characters stay whole.

Knows nothing of blocks and widgets. A role is a name that the painter maps to a style of the theme.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from rich.cells import cell_len, chop_cells

Role = Literal[
    "text", "muted", "strong", "emphasis", "heading", "code", "link", "guide", "mark",
    "user", "reasoning", "name",
    "done", "failed", "active", "warning", "error",
    "code-keyword", "code-name", "code-string", "code-number", "code-comment",
    "added", "removed", "hunk",
    "fill-user", "fill-code",
]  # fmt: skip
"""What a piece of text is; the two ``fill`` roles are backgrounds of whole rows."""

_WIDE = (
    "\u1100-\u11ff\u2e80-\u2fff\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\uff01-\uff60\U00020000-\U0003ffff"
)
_CLOSING = "\u3001\u3002\u300d\u300f\u3011\u3015\u3009\u300b\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\u30fc\u3005"
_PIECE = re.compile(rf"[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+|\s+")
"""What stays on one row: a wide character with the closing marks that may not begin a row, a word, a space."""
_LEAST_ROOM = 8


class Span(NamedTuple):
    """Text of one role, without control characters and newlines."""

    text: str
    role: Role = "text"


class TextLine(NamedTuple):
    """A line before it is wrapped."""

    spans: tuple[Span, ...] = ()
    lead: tuple[Span, ...] = ()
    """Before the first row: marks and indentation, no part of the text."""
    hang: tuple[Span, ...] = ()
    """Before the following rows."""
    fill: Role | None = None
    """Background of the rows up to the right edge, None for the widget's."""
    fold: bool = False
    """Break at the last cell instead of between words."""
    more: bool = False
    """The line stands for hidden ones and shows them when clicked."""


class Row(NamedTuple):
    """One row: ``spans`` begin with ``prefix`` characters that are no part of the text."""

    spans: tuple[Span, ...]
    prefix: int = 0
    glue: str | None = None
    """What was between this row and the one above, None when it begins a line."""
    fill: Role | None = None
    more: bool = False

    @property
    def text(self) -> str:
        """All characters of the row, prefix included."""
        return "".join([span.text for span in self.spans])


class _Stretch(NamedTuple):
    start: int
    end: int


def wrap(line: TextLine, width: int) -> list[Row]:
    """The rows of a line, at least one, each at most ``width`` cells (but never less than 8 for its text)."""
    text = "".join([span.text for span in line.spans])
    first = max(_LEAST_ROOM, width - spans_width(line.lead))
    if cell_len(text) <= first:
        prefix = sum([len(span.text) for span in line.lead])
        return [Row(line.lead + line.spans, prefix, None, line.fill, line.more)]
    rest = max(_LEAST_ROOM, width - spans_width(line.hang))
    stretches = _folded(text, first, rest) if line.fold else _wrapped(text, first, rest)
    rows: list[Row] = []
    previous_end: int | None = None
    for start, end in stretches:
        lead = line.lead if previous_end is None else line.hang
        glue = None if previous_end is None else text[previous_end:start]
        prefix = sum([len(span.text) for span in lead])
        rows.append(Row(lead + _cut(line.spans, start, end), prefix, glue, line.fill, line.more))
        previous_end = end
    return rows


def spans_width(spans: tuple[Span, ...]) -> int:
    """Cells that spans take."""
    return sum([cell_len(span.text) for span in spans])


def shortened(text: str, width: int) -> str:
    """The text in at most ``width`` cells, an ellipsis at its end when it was cut."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    return chop_cells(text, width - 1)[0] + "…"


def _folded(text: str, first: int, rest: int) -> list[_Stretch]:
    head = chop_cells(text, first)[0]
    stretches = [_Stretch(0, len(head))]
    for piece in chop_cells(text[len(head) :], rest):
        end = stretches[-1].end
        stretches.append(_Stretch(end, end + len(piece)))
    return stretches


def _wrapped(text: str, first: int, rest: int) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    start = end = used = 0
    room = first
    for found in _PIECE.finditer(text):
        piece_start, piece_end = found.span()
        cells = cell_len(found.group())
        if found.group().isspace():
            used += cells
            continue
        if used + cells > room:
            if end > start:
                stretches.append(_Stretch(start, end))
                start, used, room = piece_start, 0, rest
            while used + cells > room and piece_end > start:
                part = chop_cells(text[start:piece_end], room)[0]
                if len(part) == piece_end - start:
                    break
                stretches.append(_Stretch(start, start + len(part)))
                start, used, room = start + len(part), 0, rest
                cells = cell_len(text[start:piece_end])
        used += cells
        end = piece_end
    stretches.append(_Stretch(start, len(text) if used <= room else max(end, start)))
    return stretches


def _cut(spans: tuple[Span, ...], start: int, end: int) -> tuple[Span, ...]:
    kept: list[Span] = []
    offset = 0
    for span in spans:
        after = offset + len(span.text)
        if after > start and offset < end:
            kept.append(Span(span.text[max(0, start - offset) : end - offset], span.role))
        offset = after
    return tuple(kept)

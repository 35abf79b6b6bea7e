"""The one-line form of a block: mark, what it is, and at the right edge how it stands.

Knows nothing of blocks; gives way in a fixed order when there is little room: detail, name, brief.
"""

from __future__ import annotations

from dataclasses import dataclass

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.transcript_rows import Role, Row, Span, shortened, spans_width

GUTTER = 3
"""Cells before the text of a block: the cursor's, the mark's and an empty one."""

_LEAST_BRIEF = 16
_LEAST_NAME = 6
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Head:
    """What a one-line form says."""

    mark: str
    role: Role
    """Of the mark and the closing words."""
    spans: tuple[Span, ...]
    """One span, or name, gap and brief."""
    words: str = ""
    """At the right edge."""
    detail: str = ""
    """After the words."""
    foldable: bool = True


def head_row(head: Head, width: int, *, opened: bool) -> Row:
    """The row of a one-line form, exactly ``width`` cells unless that is too narrow for anything."""
    fold = ("▾" if opened else "▸") if head.foldable else " "
    room = width - GUTTER
    right = _right(head, head.detail, fold)
    if room - spans_width(right) < _LEAST_BRIEF + _LEAST_NAME:
        right = _right(head, "", fold)
    left = _fitted(head.spans, room - spans_width(right) - 1)
    space = Span(" " * max(1, room - spans_width(left) - spans_width(right)))
    gutter = (Span(" "), Span(f"{head.mark} ", head.role))
    return Row((*gutter, *left, space, *right), prefix=GUTTER)


def flat(text: str) -> str:
    """Text for one row: made visible, newlines drawn."""
    return visible_text(text[:_LONGEST].strip("\n"), keep="\n").replace("\n", " ⏎ ")


def _right(head: Head, detail: str, fold: str) -> tuple[Span, ...]:
    words = (Span(head.words, head.role),) if head.words else ()
    gap = " · " if head.words and detail else ""
    return (*words, Span(f"{gap}{detail} ", "muted"), Span(fold, "guide"))


def _fitted(spans: tuple[Span, ...], room: int) -> tuple[Span, ...]:
    """Spans in so many cells: the first gives way to the last, and the last is cut."""
    if spans_width(spans) <= room:
        return spans
    if len(spans) == 1:
        return (Span(shortened(spans[0].text, room), spans[0].role),)
    name, gap, brief = spans[0], spans[1], spans[-1]
    brief_room = min(spans_width((brief,)), max(_LEAST_BRIEF, room - spans_width((name, gap))))
    name_room = max(_LEAST_NAME, room - brief_room - spans_width((gap,)))
    name = Span(shortened(name.text, name_room), name.role)
    return (name, gap, Span(shortened(brief.text, max(0, room - spans_width((name, gap)))), brief.role))

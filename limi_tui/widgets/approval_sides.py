"""Lines of a change of a file as entries of a preview: old and new beside each other, or one under the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from limi_tui.widgets.approval_code import LineMarks
from limi_tui.widgets.approval_compare import Gap
from limi_tui.widgets.approval_entries import DrawnRow, Entry, TextEntry, WordsEntry, gutter_pieces, room
from limi_tui.widgets.approval_pairs import Pair, Side
from limi_tui.widgets.approval_text import ExactLine, Ground, Piece, fold, shifted, stretches

_NO_LINE_END = " ⊘ no line end"
_BETWEEN = " │ "


class Colours(NamedTuple):
    """What the lines of both versions are made of."""

    old: LineMarks
    new: LineMarks
    quiet: frozenset[str]
    """Look-alikes that the old version held already."""
    digits: int
    """Cells of the largest line number."""


class SidesEntry(NamedTuple):
    """A pair of lines beside each other, or a stretch of a pair of very long ones."""

    left: ExactLine | None
    right: ExactLine | None
    left_gutter: str
    right_gutter: str

    def height(self, width: int) -> int:
        """Rows at a width."""
        half, other = _halves(width)
        left = self.left.height(room(half, self.left_gutter)) if self.left else 1
        return max(left, self.right.height(room(other, self.right_gutter)) if self.right else 1)

    def rows(self, width: int) -> list[DrawnRow]:
        """The rows at a width."""
        half, other = _halves(width)
        lefts = _column(self.left, self.left_gutter, half)
        rights = _column(self.right, self.right_gutter, other)
        count = max(len(lefts), len(rights))
        between = (Piece(_BETWEEN, "gutter"),)
        return [
            DrawnRow(
                _padded(lefts, row, half, _ground(self.left)) + between + (rights[row] if row < len(rights) else ()),
                _ground(self.right),
            )
            for row in range(count)
        ]


def side_entries(pairs: Sequence[Pair | Gap], colours: Colours) -> Iterator[Entry]:
    """Old lines at the left, new ones at the right."""
    for pair in pairs:
        if isinstance(pair, Gap):
            yield _gap(pair)
            continue
        old, new = _lines(pair, colours)
        for number in range(max(len(old), len(new))):
            yield SidesEntry(
                old[number] if number < len(old) else None,
                new[number] if number < len(new) else None,
                _gutter(pair.old, "-" if not pair.is_equal else " ", colours.digits, first=number == 0),
                _gutter(pair.new, "+" if not pair.is_equal else " ", colours.digits, first=number == 0),
            )


def unified_entries(pairs: Sequence[Pair | Gap], colours: Colours) -> Iterator[Entry]:
    """The old lines of each change above its new ones."""
    added: list[Entry] = []
    for pair in pairs:
        if isinstance(pair, Gap) or pair.is_equal:
            yield from added
            added.clear()
        if isinstance(pair, Gap):
            yield _gap(pair)
            continue
        old, new = _lines(pair, colours)
        if pair.is_equal:
            yield from _under(new, pair.new, " ", colours.digits)
            continue
        yield from _under(old, pair.old, "-", colours.digits)
        added += _under(new, pair.new, "+", colours.digits)
    yield from added


def _under(lines: Sequence[ExactLine], side: Side | None, sign: str, digits: int) -> Iterator[Entry]:
    hang = _gutter(None, " ", digits, first=False)
    for number, line in enumerate(lines):
        yield TextEntry(line, _gutter(side, sign, digits, first=number == 0), hang)


def _lines(pair: Pair, colours: Colours) -> tuple[tuple[ExactLine, ...], tuple[ExactLine, ...]]:
    """The stretches of both lines."""
    old, new, quiet = pair.old, pair.new, colours.quiet
    if pair.is_equal:
        return _stretched(old, None, colours.old, "plain", quiet), _stretched(new, None, colours.new, "plain", quiet)
    return _stretched(old, new, colours.old, "removed", quiet), _stretched(new, old, colours.new, "added", quiet)


def _stretched(
    side: Side | None, other: Side | None, marks: LineMarks, ground: Ground, quiet: frozenset[str]
) -> tuple[ExactLine, ...]:
    if side is None:
        return ()
    text = side.text.removesuffix("\n")
    of_line = marks[side.number - 1] if side.number <= len(marks) else ()
    parts = stretches(text)
    return tuple(
        ExactLine(
            text[start:end],
            shifted(of_line, start, end),
            ground,
            against=other.text.removesuffix("\n") if other is not None and len(parts) == 1 else None,
            quiet=quiet,
            note=_NO_LINE_END if end == len(text) and not side.text.endswith("\n") else "",
        )
        for start, end in parts
    )


def _gap(gap: Gap) -> WordsEntry:
    return WordsEntry((Piece(f"⋯ {gap.lines:,} equal {'line' if gap.lines == 1 else 'lines'}", "muted"),))


def _gutter(side: Side | None, sign: str, digits: int, *, first: bool) -> str:
    return f"{side.number if side is not None and first else '':>{digits}} {sign if side is not None else ' '}"


def _halves(width: int) -> tuple[int, int]:
    left = max(1, (width - len(_BETWEEN)) // 2)
    return left, max(1, width - len(_BETWEEN) - left)


def _column(line: ExactLine | None, gutter: str, width: int) -> list[tuple[Piece, ...]]:
    if line is None:
        return [()]
    folded = fold(line.drawn(), room(width, gutter))
    hang = " " * cell_len(gutter)
    return [(*gutter_pieces(hang if number else gutter, line.ground), *pieces) for number, pieces in enumerate(folded)]


def _padded(column: list[tuple[Piece, ...]], row: int, width: int, ground: Ground) -> tuple[Piece, ...]:
    pieces = column[row] if row < len(column) else ()
    used = sum([cell_len(piece.text) for piece in pieces])
    return (*pieces, Piece(" " * max(0, width - used), "text", ground))


def _ground(line: ExactLine | None) -> Ground:
    return line.ground if line is not None else "plain"

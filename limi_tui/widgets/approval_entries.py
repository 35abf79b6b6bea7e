"""What stands on rows of its own in a preview: foreign text behind a gutter, or our own words.

Knows nothing of widgets.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rich.cells import cell_len

from limi_tui.widgets.approval_text import ExactLine, Ground, Piece, fold


class DrawnRow(NamedTuple):
    """One row; ``ground`` goes on to the right edge."""

    pieces: tuple[Piece, ...]
    ground: Ground = "plain"


class Entry(Protocol):
    """What stands on rows of its own in a preview."""

    def height(self, width: int) -> int:
        """Rows at a width."""
        ...

    def rows(self, width: int) -> list[DrawnRow]:
        """The rows at a width, as many as `height` says."""
        ...


class TextEntry(NamedTuple):
    """A line behind a gutter of ours."""

    line: ExactLine
    gutter: str = ""
    hang: str = ""
    """The gutter of the following rows, as wide."""

    def height(self, width: int) -> int:
        """Rows at a width."""
        return self.line.height(room(width, self.gutter))

    def rows(self, width: int) -> list[DrawnRow]:
        """The rows at a width."""
        ground = self.line.ground
        folded = fold(self.line.drawn(), room(width, self.gutter))
        return [
            DrawnRow((*gutter_pieces(self.hang if number else self.gutter, ground), *pieces), ground)
            for number, pieces in enumerate(folded)
        ]


class WordsEntry(NamedTuple):
    """Our own words, and quotations among them that are drawn already."""

    pieces: tuple[Piece, ...]

    def height(self, width: int) -> int:
        """Rows at a width."""
        return len(fold(self.pieces, max(1, width)))

    def rows(self, width: int) -> list[DrawnRow]:
        """The rows at a width."""
        return [DrawnRow(pieces) for pieces in fold(self.pieces, max(1, width))]


def room(width: int, gutter: str) -> int:
    """Cells right of a gutter, at least one."""
    return max(1, width - cell_len(gutter))


def gutter_pieces(gutter: str, ground: Ground) -> tuple[Piece, ...]:
    """A gutter, the sign at its end stronger than the number."""
    if gutter.endswith(("+", "-")):
        return Piece(gutter[:-1], "gutter", ground), Piece(gutter[-1], "strong", ground)
    return (Piece(gutter, "gutter", ground),)

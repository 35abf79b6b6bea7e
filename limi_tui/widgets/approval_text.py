"""Exact text as pieces to draw: nothing of a line is hidden, left out or changed but by a visible stand-in.

Hidden characters become names, tabs arrows, blanks at a line's end dots; what reads as something else is marked. Knows
nothing of widgets and styles: a piece says what it is, the preview how that looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from rich.cells import cell_len, chop_cells

from limi_sessions.records.visible import suspicious_characters, visible_text
from limi_tui.widgets.approval_pairs import Parts, changed_parts

Role = Literal[
    "text", "unusual", "stand-in", "gutter", "strong", "muted",
    "operator", "program", "string", "variable", "comment", "keyword", "name", "number",
    "danger", "warning", "decoded", "alarm", "caution",
]  # fmt: skip
"""What a piece of text is."""
Ground = Literal["plain", "added", "removed", "added-part", "removed-part"]
"""What became of it; drawn as a background."""

LONGEST_FOLDED = 4_000
"""Characters of a line that are laid out at once; a longer one is laid out in stretches."""
_DRAWN_TAB = "→   "


class Piece(NamedTuple):
    """Text of one kind, ready to be drawn."""

    text: str
    role: Role = "text"
    ground: Ground = "plain"


class Mark(NamedTuple):
    """What characters [start, end) of a text are."""

    start: int
    end: int
    role: Role


class ExactLine(NamedTuple):
    """A line of foreign text, or a stretch of a very long one, without its line feed."""

    text: str
    marks: tuple[Mark, ...] = ()
    ground: Ground = "plain"
    against: str | None = None
    """The line of the other version; what differs from it is drawn as the part that changed."""
    quiet: frozenset[str] = frozenset()
    """Look-alikes that are no surprise here; with a carriage return in it, one at the line's end is none."""
    note: str = ""
    """Our own words after it."""

    def drawn(self) -> tuple[Piece, ...]:
        """The whole line."""
        roles: list[Role] = ["text"] * len(self.text)
        for start, end, role in self.marks:
            for offset in range(max(0, start), min(end, len(roles))):
                roles[offset] = role
        grounds: list[Ground] = [self.ground] * len(self.text)
        inner: Ground = "added-part" if self.ground == "added" else "removed-part"
        for start, end in self._parts():
            for offset in range(start, end):
                grounds[offset] = inner
        texts = self._stand_ins(roles)
        pieces = [
            Piece("".join([texts[offset] for offset in offsets]), role, ground)
            for (role, ground), offsets in _runs(roles, grounds)
        ]
        return (*pieces, Piece(self.note, "muted", self.ground)) if self.note else tuple(pieces)

    def height(self, width: int) -> int:
        """Rows when folded at a width."""
        if self.text.isascii() and self.text.isprintable() and not self.note:
            return max(1, -(-len(self.text) // width))
        text = "".join(self._stand_ins(["text"] * len(self.text))) + self.note
        return 1 if cell_len(text) <= width else len(chop_cells(text, width))

    def _parts(self) -> Parts:
        """Characters [start, end) that the change is about."""
        if self.against is None:
            return ()
        if self.ground == "removed":
            return changed_parts(self.text, self.against)[0]
        return changed_parts(self.against, self.text)[1]

    def _stand_ins(self, roles: list[Role]) -> list[str]:
        """What is drawn for each character; `roles` are set for those that are not drawn as they are."""
        texts = list(self.text)
        for found in suspicious_characters(self.text, keep="\t"):
            offset, character = found.offset, self.text[found.offset]
            texts[offset] = visible_text(character, keep="")
            if texts[offset].isspace():
                texts[offset] = f"<U+{found.code_point:04X}>"
            expected = found.suspicion in {"space", "lookalike"} or (character == "\r" and offset == len(texts) - 1)
            roles[offset] = "stand-in" if expected and character in self.quiet else "unusual"
        for offset, character in enumerate(self.text):
            if character == "\t":
                texts[offset], roles[offset] = _DRAWN_TAB, "stand-in"
        for offset in range(len(self.text.rstrip(" ")), len(self.text)):
            texts[offset], roles[offset] = "·", "stand-in"
        return texts


def fold(pieces: Sequence[Piece], width: int) -> list[tuple[Piece, ...]]:
    """Rows of at most so many cells, broken at the last cell; at least one."""
    text = "".join([piece.text for piece in pieces])
    if cell_len(text) <= width:
        return [tuple(pieces)]
    rows: list[tuple[Piece, ...]] = []
    start = 0
    for part in chop_cells(text, width):
        rows.append(_cut(pieces, start, start + len(part)))
        start += len(part)
    return rows


def stretches(text: str) -> list[tuple[int, int]]:
    """Where a line is laid out in parts: [start, end) of each, at least one."""
    return [(at, min(at + LONGEST_FOLDED, len(text))) for at in range(0, len(text), LONGEST_FOLDED)] or [(0, 0)]


def shifted(marks: Iterable[Mark], start: int, end: int) -> tuple[Mark, ...]:
    """The marks of a text that concern its part [start, end), counted from there."""
    return tuple(
        Mark(max(mark.start, start) - start, min(mark.end, end) - start, mark.role)
        for mark in marks
        if mark.start < end and mark.end > start
    )


def _runs(roles: list[Role], grounds: list[Ground]) -> Iterable[tuple[tuple[Role, Ground], Iterable[int]]]:
    return groupby(range(len(roles)), key=lambda offset: (roles[offset], grounds[offset]))


def _cut(pieces: Sequence[Piece], start: int, end: int) -> tuple[Piece, ...]:
    kept: list[Piece] = []
    offset = 0
    for piece in pieces:
        after = offset + len(piece.text)
        if after > start and offset < end:
            kept.append(piece._replace(text=piece.text[max(0, start - offset) : end - offset]))
        offset = after
    return tuple(kept)

"""Reading the kept rows by keyboard: a cursor, a selection, a search. What each key does, and nothing drawn.

Knows neither the widget nor an engine: the pane asks `Review.press` and carries out the step it names.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from limi_sessions.terminal.engine import Match
from limi_tui.widgets.terminal_selection import Position, Selection

Step = Literal["stay", "search", "copy", "leave"]
"""``stay``: only the view may have moved; ``search``: look for ``needle``; ``copy``: the selection, then leave."""


class Extent(NamedTuple):
    """The field the cursor moves in."""

    total: int
    cols: int
    page: int


_LINES = {"up": -1, "k": -1, "down": 1, "j": 1}
_COLUMNS = {"left": -1, "h": -1, "right": 1, "l": 1}
_PAGES = {
    "pageup": -1.0,
    "ctrl+b": -1.0,
    "shift+pageup": -1.0,
    "ctrl+u": -0.5,
    "pagedown": 1.0,
    "ctrl+f": 1.0,
    "shift+pagedown": 1.0,
    "ctrl+d": 0.5,
}


@dataclass(slots=True)
class Review:
    """Where the reader stands."""

    cursor: Position
    selection: Selection | None = None
    prompt: str | None = None
    """What is being typed after ``/``, None when nothing is."""
    needle: str = ""
    matches: list[Match] = field(default_factory=list[Match])
    current: int | None = None
    """Index of the hit that the cursor is on."""

    def press(self, key: str, character: str | None, extent: Extent) -> Step:
        """Act on a key, by its Textual name."""
        if self.prompt is not None:
            return self._prompt_press(key, character)
        if (moved := self._moved(key, extent)) is not None:
            self.move(moved, extent)
        elif key in ("v", "space"):
            self.selection = None if self.selection else Selection(self.cursor, self.cursor)
        elif key == "V":
            self.selection = Selection(self.cursor, self.cursor, lines=True)
        elif key in ("slash", "ctrl+s"):
            self.prompt = ""
        elif key in ("n", "N"):
            self.step_match(1 if key == "N" else -1, extent)
        elif key in ("y", "enter") and self.selection:
            return "copy"
        elif key == "escape" and self.selection:
            self.selection = None
        elif key in ("q", "escape", "i", "enter"):
            return "leave"
        return "stay"

    def _prompt_press(self, key: str, character: str | None) -> Step:
        prompt = self.prompt or ""
        if key == "enter":
            self.needle, self.prompt = prompt or self.needle, None
            return "search" if self.needle else "stay"
        if key == "escape":
            self.prompt = None
        elif key == "backspace":
            self.prompt = prompt[:-1] if prompt else None
        elif key == "ctrl+u":
            self.prompt = ""
        elif character and character.isprintable():
            self.prompt = prompt + character
        return "stay"

    def _moved(self, key: str, extent: Extent) -> Position | None:
        row, col = self.cursor
        if key in _LINES:
            return Position(row + _LINES[key], col)
        if key in _COLUMNS:
            return Position(row, col + _COLUMNS[key])
        if key in _PAGES:
            return Position(row + int(_PAGES[key] * extent.page), col)
        ends = {
            "home": Position(row, 0),
            "0": Position(row, 0),
            "end": Position(row, extent.cols - 1),
            "dollar_sign": Position(row, extent.cols - 1),
            "g": Position(0, 0),
            "ctrl+home": Position(0, 0),
            "G": Position(extent.total - 1, 0),
            "ctrl+end": Position(extent.total - 1, 0),
        }
        return ends.get(key)

    def move(self, to: Position, extent: Extent) -> None:
        """Put the cursor somewhere within the field; a selection follows."""
        self.cursor = Position(max(0, min(to.row, extent.total - 1)), max(0, min(to.col, extent.cols - 1)))
        if self.selection:
            self.selection = self.selection.to(self.cursor)

    def found(self, matches: list[Match], extent: Extent) -> None:
        """Take the hits of ``needle``, oldest first, and go to the nearest at or above the cursor."""
        self.matches, self.current = matches, None
        above = [index for index, match in enumerate(matches) if (match.row, match.start) <= self.cursor]
        if matches:
            self._go(above[-1] if above else len(matches) - 1, extent)

    def hits_in(self, row: int) -> list[tuple[Match, bool]]:
        """The hits in a row, and whether each is the one that the cursor is on."""
        first = bisect_left(self.matches, (row, -1, -1))
        end = bisect_left(self.matches, (row + 1, -1, -1))
        return [(self.matches[index], index == self.current) for index in range(first, end)]

    def step_match(self, step: int, extent: Extent) -> None:
        """Go to an older (-1) or newer (1) hit, around the ends."""
        if self.matches and self.current is not None:
            self._go((self.current + step) % len(self.matches), extent)

    def _go(self, index: int, extent: Extent) -> None:
        self.current = index
        self.move(Position(self.matches[index].row, self.matches[index].start), extent)

    def says(self) -> tuple[str, str]:
        """The bar's main text and hint."""
        if self.prompt is not None:
            return f"/{self.prompt}▏", "Enter finds · Esc back"
        if self.needle and not self.matches:
            return f"REVIEW  no hit for {self.needle}", "/ search · q back"
        if self.current is not None and not self.selection:
            return f"REVIEW  {self.needle}: {self.current + 1}/{len(self.matches)}", "n older · N newer · q back"
        if self.selection:
            return "REVIEW  selecting", "y copies · Esc clears"
        return "REVIEW", "v select · / search · q back"

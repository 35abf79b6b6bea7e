"""Finding text in a transcript: a needle, the blocks that hold it, and the row to go to next.

Knows nothing of widgets. Hits are counted in blocks; within a block, rows are gone through one by one.
"""

from __future__ import annotations

from limi_tui.widgets.transcript_book import TranscriptBook
from limi_tui.widgets.transcript_index import Place


class TranscriptSearch:
    """One search, case-insensitive and literal."""

    def __init__(self) -> None:
        self.typing = False
        """The needle is being typed."""
        self.typed = ""
        self.needle = ""
        """In lower case, empty when nothing is searched."""
        self._blocks: list[int] = []
        self._at: Place | None = None

    def begin(self) -> None:
        """Ask for a needle."""
        self.typing, self.typed = True, ""

    def cancel(self) -> None:
        """Search nothing."""
        self.typing, self.typed, self.needle, self._blocks, self._at = False, "", "", [], None

    def confirm(self, book: TranscriptBook) -> None:
        """Search what was typed; an empty needle cancels."""
        if not self.typed:
            self.cancel()
            return
        self.typing, self.needle, self._at = False, self.typed.lower(), None
        self._blocks = [number for number in range(len(book)) if self.needle in book.source(number).lower()]

    def status(self) -> str:
        """The search in words, for the last row; empty when there is none."""
        if self.typing:
            return f"/{self.typed}▏  Enter finds · Esc leaves"
        if not self.needle:
            return ""
        if not self._blocks:
            return f"/{self.typed}  found nowhere · / another · Esc leaves"
        at = self._blocks.index(self._at.block) + 1 if self._at and self._at.block in self._blocks else 0
        return f"/{self.typed}  {at} of {len(self._blocks)} blocks · n next · N previous · Esc leaves"

    def go(self, book: TranscriptBook, start: Place, *, backward: bool) -> Place | None:
        """The next place from the last one, or from ``start``; None when the needle is nowhere.

        A block whose hit is folded away is unfolded.
        """
        if not self._blocks:
            return None
        at = self._at if self._at is not None else Place(start.block, start.row if backward else start.row - 1)
        place = self._within(book, at, backward=backward) if at.block in self._blocks else None
        if place is None:
            number = self._following(at.block, backward=backward)
            if not self._rows_with_needle(book, number):
                book.fold(number, opened=True)
            rows = self._rows_with_needle(book, number) or [0]
            place = Place(number, rows[-1] if backward else rows[0])
        self._at = place
        return place

    def _within(self, book: TranscriptBook, at: Place, *, backward: bool) -> Place | None:
        rows = self._rows_with_needle(book, at.block)
        beyond = [row for row in rows if (row < at.row if backward else row > at.row)]
        return Place(at.block, beyond[-1] if backward else beyond[0]) if beyond else None

    def _rows_with_needle(self, book: TranscriptBook, number: int) -> list[int]:
        return [at for at, row in enumerate(book.rows(number)) if self.needle in row.text[row.prefix :].lower()]

    def _following(self, number: int, *, backward: bool) -> int:
        """The next block with a hit, around the end."""
        if backward:
            return max((b for b in self._blocks if b < number), default=self._blocks[-1])
        return min((b for b in self._blocks if b > number), default=self._blocks[0])

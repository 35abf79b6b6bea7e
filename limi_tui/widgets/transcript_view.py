"""What the session screen does with a transcript: append, replace and stream.

Streamed text is collected and shown at most `1 / FRAME_S` times a second, the first piece at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.timer import Timer

from limi_tui.widgets.transcript_blocks import AgentBlock, Block, ReasoningBlock
from limi_tui.widgets.transcript_book import TranscriptBook
from limi_tui.widgets.transcript_search import TranscriptSearch
from limi_tui.widgets.transcript_surface import FRAME_S, TranscriptSurface


class TranscriptView(TranscriptSurface):
    """Blocks of a conversation."""

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        """Make an empty transcript.

        Args:
            empty: what it says while there are no blocks.
            id: Textual's.
        """
        super().__init__(empty=empty, id=id)
        self._pieces: dict[str, list[str]] = {}
        self._frame: Timer | None = None

    @property
    def settled(self) -> bool:
        """Whether everything that was added is shown and all heights are exact."""
        return super().settled and not self._pieces

    def on_mount(self) -> None:
        """Show what streamed in before there was a screen."""
        self._end_frame()

    def append(self, block: Block) -> None:
        """Add a block at the end.

        Raises:
            KeyError: there is a block of that key.
        """
        self.extend((block,))

    def extend(self, blocks: Iterable[Block]) -> None:
        """Add blocks at the end; many cost little, since only those in view are laid out at once.

        Raises:
            KeyError: there is a block of one of those keys.
        """
        if not len(self.book):
            self.refresh()  # the words that stood here go, on every row
        for block in blocks:
            self.book.append(block)
            self.unseen += not self.follow
        self.request_settle()

    def clear(self) -> None:
        """Take every block away, to begin anew."""
        self.book = TranscriptBook()
        self.cursor = None
        self.search = TranscriptSearch()
        self._pieces.clear()
        self.jump_to_end()
        self.refresh()

    def replace(self, key: str, block: Block) -> None:
        """Put a block in the place of another; what the reader unfolded stays unfolded.

        Raises:
            KeyError: there is no block of that key.
        """
        self._take_pieces()
        self.book.replace(key, block)
        self.request_settle()

    def stream_text(self, key: str, delta: str) -> None:
        """Add text to an agent message, which begins with its first piece."""
        self._stream(AgentBlock(key, "", live=True), delta)

    def stream_reasoning(self, key: str, delta: str) -> None:
        """Add text to a reasoning block, which begins with its first piece."""
        self._stream(ReasoningBlock(key, "", live=True), delta)

    def _stream(self, blank: AgentBlock | ReasoningBlock, delta: str) -> None:
        if self.book.number(blank.key) is None:
            self.append(blank)
        self._pieces.setdefault(blank.key, []).append(delta)
        if self._frame is None and self.is_attached:
            self._end_frame()

    def _end_frame(self) -> None:
        """Show what streamed in, and wait a frame before the next time; the first piece is shown at once."""
        self._frame = self.set_timer(FRAME_S, self._end_frame) if self._pieces else None
        self._take_pieces()

    def _take_pieces(self) -> None:
        for key, pieces in self._pieces.items():
            self.book.grow(key, "".join(pieces))
        if self._pieces:
            self._pieces.clear()
            self.grown = not self.follow
            self.request_settle()

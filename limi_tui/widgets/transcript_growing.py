"""Rows of a block whose text grows: agent messages and reasoning.

A piece of text re-wraps only the lines that it changes; another width re-wraps all of them without parsing again.
"""

from __future__ import annotations

from limi_tui.widgets.transcript_blocks import AgentBlock, ReasoningBlock, duration_words
from limi_tui.widgets.transcript_head import Head, head_row
from limi_tui.widgets.transcript_layout import BLANK, Shape, notice_rows
from limi_tui.widgets.transcript_markdown import MarkdownFeed
from limi_tui.widgets.transcript_rows import Row, Span, wrap

LIVE_ROWS = 3
"""Rows of folded reasoning that are shown while it arrives."""


class GrowingRows:
    """The wrapped text of one growing block."""

    def __init__(self, block: AgentBlock | ReasoningBlock) -> None:
        markup = isinstance(block, AgentBlock)
        self._feed = MarkdownFeed(role="text" if markup else "reasoning", markup=markup)
        self._pieces: list[str] = []
        self._finished = False
        self._rows: list[Row] = []
        self._firsts: list[int] = []
        self._stale_from = 0
        self._width: int = 0
        self.grow(block.text)
        if not block.live:
            self.finish()

    @property
    def text(self) -> str:
        """All text so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def finished(self) -> bool:
        """Whether no more text is taken."""
        return self._finished

    def grow(self, text: str) -> None:
        """Add text at the end."""
        if text:
            self._pieces.append(text)
            self._stale_from = min(self._stale_from, self._feed.feed(text))

    def finish(self) -> None:
        """No more text comes."""
        if not self._finished:
            self._finished = True
            self._stale_from = min(self._stale_from, self._feed.finish())

    def rows(self, block: AgentBlock | ReasoningBlock, shape: Shape) -> list[Row]:
        """The rows of the block at a shape."""
        wrapped = self._wrapped(shape.width)
        if isinstance(block, ReasoningBlock):
            return self._reasoning_rows(block, wrapped, shape)
        if block.note:
            return wrapped + notice_rows("■", "warning", block.note, width=shape.width)
        return wrapped

    def _wrapped(self, width: int) -> list[Row]:
        if width != self._width:
            self._width, self._stale_from = width, 0
        first = min(self._stale_from, len(self._firsts))
        if first < len(self._firsts):
            del self._rows[self._firsts[first] :]
            del self._firsts[first:]
        for line in self._feed.lines[first:]:
            self._firsts.append(len(self._rows))
            self._rows.extend(wrap(line._replace(lead=BLANK + line.lead, hang=BLANK + line.hang), width))
        self._stale_from = len(self._feed.lines)
        return self._rows

    def _reasoning_rows(self, block: ReasoningBlock, wrapped: list[Row], shape: Shape) -> list[Row]:
        lines = len(self._feed.lines)
        words = "reasoning …" if block.live else f"reasoning · {lines} {'line' if lines == 1 else 'lines'}"
        if block.seconds is not None:
            words += f" · {duration_words(block.seconds * 1000)}"
        head = head_row(Head("∴", "muted", (Span(words, "muted"),)), shape.width, opened=shape.opened)
        if shape.opened:
            return [head, *wrapped]
        return [head, *wrapped[-LIVE_ROWS:]] if block.live else [head]

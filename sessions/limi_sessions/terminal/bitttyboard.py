"""The bittty machine as limi uses it: what it may answer, what it may not do, where its lost rows go."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import cast

from bittty import BITTTY, Board
from bittty.present import RowsScrolledOff, ScrollbackCleared
from wcwidth import wcswidth

from limi_sessions.terminal.bitttycells import RunReader
from limi_sessions.terminal.engine import CellStyle, Row, Run
from limi_sessions.terminal.rows import clusters

_MOST_REPLIES = 1 << 20
_CONSTANT_REPLY = re.compile(
    r"\x1b\[(\?|>)?[\d;]*c"  # device attributes
    r"|\x1b\[\??\d+;\d+(;\d+)?R|\x1b\[0n"  # cursor and status
    r"|\x1b\[\??\d+;\d\$y|\x1bP!\|[0-9A-F]*\x1b\\|\x1bP>\|[^\x00-\x1f]*\x1b\\|\x1bP[01]\$r[\d;]*\w\x1b\\"
)
"""What may be answered: nothing that repeats what the child sent."""
_REFUSED = frozenset(
    "C0_ENQ XTWINOPS OSC_CLIPBOARD OSC_FONT OSC_NOTIFY LINUX_SETTERM LINUX_PALETTE_SET DECUDK DECPKA DECKBD DECLL "
    "DECDMAC DECINVM DECSSDT DECSASD DECMC DECSPPCS DECSPRTT DECSCPP DECSLPP DECSNLS DECSCS DECSFC DECSPP DECSCP "
    "DECRQCRA DECRSTS XTMODKEYS XTFMTKEYS KITTY_PUSH KITTY_POP KITTY_SET KITTY_QUERY".split()
)
"""Operations that would resize, print, redefine keys, open a status line, or ask for a keyboard `keys` is not."""
_MODEL = replace(BITTTY, options=frozenset(), macro_space=None)


def make_board(cols: int, rows: int, chrome: Chrome, wire: Wire) -> Board:
    """A board of this size whose replies go to the wire and whose lost rows go to the chrome."""
    board = Board(command="", width=cols, height=rows, model=_MODEL)
    board.host.attach(wire)
    board.display.attach(chrome)
    board.modes.set_grapheme_capability("permanently-set")
    board.title.title = ""
    registry = cast("dict[str, object]", board.registry)  # pyright: ignore[reportUnknownMemberType] # untyped there
    for operation in _REFUSED:
        registry.pop(operation, None)
    return board


class Chrome:
    """What bittty calls a terminal: takes the rows that leave the screen."""

    keeps_scrollback = True

    def __init__(self, reader: RunReader, kept: deque[tuple[Row, bool]]) -> None:
        self._reader, self._kept = reader, kept
        self.keeps_scrollback = kept.maxlen != 0

    def present(self, event: object) -> None:
        """Take a present event of the board."""
        if isinstance(event, RowsScrolledOff):
            self._kept.extend((self._reader.row(line.cells), line.wrapped) for line in event.lines)
        elif isinstance(event, ScrollbackCleared):
            self._kept.clear()


class Wire:
    """The cable to the child: collects replies."""

    closed = False

    def __init__(self) -> None:
        self.replies = bytearray()

    def write(self, data: str) -> int:
        """Keep a reply if it is a constant."""
        if _CONSTANT_REPLY.fullmatch(data) and len(self.replies) + len(data) <= _MOST_REPLIES:
            self.replies += data.encode()
        return len(data)

    def write_bytes(self, data: bytes) -> int:
        """Keep a reply if it is a constant."""
        return self.write(data.decode("latin-1"))

    def flush(self) -> None:
        """Nothing to push."""

    def resize(self, rows: int, cols: int) -> None:
        """Nobody to tell: the pty is resized by its owner."""

    def configure_line(self, line: object) -> None:
        """No modem."""

    def close(self) -> None:
        """Nothing to unplug."""

    async def read_bytes_async(self, size: int) -> bytes:
        """Nothing: output is fed."""
        return b""


def fitted(row: Row, cols: int) -> Row:
    """A row that scrolled off at another width, in the present one."""
    text = "".join(run.text for run in row)
    width = wcswidth(text)
    if width == cols:
        return row
    if width < cols:
        return (*row, Run(" " * (cols - width), CellStyle()))
    kept: list[Run] = []
    left = cols
    for run in row:
        text = ""
        for cluster, cells in clusters(run.text):
            text += cluster if cells <= left else " " * left
            left -= min(cells, left)
            if not left:
                return (*kept, Run(text, run.style))
        kept.append(Run(text, run.style))
    return tuple(kept)

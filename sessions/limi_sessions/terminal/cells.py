"""A row of packed cells becomes runs: pure functions over bytes, no library behind them.

One row is an array of 64-bit little-endian cells. Working on the whole row as one large integer keeps a plain row
at a handful of C-speed operations. The layout is not documented by libghostty-vt, so `selftest` compares it with
``ghostty_cell_get`` before it is trusted; `pack` builds it from documented values where it is not.

    bits 0-1 content (0 character, 1 cluster, 2 palette background, 3 RGB background), 2-22 code point
    (2-9 palette index, 2-25 red green blue for 2 and 3), 26-41 style, 42-43 width (0 narrow, 1 wide, 2 its tail,
    3 blank before a wide character that wrapped), 45 hyperlink
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from limi_sessions.terminal.engine import DEFAULT_STYLE, CellStyle, Row, Run
from limi_sessions.terminal.width import fit

WIDE, TAIL, HEAD = 1, 2, 3
_CODEPOINT = 0x1FFFFF << 2
_CONTENT = 0xFFFFFF << 2
_STYLE = 0xFFFF << 26
_LINK = 1 << 45
_WIDTH = 3 << 42
_PLAIN = frozenset(map(chr, range(0x20, 0x7F)))
_SAME_CELLS = re.compile(rb"(.{8})\1*", re.DOTALL)
_NOT_NARROW = re.compile(rb"[^\0]")

StyleAt = Callable[[int], CellStyle]
"""The style of the cell in a column, asked once for each style of a row."""
ClusterAt = Callable[[int], str]
"""The whole cluster of the cell in a column."""


@dataclass(frozen=True, slots=True)
class _Masks:
    ones: int
    codepoint: int
    key: int
    special: int
    """Every bit that a cell of plain text in the default style leaves clear."""


@functools.lru_cache(maxsize=64)
def _masks(columns: int) -> _Masks:
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * columns, "little")
    return _Masks(
        ones=ones,
        codepoint=ones * _CODEPOINT,
        key=ones * (_STYLE | _LINK | 2),
        special=ones * (3 | _STYLE | _WIDTH | _LINK),
    )


def pack(*, content: int, value: int, style: int, width: int, link: bool) -> int:
    """A cell from documented values; ``value`` is the code point, palette index or 24-bit little-endian RGB."""
    return content | value << 2 | style << 26 | width << 42 | int(link) << 45


def decode_row(raw: bytes, style_at: StyleAt, cluster_at: ClusterAt) -> Row:
    """Runs of a row of packed cells; their widths add up to its columns."""
    columns = len(raw) // 8
    masks = _masks(columns)
    bits = int.from_bytes(raw, "little")
    if not bits & masks.special:
        text = _characters(bits, columns, masks)
        return (Run(text if text.isascii() else "".join(_drawn(text, b"")), DEFAULT_STYLE),)
    colored = (bits >> 1) & masks.ones
    return _runs(_texts(bits, columns, masks, cluster_at), bits & (masks.key | colored * (_CONTENT | 1)), columns, style_at)


def _characters(bits: int, columns: int, masks: _Masks) -> str:
    # Eight bytes a cell, the code point in the first four, read as UTF-32: every second character is a cell.
    halves = ((bits & masks.codepoint) >> 2).to_bytes(columns * 8, "little")
    return halves.decode("utf-32-le", "surrogatepass")[::2].replace("\0", " ")


def _texts(bits: int, columns: int, masks: _Masks, cluster_at: ClusterAt) -> list[str]:
    """What each cell draws; the tail of a wide character draws nothing."""
    colored = (bits >> 1) & masks.ones
    if colored:
        bits &= ~(colored * _CONTENT)
    texts = list(_characters(bits, columns, masks))
    clusters = bits & masks.ones & ~colored
    while clusters:
        lowest = clusters & -clusters
        column = lowest.bit_length() >> 6
        texts[column] = cluster_at(column) or " "
        clusters ^= lowest
    widths = ((bits >> 42) & (masks.ones * 3)).to_bytes(columns * 8, "little")[::8]
    return _drawn(texts, widths)


def _drawn(texts: str | list[str], widths: bytes) -> list[str]:
    """Cells' characters, each made to fill exactly its cells; ``widths`` is empty where all are narrow."""
    drawn = list(texts)
    settled: set[int] = set()
    for match in _NOT_NARROW.finditer(widths):
        column = match.start()
        width = widths[column]
        if width == WIDE and widths[column + 1 : column + 2] == bytes((TAIL,)):
            drawn[column], drawn[column + 1] = fit(drawn[column], 2), ""
            settled.add(column)
        elif width == HEAD or (width == TAIL and column - 1 not in settled):
            drawn[column] = " "
    return [
        text if text in _PLAIN or not text or column in settled else fit(text, 1) for column, text in enumerate(drawn)
    ]


def _runs(texts: list[str], keys: int, columns: int, style_at: StyleAt) -> Row:
    runs: list[Run] = []
    seen: dict[bytes, CellStyle] = {}
    for match in _SAME_CELLS.finditer(keys.to_bytes(columns * 8, "little")):
        start, end = match.start() >> 3, match.end() >> 3
        key = match[1]
        style = seen.get(key)
        if style is None:
            style = seen[key] = _style(int.from_bytes(key, "little"), start, style_at)
        text = "".join(texts[start:end])
        if runs and runs[-1].style == style:
            runs[-1] = Run(runs[-1].text + text, style)
        else:
            runs.append(Run(text, style))
    return tuple(runs)


def _style(key: int, column: int, style_at: StyleAt) -> CellStyle:
    style = style_at(column) if key & _STYLE else DEFAULT_STYLE
    if key & 2:
        content = (key & _CONTENT) >> 2
        color = (content & 0xFF, content >> 8 & 0xFF, content >> 16) if key & 1 else content & 0xFF
        style = style._replace(bg=color)
    return style._replace(link=True) if key & _LINK else style

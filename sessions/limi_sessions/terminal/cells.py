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
from limi_sessions.terminal.width import fit, separate

WIDE, TAIL, HEAD = 1, 2, 3
_CODEPOINT = 0x1FFFFF << 2
_CONTENT = 0xFFFFFF << 2
_STYLE = 0xFFFF << 26
_LINK = 1 << 45
_WIDTH = 3 << 42
_PLAIN = frozenset(map(chr, range(0x20, 0x7F)))
_SAME_CELLS = re.compile(rb"(.{8})\1*", re.DOTALL)
_SAME_KEYS = re.compile(r"(.)\1*", re.DOTALL)
_PAIR = bytes((WIDE, TAIL))
_NOT_PAIRED = re.compile(rb"\x03|\x01(?!\x02)|(?<!\x01)\x02")

StyleAt = Callable[[int], CellStyle]
"""The style of the cell in a column, asked once for each style of a row."""
ClusterAt = Callable[[int], str]
"""The whole cluster of the cell in a column."""


@dataclass(frozen=True, slots=True)
class _Masks:
    ones: int
    codepoint: int
    colored: int
    width: int
    styled: int
    key: int
    """Style and link bits, shifted so that the style is lowest."""


@functools.lru_cache(maxsize=64)
def _masks(columns: int) -> _Masks:
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * columns, "little")
    return _Masks(
        ones=ones,
        codepoint=ones * _CODEPOINT,
        colored=ones * 2,
        width=ones * _WIDTH,
        styled=ones * (2 | _STYLE | _LINK),
        key=ones * ((_STYLE | _LINK) >> 26),
    )


def pack(*, content: int, value: int, style: int, width: int, link: bool) -> int:
    """A cell from documented values; ``value`` is the code point, palette index or 24-bit little-endian RGB."""
    return content | value << 2 | style << 26 | width << 42 | int(link) << 45


def decode_row(raw: bytes, style_at: StyleAt, cluster_at: ClusterAt) -> Row:
    """Runs of a row of packed cells; their widths add up to its columns."""
    columns = len(raw) // 8
    masks = _masks(columns)
    bits = int.from_bytes(raw, "little")
    texts = _texts(bits, columns, masks, cluster_at)
    if not bits & masks.styled:
        return (Run(texts if isinstance(texts, str) else "".join(texts), DEFAULT_STYLE),)
    if bits & masks.colored:
        return _colored_runs(texts, bits, columns, masks, style_at)
    # One character a cell stands for its style and link, so that a regular expression finds the runs.
    keys = ((bits >> 26) & masks.key).to_bytes(columns * 8, "little").decode("utf-32-le", "surrogatepass")[::2]
    runs: list[Run] = []
    seen: dict[str, CellStyle] = {}
    last: CellStyle | None = None
    for match in _SAME_KEYS.finditer(keys):
        start, end = match.span()
        key = match[1]
        style = seen.get(key)
        if style is None:
            style = style_at(start) if ord(key) & 0xFFFF else DEFAULT_STYLE
            style = seen[key] = _linked(style) if ord(key) >> 19 else style
        text = texts[start:end] if isinstance(texts, str) else "".join(texts[start:end])
        if style is last:
            runs[-1] = Run(runs[-1].text + text, style)
        else:
            runs.append(Run(text, style))
            last = style
    return tuple(runs)


def _colored_runs(texts: str | list[str], bits: int, columns: int, masks: _Masks, style_at: StyleAt) -> Row:
    """Runs of a row where erased cells keep their background in place of a character."""
    erased = (bits >> 1) & masks.ones
    keys = (bits & (erased * (_CONTENT | 3) | masks.ones * (_STYLE | _LINK))).to_bytes(columns * 8, "little")
    runs: list[Run] = []
    for match in _SAME_CELLS.finditer(keys):
        start, end = match.start() >> 3, match.end() >> 3
        key = int.from_bytes(match[1], "little")
        style = style_at(start) if key & _STYLE else DEFAULT_STYLE
        if key & 2:
            style = _background(style, key & 1, (key & _CONTENT) >> 2)
        if key & _LINK:
            style = _linked(style)
        text = "".join(texts[start:end])
        if runs and runs[-1].style == style:
            runs[-1] = Run(runs[-1].text + text, style)
        else:
            runs.append(Run(text, style))
    return tuple(runs)


@functools.lru_cache(maxsize=1024)
def _linked(style: CellStyle) -> CellStyle:
    return style._replace(link=True)


@functools.lru_cache(maxsize=1024)
def _background(style: CellStyle, rgb: int, content: int) -> CellStyle:
    color = (content & 0xFF, content >> 8 & 0xFF, content >> 16) if rgb else content & 0xFF
    return style._replace(bg=color)


def _characters(bits: int, columns: int, masks: _Masks) -> str:
    # Eight bytes a cell, the code point in the first four, read as UTF-32: every second character is a cell.
    halves = ((bits & masks.codepoint) >> 2).to_bytes(columns * 8, "little")
    return halves.decode("utf-32-le", "surrogatepass")[::2].replace("\0", " ")


def _texts(bits: int, columns: int, masks: _Masks, cluster_at: ClusterAt) -> str | list[str]:
    """What each cell draws, one string or character a cell; the tail of a wide character draws nothing."""
    erased = (bits >> 1) & masks.ones
    characters = _characters(bits & ~(erased * _CONTENT) if erased else bits, columns, masks)
    clusters = bits & masks.ones & ~erased
    if not clusters and characters.isascii() and characters.isprintable() and not bits & masks.width:
        return characters
    texts = list(characters)
    while clusters:
        lowest = clusters & -clusters
        column = lowest.bit_length() >> 6
        texts[column] = cluster_at(column) or " "
        clusters ^= lowest
    return _drawn(texts, ((bits >> 42) & (masks.ones * 3)).to_bytes(columns * 8, "little")[::8])


def _drawn(texts: list[str], widths: bytes) -> list[str]:
    """Cells' characters, each made to fill exactly its cells."""
    if 3 * widths.count(_PAIR) != sum(widths):
        widths = _paired(texts, widths)
    drawn = [
        text if not width and text in _PLAIN else "" if width == TAIL else fit(text, 2 if width else 1)
        for text, width in zip(texts, widths, strict=True)
    ]
    separate(drawn, len(drawn))
    return drawn


def _paired(texts: list[str], widths: bytes) -> bytes:
    """Widths where every wide character has its tail and nothing else is special; the cells that lose it are blank."""
    paired = bytearray(widths)
    for match in _NOT_PAIRED.finditer(widths):
        paired[match.start()] = 0
        texts[match.start()] = " "
    return bytes(paired)

"""How many cells a character takes, and what to show when the tables of the engine and of the screen disagree.

Rows promise that their runs' widths add up to the number of columns, whatever the child printed. Knows no engine.
Source of widths: wcwidth 0.9 (Unicode 17), which Rich 15 follows except for `UNSETTLED`.
"""

from __future__ import annotations

import functools
import unicodedata
from bisect import bisect_right

from wcwidth import wcswidth

REPLACEMENT = "\ufffd"

UNSETTLED = (
    (0x05C8, 0x05C9),
    (0x0B53, 0x0B54),
    (0x1ADE, 0x1ADF),
    (0x1AEC, 0x1AF0),
    (0x10ECB, 0x10ECF),
    (0x10EF0, 0x10EF9),
    (0x11DF0, 0x11DF0),
    (0x18CD6, 0x18CDA),
    (0x18D1F, 0x18D20),
    (0x18E00, 0x19191),
    (0x191A0, 0x191D2),
    (0x1B123, 0x1B128),
    (0x1B168, 0x1B168),
    (0x1D127, 0x1D128),
    (0x1D250, 0x1D252),
    (0x1D25B, 0x1D25C),
    (0x1D25F, 0x1D25F),
    (0x1D280, 0x1D281),
    (0x1F1AE, 0x1F1AE),
    (0x1F1E6, 0x1F1FF),
    (0x1F3FB, 0x1F3FF),
    (0x1F6D9, 0x1F6D9),
    (0x1F7DA, 0x1F7DA),
    (0x1FA8B, 0x1FA8D),
    (0x1FACC, 0x1FACC),
    (0x1FADD, 0x1FADD),
    (0x1FAEB, 0x1FAEB),
    (0x1FAF9, 0x1FAFA),
)
"""Code points whose width alone differs between wcwidth and Rich: newest Unicode, half flags, bare skin tones."""

_STARTS = [first for first, _ in UNSETTLED]
_JOINERS = "\u200c\u200d"
_FLAG, _FIRST_TAG, _LAST_TAG = "\U0001f3f4", "\U000e0020", "\U000e007f"
"""The tags after a black flag spell a region; anywhere else they are hidden text."""
_PAIRED = range(0x1F1E6, 0x1F400)
"""Regional indicators and skin tones, which are settled as parts of a cluster."""


def unsettled(character: str) -> bool:
    """Whether terminals disagree on the width of this character alone."""
    code = ord(character)
    index = bisect_right(_STARTS, code) - 1
    return index >= 0 and code <= UNSETTLED[index][1]


def printable(text: str) -> str:
    """Text without C0 and C1 controls, surrogates, line separators, bidirectional and other format controls."""
    if text.isascii() and text.isprintable():
        return text
    flag = _FLAG in text
    return "".join(c for c in text if _shown(c) or (flag and _FIRST_TAG <= c <= _LAST_TAG))


@functools.lru_cache(maxsize=8192)
def _shown(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


@functools.lru_cache(maxsize=16384)
def fit(cluster: str, cells: int) -> str:
    """What to draw in the cells of one character so that exactly that many cells are filled.

    Args:
        cluster: a character with what combines with it, as the child printed it.
        cells: 1 or 2, as the engine placed it.

    Returns:
        The cluster without controls when its width agrees, else its first character when that does, else a
        replacement, padded with spaces.
    """
    kept = printable(cluster).rstrip(_JOINERS)
    if len(kept) > 1:
        kept = kept[0] + "".join(c for c in kept[1:] if ord(c) in _PAIRED or not unsettled(c))
        if wcswidth(kept) == cells and kept[0] not in _JOINERS:
            return kept
    base = kept[:1]
    width = wcswidth(base)
    if not base or width < 1 or width > cells or unsettled(base):
        base, width = REPLACEMENT, 1
    return base + " " * (cells - width)


def separate(texts: list[str], cells: int) -> None:
    """Replace what merges with its neighbour, so that the joined texts fill exactly these cells.

    Args:
        texts: what each cell draws, every one fitted; changed in place.
        cells: how many there are.
    """
    if wcswidth("".join(texts)) == cells:
        return
    former = ""
    for index, text in enumerate(texts):
        if not text:
            continue
        width = wcswidth(text)
        if former and wcswidth(former + text) != wcswidth(former) + width:
            text = texts[index] = REPLACEMENT + " " * (width - 1)
        former = text

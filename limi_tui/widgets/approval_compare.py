"""Two versions of a text line by line: what is equal, what changed, and how much of the equal is shown.

Bounded for any text: lines that stand once in each version hold the comparison together (patience), what lies between
them is compared by difflib, and what is too long for that is shown as replaced. Knows nothing of drawing.

Source: patience diff, https://bramcohen.livejournal.com/73318.html.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from limi_tui.widgets.approval_pairs import Pair, Side, paired

CONTEXT = 3
"""Equal lines that are shown around a change."""
_MOST_COMPARED = 2_000
"""Lines on a side that difflib compares."""


class Gap(NamedTuple):
    """Equal lines that are not shown."""

    lines: int


class _Block(NamedTuple):
    """Lines [i1, i2) of the old text and [j1, j2) of the new one."""

    equal: bool
    i1: int
    i2: int
    j1: int
    j2: int


def lines_of(text: str) -> list[str]:
    """Lines with their line feeds; only a line feed ends a line."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def compared(before: str, after: str) -> tuple[Pair | Gap, ...]:
    """All changed lines with `CONTEXT` equal ones around them, in order; empty when nothing changed."""
    old, new = lines_of(before), lines_of(after)
    blocks = list(_merged(_blocks(old, new)))
    shown: list[Pair | Gap] = []
    for number, block in enumerate(blocks):
        if not block.equal:
            olds = [Side(at + 1, old[at]) for at in range(block.i1, block.i2)]
            news = [Side(at + 1, new[at]) for at in range(block.j1, block.j2)]
            shown.extend(paired(olds, news))
            continue
        head = 0 if number == 0 else CONTEXT
        tail = 0 if number == len(blocks) - 1 else CONTEXT
        length = block.i2 - block.i1
        kept = [*range(min(head, length)), *range(max(head, length - tail), length)]
        hidden = length - len(kept)
        for each in kept:
            if hidden and each == max(head, length - tail):
                shown.append(Gap(hidden))
                hidden = 0
            at_old, at_new = block.i1 + each, block.j1 + each
            shown.append(Pair(Side(at_old + 1, old[at_old]), Side(at_new + 1, new[at_new])))
        if hidden:
            shown.append(Gap(hidden))
    return tuple(shown) if any(not block.equal for block in blocks) else ()


def _blocks(old: list[str], new: list[str]) -> Iterator[_Block]:
    """Equal and changed stretches in turn, some of them empty or of the same kind as the one before."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    yield _Block(True, 0, start, 0, start)
    stop_old, stop_new = len(old) - end, len(new) - end
    at_old = at_new = start
    for anchor_old, anchor_new in [*_anchors(old, new, start, end), (stop_old, stop_new)]:
        yield from _between(old, new, _Block(False, at_old, anchor_old, at_new, anchor_new))
        at_old, at_new = anchor_old, anchor_new
    yield _Block(True, stop_old, len(old), stop_new, len(new))


def _anchors(old: list[str], new: list[str], start: int, end: int) -> list[tuple[int, int]]:
    """Lines that stand once in each changed middle, the most of them that are in the same order in both."""
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    if len(middle_old) <= _MOST_COMPARED and len(middle_new) <= _MOST_COMPARED:
        return []
    counts_old, counts_new = Counter(middle_old), Counter(middle_new)
    places = {line: at for at, line in enumerate(middle_new) if counts_new[line] == 1}
    found = [(at, places[line]) for at, line in enumerate(middle_old) if counts_old[line] == 1 and line in places]
    lasts: list[int] = []
    chains: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(found):
        length = bisect_left(lasts, place)
        before.append(chains[length - 1] if length else -1)
        lasts[length : length + 1] = [place]
        chains[length : length + 1] = [index]
    kept: list[tuple[int, int]] = []
    index = chains[-1] if chains else -1
    while index >= 0:
        kept.append((start + found[index][0], start + found[index][1]))
        index = before[index]
    return kept[::-1]


def _between(old: list[str], new: list[str], block: _Block) -> Iterator[_Block]:
    one, other = old[block.i1 : block.i2], new[block.j1 : block.j2]
    if not one or not other or len(one) > _MOST_COMPARED or len(other) > _MOST_COMPARED:
        yield block
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, one, other).get_opcodes():
        yield _Block(tag == "equal", block.i1 + i1, block.i1 + i2, block.j1 + j1, block.j1 + j2)


def _merged(blocks: Iterator[_Block]) -> Iterator[_Block]:
    last: _Block | None = None
    for block in blocks:
        if block.i1 == block.i2 and block.j1 == block.j2:
            continue
        if last is not None and last.equal == block.equal:
            last = last._replace(i2=block.i2, j2=block.j2)
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last


def _common(first: list[str], second: list[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count

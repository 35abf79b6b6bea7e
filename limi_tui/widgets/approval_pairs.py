"""Which old line became which new one within a change, and what changed within a line.

Knows nothing of drawing.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_MOST_ALIGNED = 900
"""Old times new lines of one change whose likeness is weighed."""
_LEAST_ALIKE = 0.5
_LONGEST_ALIKE = 1_000
_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)

Parts = tuple[tuple[int, int], ...]


class Side(NamedTuple):
    """A line of one version."""

    number: int
    """From 1."""
    text: str
    """With its line feed; a last line may have none."""


class Pair(NamedTuple):
    """Lines that belong together; None: there is none on that side."""

    old: Side | None
    new: Side | None

    @property
    def is_equal(self) -> bool:
        """Whether nothing changed."""
        return self.old is not None and self.new is not None and self.old.text == self.new.text


def paired(olds: Sequence[Side], news: Sequence[Side]) -> Iterator[Pair]:
    """The lines of a change, those beside each other that are alike, the others as they come."""
    at_old = at_new = 0
    for i, j in [*_alike(olds, news), (len(olds), len(news))]:
        left, right = olds[at_old:i], news[at_new:j]
        for each in range(max(len(left), len(right))):
            yield Pair(left[each] if each < len(left) else None, right[each] if each < len(right) else None)
        if i < len(olds) and j < len(news):
            yield Pair(olds[i], news[j])
        at_old, at_new = i + 1, j + 1


def _alike(olds: Sequence[Side], news: Sequence[Side]) -> list[tuple[int, int]]:
    """Which old line became which new one: the order-keeping choice with the greatest likeness."""
    if len(olds) == len(news) == 1 or len(olds) * len(news) > _MOST_ALIGNED:
        return []
    likeness = [[alikeness(one.text, other.text) for other in news] for one in olds]
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i in range(len(olds) - 1, -1, -1):
        for j in range(len(news) - 1, -1, -1):
            together = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] >= _LEAST_ALIKE else 0.0
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    chosen: list[tuple[int, int]] = []
    i = j = 0
    while i < len(olds) and j < len(news):
        if likeness[i][j] >= _LEAST_ALIKE and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            chosen.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return chosen


@lru_cache(maxsize=512)
def changed_parts(old: str, new: str) -> tuple[Parts, Parts]:
    """Characters [start, end) of two lines in which they differ; empty where they have too little in common."""
    one, other = _words(old), _words(new)
    if alikeness(old, new) < _LEAST_ALIKE:
        return (), ()
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    ones, others = _offsets(one), _offsets(other)
    olds: list[tuple[int, int]] = []
    news: list[tuple[int, int]] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            olds += [(ones[i1], ones[i2])] if i2 > i1 else []
            news += [(others[j1], others[j2])] if j2 > j1 else []
    return tuple(olds), tuple(news)


def alikeness(old: str, new: str) -> float:
    """How much of two lines is the same words, 0 to 1; 0 for very long lines."""
    if len(old) > _LONGEST_ALIKE or len(new) > _LONGEST_ALIKE:
        return 0.0
    one, other = _word_counts(old), _word_counts(new)
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def _words(line: str) -> list[str]:
    return _WORD.findall(line.removesuffix("\n"))


@lru_cache(maxsize=4096)
def _word_counts(line: str) -> Counter[str]:
    """Words and signs by how often they stand there; never changed."""
    return Counter(word for word in _words(line) if not word.isspace())


def _offsets(words: list[str]) -> list[int]:
    offsets = [0]
    for word in words:
        offsets.append(offsets[-1] + len(word))
    return offsets

"""What git would ignore: the rules of ``.gitignore`` files, without git and in time linear in the path.

Git itself is not asked, since it would have to look at a tree that others write. Patterns match bytes, case counts.
Knows nothing of where the files lie.

Source: https://git-scm.com/docs/gitignore, and wildmatch.c of git for brackets and ``**``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache

_MOST_RULES = 10_000
"""A file; the rest of a longer one is not read."""
_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": rb"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb"\x09-\x0d\x20",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}
_Segment = re.Pattern[bytes] | None
"""One component of a path; None is ``**``."""


class _Malformed(Exception):
    """The pattern matches nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file."""

    negated: bool
    only_directories: bool
    anywhere: bool
    """Matches the last component alone, in every directory."""
    segments: tuple[_Segment, ...]

    def matches(self, parts: tuple[bytes, ...]) -> bool:
        """Whether the components of a path, relative to the ignore file, match."""
        if self.anywhere:
            only = self.segments[0]
            return only is None or only.match(parts[-1]) is not None
        return _matches(self.segments, parts)


@dataclass(frozen=True, slots=True)
class Ignoring:
    """The rules in force in one directory: those of its own ignore file and of all above."""

    files: tuple[tuple[int, tuple[Rule, ...]], ...] = ()
    """(number of components above the file's directory, its rules), outermost first."""
    above: tuple[bytes, ...] = ()
    """Components between the outermost ignore file's directory and the workspace."""

    def extended(self, directory: str, content: bytes) -> Ignoring:
        """These rules and those of a directory's own ignore file.

        Args:
            directory: relative to the workspace, empty for the workspace itself.
            content: of the file.
        """
        rules = parse(content)
        depth = len(self.above) + len(_parts(directory))
        return Ignoring((*self.files, (depth, rules)), self.above) if rules else self

    def ignores(self, path: str, *, directory: bool) -> bool:
        """Whether a path is ignored by itself; what lies in an ignored directory is ignored, too.

        Args:
            path: relative to the workspace.
            directory: whether it is one (a link to one is not).
        """
        if not self.files:
            return False
        parts = (*self.above, *_parts(path))
        for depth, rules in reversed(self.files):
            below = parts[depth:]
            for rule in reversed(rules):
                if (directory or not rule.only_directories) and rule.matches(below):
                    return not rule.negated
        return False


def _parts(path: str) -> tuple[bytes, ...]:
    return tuple(os.fsencode(path).split(b"/")) if path else ()


@lru_cache(maxsize=512)
def parse(content: bytes) -> tuple[Rule, ...]:
    """The rules of an ignore file, in order; malformed ones match nothing and are left out."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:_MOST_RULES]
    return tuple(rule for line in lines if (rule := _rule(line.removesuffix(b"\r"))) is not None)


def _rule(line: bytes) -> Rule | None:
    if line.startswith(b"#"):
        return None
    pattern = _without_trailing_spaces(line)
    negated = pattern.startswith(b"!")
    pattern = pattern[negated:]
    only_directories = pattern.endswith(b"/")
    pattern = pattern.removesuffix(b"/")
    if not pattern:
        return None
    anywhere = b"/" not in pattern
    try:
        segments = _segments(pattern.removeprefix(b"/"))
    except (_Malformed, re.error):
        return None
    return Rule(negated, only_directories, anywhere, segments)


def _without_trailing_spaces(line: bytes) -> bytes:
    kept = line.rstrip(b" ")
    backslashes = len(kept) - len(kept.rstrip(b"\\"))
    return line[: len(kept) + 1] if backslashes % 2 and len(kept) < len(line) else kept


def _segments(pattern: bytes) -> tuple[_Segment, ...]:
    """One expression a component.

    Raises:
        _Malformed: an open bracket or a trailing backslash.
    """
    segments: list[_Segment] = []
    pieces: list[bytes] = []
    stars = at = 0
    while at < len(pattern):
        if pattern[at : at + 1] == b"/":
            segments.append(_segment(pieces, stars))
            pieces, stars, at = [], 0, at + 1
            continue
        token, length = _token(pattern, at)
        stars += token == b"*"
        if not (token == b"*" and pieces[-1:] == [b"*"]):
            pieces.append(token)
        at += length
    return (*segments, _segment(pieces, stars))


def _segment(pieces: list[bytes], stars: int) -> _Segment:
    return None if stars > 1 and pieces == [b"*"] else _expression(pieces)


def _token(pattern: bytes, at: int) -> tuple[bytes, int]:
    """(``*`` or an expression of one byte, bytes of the pattern it takes)."""
    sign = pattern[at : at + 1]
    if sign == b"*":
        return b"*", 1
    if sign == b"?":
        return b"(?s:.)", 1
    if sign == b"[":
        return _bracket(pattern, at)
    if sign == b"\\":
        if at + 1 >= len(pattern):
            raise _Malformed
        return re.escape(pattern[at + 1 : at + 2]), 2
    return re.escape(sign), 1


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    start = at
    at += 1
    inverted = pattern[at : at + 1] in {b"!", b"^"}
    at += inverted
    ranges: list[bytes] = []
    low = -1
    first = True
    while True:
        sign = pattern[at : at + 1]
        if not sign:
            raise _Malformed
        if sign == b"]" and not first:
            break
        first = False
        if sign == b"-" and low >= 0 and pattern[at + 1 : at + 2] not in {b"", b"]"}:
            high, length = _member(pattern, at + 1)
            if low <= high:
                ranges.append(b"\\x%02x-\\x%02x" % (low, high))
            at, low = at + 1 + length, -1
        elif sign == b"[" and pattern[at + 1 : at + 2] == b":" and (end := pattern.find(b"]", at + 2)) >= 0:
            name = pattern[at + 2 : end]
            if not name.endswith(b":"):
                ranges.append(b"\\[")
                at, low = at + 1, -1
                continue
            if name[:-1] not in _CLASSES:
                raise _Malformed
            ranges.append(_CLASSES[name[:-1]])
            at, low = end + 1, -1
        else:
            low, length = _member(pattern, at)
            ranges.append(b"\\x%02x" % low)
            at += length
    inside = b"".join(ranges)
    if inverted:
        return b"[^/" + inside + b"]", at + 1 - start
    return b"(?!/)[" + inside + b"]", at + 1 - start


def _member(pattern: bytes, at: int) -> tuple[int, int]:
    if pattern[at : at + 1] == b"\\":
        at += 1
        if at >= len(pattern):
            raise _Malformed
        return pattern[at], 2
    return pattern[at], 1


def _expression(pieces: list[bytes]) -> re.Pattern[bytes]:
    """An expression for a whole component.

    Between two stars the leftmost match is as good as any other, so it is taken for good: no pattern goes back and
    forth.
    """
    runs: list[list[bytes]] = [[]]
    for piece in pieces:
        if piece == b"*":
            runs.append([])
        else:
            runs[-1].append(piece)
    if len(runs) == 1:
        return re.compile(b"".join(runs[0]) + rb"\Z")
    middle = b"".join(b"(?>(?s:.)*?" + b"".join(run) + b")" for run in runs[1:-1])
    return re.compile(b"".join(runs[0]) + middle + b"(?s:.)*" + b"".join(runs[-1]) + rb"\Z")


def _matches(segments: tuple[_Segment, ...], parts: tuple[bytes, ...]) -> bool:
    states = _reached({0}, segments)
    for part in parts:
        following: set[int] = set()
        for state in states:
            if state == len(segments):
                continue
            segment = segments[state]
            if segment is None:
                following.add(state)
                if state == len(segments) - 1:
                    following.add(len(segments))
            elif segment.match(part):
                following.add(state + 1)
        states = _reached(following, segments)
    return len(segments) in states


def _reached(states: set[int], segments: tuple[_Segment, ...]) -> set[int]:
    """The states and those that ``**`` lets through without a component; a last ``**`` wants at least one."""
    reached = set(states)
    for state in states:
        following = state
        while following < len(segments) - 1 and segments[following] is None:
            following += 1
            reached.add(following)
    return reached

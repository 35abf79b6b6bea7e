r"""Marks of the shell in the stream of its terminal: OSC 133 with this session's nonce, found across any chunking.

A mark is ``ESC ] 133 ; KIND [; exit] ; k=NONCE [; name=value] (BEL | ESC \)``. Marks without the nonce are forged:
counted, never believed. OSC 7 is not read at all: the working directory comes in a mark. A shell without hooks prints
the sentinel ``[limi-NONCE C]`` and ``[limi-NONCE D EXIT]`` instead. Knows nothing of commands and threads.

Source: FinalTerm semantic prompts,
https://gitlab.freedesktop.org/Per_Bothner/specifications/blob/master/proposals/semantic-prompts.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from limi_sessions.pty.quoting import unquoted_url, unquoted_word

MarkKind = Literal["A", "B", "C", "D", "P", "forged"]

_START = b"\x1b]133;"
_END = re.compile(rb"\x07|\x1b\\|[\x18\x1a\x1b]")
_BODY_MAX = 256 * 1024
"""Longer unfinished marks are text; a command of a mark may be a whole heredoc."""
_KINDS: dict[bytes, MarkKind] = {b"A": "A", b"B": "B", b"C": "C", b"D": "D", b"P": "P"}


@dataclass(frozen=True, slots=True)
class Text:
    """Bytes between marks, never empty."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark; ``raw`` are its bytes, so that all segments together are the stream."""

    raw: bytes
    kind: MarkKind
    exit_code: int | None = None
    """Of D; None when it could not be read."""
    command: str | None = None
    """Of C: the line that runs; None when the shell did not say."""
    cwd: str | None = None
    version: str | None = None


Segment = Text | Mark


class MarkScanner:
    """Splits a byte stream into texts and marks."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode("ascii")
        self._sentinel = re.compile(rb"\[limi-" + self._nonce + rb" (?:(C)|D (\d{1,3}))\]\r?\n?")
        self._sentinel_start = b"[limi-" + self._nonce + b" "
        self._held = b""
        self.plain = False
        """Also look for sentinels."""

    def feed(self, chunk: bytes) -> list[Segment]:
        """The segments that are complete now; an unfinished mark is held until its end comes."""
        data = self._held + chunk
        self._held = b""
        segments: list[Segment] = []
        position = 0
        while (start := data.find(_START, position)) >= 0:
            end = _END.search(data, start + len(_START))
            if end is None or (end.group() == b"\x1b" and end.end() == len(data)):
                if len(data) - start > _BODY_MAX:
                    break
                self._add_text(segments, data[position:start])
                self._held = data[start:]
                return segments
            self._add_text(segments, data[position:start])
            # A lone ESC, CAN or SUB breaks the sequence off; ESC may begin the next one.
            stop = end.start() if end.group() == b"\x1b" else end.end()
            finished = end.group() in (b"\x07", b"\x1b\\")
            segments.append(self._mark(data[start:stop], data[start + len(_START) : end.start()], finished=finished))
            position = stop
        rest = data[position:]
        kept = self._unfinished(rest)
        self._add_text(segments, rest[: len(rest) - kept])
        self._held = rest[len(rest) - kept :]
        return segments

    def drain(self) -> list[Segment]:
        """What was held, as text: the stream has ended."""
        rest, self._held = self._held, b""
        return [Text(rest)] if rest else []

    def _unfinished(self, rest: bytes) -> int:
        """How many bytes at the end may be the beginning of a mark."""
        starts = (_START, self._sentinel_start + b"D 255]\r") if self.plain else (_START,)
        longest = max(len(s) for s in starts)
        for length in range(min(longest, len(rest)), 0, -1):
            tail = rest[-length:]
            if _START.startswith(tail) and len(tail) < len(_START):
                return length
            if self.plain and self._may_begin_sentinel(tail):
                return length
        return 0

    def _may_begin_sentinel(self, tail: bytes) -> bool:
        start = self._sentinel_start
        if len(tail) <= len(start):
            return start.startswith(tail)
        return tail.startswith(start) and re.fullmatch(rb"C?|D ?\d{0,3}", tail[len(start) :]) is not None

    def _add_text(self, segments: list[Segment], raw: bytes) -> None:
        if self.plain:
            position = 0
            for found in self._sentinel.finditer(raw):
                if found.start() > position:
                    segments.append(Text(raw[position : found.start()]))
                if found.group(1):
                    segments.append(Mark(found.group(), "C"))
                else:
                    segments.append(Mark(found.group(), "D", exit_code=int(found.group(2))))
                position = found.end()
            raw = raw[position:]
        if raw:
            segments.append(Text(raw))

    def _mark(self, raw: bytes, body: bytes, *, finished: bool) -> Mark:
        parts = body.split(b";")
        kind = _KINDS.get(parts[0])
        if kind is None or not finished or parts.count(b"k=" + self._nonce) != 1:
            return Mark(raw, "forged")
        # A value may hold semicolons: it is the rest after its name.
        _, _, value = body.partition(b";k=" + self._nonce)
        name, _, value = value.removeprefix(b";").partition(b"=")
        return Mark(
            raw,
            kind,
            exit_code=_exit_code(parts) if kind == "D" else None,
            command=_value(name, value, b"cmd", b"url"),
            cwd=_value(name, value, b"cwd", b"urlcwd"),
            version=value.decode("ascii", "replace") if name == b"version" else None,
        )


def _value(name: bytes, value: bytes, word: bytes, url: bytes) -> str | None:
    if name == word:
        return unquoted_word(value) or None
    return unquoted_url(value) or None if name == url else None


def _exit_code(parts: list[bytes]) -> int | None:
    return int(parts[1]) if len(parts) > 1 and re.fullmatch(rb"\d{1,3}", parts[1]) else None

"""Known secret values replaced in a byte stream, also where a chunk boundary cuts them.

The spellings and placeholders are those of `limi_sessions.masking.Masker`, so a session's recording and its journal
agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping


class StreamMask:
    """One direction of one stream; bytes that may be the beginning of a secret are held back."""

    def __init__(self, forms: Mapping[str, str]) -> None:
        """Args: forms: each text to hide and what stands for it."""
        self._placeholder = {form.encode("utf-8", "surrogateescape"): mark.encode() for form, mark in forms.items()}
        longest_first = sorted(self._placeholder, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None
        self._beginnings = frozenset(form[:n] for form in longest_first for n in range(1, len(form)))
        self._longest = len(longest_first[0]) if longest_first else 0
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be written now."""
        if self._pattern is None:
            return chunk
        data = self._held + chunk
        written: list[bytes] = []
        position = 0
        while True:
            hold = self._hold_from(data, position)
            found = self._pattern.search(data, position)
            # A value that begins where an unfinished longer one may begin waits for that one.
            if found is None or found.start() >= hold:
                written.append(data[position:hold])
                self._held = data[hold:]
                return b"".join(written)
            written += [data[position : found.start()], self._placeholder[found.group()]]
            position = found.end()

    def drain(self) -> bytes:
        """What was held: the stream has ended."""
        rest, self._held = self._held, b""
        return self._pattern.sub(lambda m: self._placeholder[m.group()], rest) if self._pattern else rest

    def _hold_from(self, data: bytes, position: int) -> int:
        """Where the longest end that begins a secret starts; the end of the data when there is none."""
        for start in range(max(position, len(data) - self._longest + 1), len(data)):
            if data[start:] in self._beginnings:
                return start
        return len(data)

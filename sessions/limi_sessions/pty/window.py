"""What a command printed, in bounded memory: its head, its tail, its size, and on wish the whole in a file."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Printed:
    """The bytes of one command; when ``omitted`` is 0, ``head + tail`` is all of it."""

    head: bytes
    tail: bytes
    omitted: int
    """Bytes between head and tail that were not kept."""

    @property
    def size(self) -> int:
        """All bytes printed."""
        return len(self.head) + self.omitted + len(self.tail)


class OutputWindow:
    """Collects bytes of one command; not thread-safe."""

    def __init__(self, *, limit: int, spool: Path | None = None) -> None:
        """Args: limit: bytes of head, and of tail. spool: file for all bytes, made 0600, replaced if it exists."""
        self._limit = limit
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._omitted = 0
        self.spool_problem = ""
        """Why the file is not whole; empty when it is."""
        self._spool: int | None = None
        if spool is not None:
            try:
                self._spool = os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            except OSError as error:
                self.spool_problem = f"{spool}: {error.strerror or error}"

    def add(self, chunk: bytes) -> None:
        """The command printed."""
        self._keep_whole(chunk)
        if (room := self._limit - len(self._head)) > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if not chunk:
            return
        self._tail.append(chunk)
        self._tail_size += len(chunk)
        while self._tail_size - len(self._tail[0]) >= self._limit:
            dropped = len(self._tail.popleft())
            self._tail_size -= dropped
            self._omitted += dropped

    def close(self) -> Printed:
        """The bytes kept; the file is closed."""
        if self._spool is not None:
            os.close(self._spool)
            self._spool = None
        return self.kept()

    def kept(self) -> Printed:
        """The bytes kept so far."""
        tail = b"".join(self._tail)
        extra = max(0, len(tail) - self._limit)
        return Printed(bytes(self._head), tail[extra:], self._omitted + extra)

    def _keep_whole(self, chunk: bytes) -> None:
        if self._spool is None:
            return
        try:
            block = memoryview(chunk)
            while block:
                block = block[os.write(self._spool, block) :]
        except OSError as error:
            self.spool_problem = error.strerror or str(error)
            with contextlib.suppress(OSError):
                os.close(self._spool)
            self._spool = None

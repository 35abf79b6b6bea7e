"""The recording of one shell: asciicast v3, appended by a thread of its own.

Events: ``o`` output, ``i`` typed keys (never while echo is off; the caller decides), ``r`` resize, ``m`` a command
began, ``x`` the shell ended. Times are seconds since the event before. Known secrets are masked. Nothing is dropped:
when more than 8 MiB wait for the disk, the writer blocks its caller, and so the child. A disk that refuses ends the
recording, once and said.

Source: https://docs.asciinema.org/manual/asciicast/v3/
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from limi_sessions.pty.streammask import StreamMask

QUEUE_MAX = 8 * 1024 * 1024
"""Bytes."""


class Recording(Protocol):
    """Takes what happens on a terminal; from any thread."""

    @property
    def offset(self) -> int:
        """Bytes of the recording so far."""
        ...

    def output(self, chunk: bytes) -> None:
        """The child printed."""
        ...

    def typed(self, keys: bytes) -> None:
        """Somebody typed."""
        ...

    def resized(self, cols: int, rows: int) -> None:
        """The terminal has a new size in cells."""
        ...

    def marker(self, label: str) -> None:
        """A point to find again."""
        ...

    def ended(self, code: int) -> None:
        """The shell ended."""
        ...

    def close(self) -> None:
        """Nothing follows."""
        ...


class Unrecorded:
    """A recording that keeps nothing."""

    offset = 0

    def output(self, chunk: bytes) -> None:
        """Not kept."""

    def typed(self, keys: bytes) -> None:
        """Not kept."""

    def resized(self, cols: int, rows: int) -> None:
        """Not kept."""

    def marker(self, label: str) -> None:
        """Not kept."""

    def ended(self, code: int) -> None:
        """Not kept."""

    def close(self) -> None:
        """There is nothing to close."""


class CastWriter:
    """Takes bytes from any thread, writes whole lines."""

    def __init__(
        self, path: Path, *, cols: int, rows: int, command: str, forms: Mapping[str, str], failed: Callable[[str], None]
    ) -> None:
        """Create the file, mode 0600.

        Args:
            path: must not exist.
            cols: width of the terminal in cells.
            rows: its height.
            command: the shell, for the header.
            forms: texts to mask and their placeholders.
            failed: called once, from any thread, when the disk refuses; nothing is recorded from then on.

        Raises:
            FileExistsError: there is such a file.
        """
        self._failed = failed
        self._masks = {code: StreamMask(forms) for code in "oi"}
        self._label_mask = StreamMask(forms)
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {code: decoder("replace") for code in "oi"}
        self._turn = threading.Condition()
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._last_us = time.monotonic_ns() // 1000
        self._offset = 0
        self._broken = False
        self._closing = False
        header = {
            "version": 3,
            "term": {"cols": cols, "rows": rows, "type": "xterm-256color"},
            "timestamp": int(time.time()),
            "command": command,
        }
        with self._turn:
            self._append(json.dumps(header, ensure_ascii=False).encode() + b"\n")
        self._thread: threading.Thread | None = None
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise
        except OSError as error:
            self._broken = True
            self._offset = 0
            failed(f"the recording {path} cannot be made: {error.strerror or error}")
        else:
            self._thread = threading.Thread(target=self._write, name="limi-cast", daemon=True)
            self._thread.start()

    @property
    def offset(self) -> int:
        """Bytes of the file so far, those on their way included; after a failure it stays."""
        return self._offset

    def output(self, chunk: bytes) -> None:
        """The child printed."""
        with self._turn:
            self._stream("o", chunk)
            while self._waiting_bytes > QUEUE_MAX and not (self._broken or self._closing):
                self._turn.wait()

    def typed(self, keys: bytes) -> None:
        """Somebody typed; never waits for the disk."""
        with self._turn:
            self._stream("i", keys)

    def resized(self, cols: int, rows: int) -> None:
        """The terminal has a new size in cells."""
        with self._turn:
            self._event("r", f"{cols}x{rows}")

    def marker(self, label: str) -> None:
        """A point to find again, here the beginning of a command."""
        with self._turn:
            raw = label.encode("utf-8", "replace")
            masked = self._label_mask.feed(raw) + self._label_mask.drain()
            self._event("m", masked.decode("utf-8", "replace"))

    def ended(self, code: int) -> None:
        """The shell ended; a signal counts as 128 + its number."""
        with self._turn:
            self._drain()
            self._event("x", str(code))

    def close(self) -> None:
        """Write what waits and close the file; waits for the disk."""
        with self._turn:
            if not self._closing:
                self._drain()
            self._closing = True
            self._turn.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _stream(self, code: str, chunk: bytes) -> None:
        if text := self._decoders[code].decode(self._masks[code].feed(chunk)):
            self._event(code, text)

    def _drain(self) -> None:
        for code in "oi":
            if text := self._decoders[code].decode(self._masks[code].drain(), True):
                self._event(code, text)

    def _event(self, code: str, text: str) -> None:
        now_us = time.monotonic_ns() // 1000
        interval, self._last_us = now_us - self._last_us, now_us
        line = f'[{interval / 1e6:.6f}, "{code}", {json.dumps(text, ensure_ascii=False)}]\n'
        self._append(line.encode("utf-8", "replace"))

    def _append(self, line: bytes) -> None:
        if self._broken or self._closing:
            return
        self._lines.append(line)
        self._waiting_bytes += len(line)
        self._offset += len(line)
        self._turn.notify_all()

    def _write(self) -> None:
        written = 0
        try:
            while lines := self._next_lines():
                block = memoryview(b"".join(lines))
                while block:
                    done = os.write(self._file, block)
                    block = block[done:]
                written += sum(map(len, lines))
                with self._turn:
                    self._waiting_bytes -= sum(map(len, lines))
                    self._turn.notify_all()
        except OSError as error:
            # No half line: a reader of the recording sees whole events only.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, written)
            with self._turn:
                self._broken = True
                self._lines.clear()
                self._waiting_bytes = 0
                self._offset = written
                self._turn.notify_all()
            self._failed(f"the recording stopped: {error.strerror or error}")
        finally:
            os.close(self._file)

    def _next_lines(self) -> list[bytes]:
        with self._turn:
            while not self._lines and not self._closing:
                self._turn.wait()
            lines = list(self._lines)
            self._lines.clear()
            return lines

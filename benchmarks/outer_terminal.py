"""A pty around a full-screen program, for benchmarks: types keys and waits for bytes. Reads everything, keeps the end."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

_KEPT = 1 << 20


class OuterTerminal:
    """Runs a program on a pty of its own; answers no queries."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], *, cols: int, rows: int) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], list(argv), {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.tail = b""
        """The last megabyte that was read since the last `forget`."""
        self.total = 0
        """Bytes read so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def type(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self.descriptor, keys)

    def forget(self) -> None:
        """Drop what was read."""
        self.drain(0.0)
        self.tail = b""

    def read_some(self, seconds: float) -> bool:
        """Read once what is there within so many seconds; False when nothing came."""
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return False
        try:
            chunk = os.read(self.descriptor, 1 << 16)
        except OSError:
            return False
        self.total += len(chunk)
        self.tail = (self.tail + chunk)[-_KEPT:]
        return bool(chunk)

    def wait_for(self, wanted: bytes, *, seconds: float) -> float:
        """Read until the bytes are there; the seconds it took.

        Raises:
            TimeoutError: they did not come.
        """
        start = time.perf_counter()
        while wanted not in self.tail:
            left = seconds - (time.perf_counter() - start)
            if left <= 0:
                raise TimeoutError(f"{wanted!r} did not appear in {seconds} s; the end is {self.tail[-300:]!r}")
            self.read_some(left)
        return time.perf_counter() - start

    def drain(self, quiet: float) -> None:
        """Read until nothing has come for so many seconds."""
        while self.read_some(quiet):
            pass

    def cpu_seconds(self) -> float:
        """CPU seconds of the program so far."""
        return cpu_seconds(self.pid)

    def close(self) -> None:
        """End the program."""
        try:
            os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + 5
            while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
                self.read_some(0.05)
                if time.monotonic() > deadline:
                    os.kill(self.pid, signal.SIGKILL)
                    os.waitpid(self.pid, 0)
                    break
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.descriptor)


def cpu_seconds(pid: int) -> float:
    """User and system seconds of one process."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:  # noqa: PTH123 - a kernel file
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

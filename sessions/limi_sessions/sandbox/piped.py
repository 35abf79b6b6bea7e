"""A command without a terminal, its keeper and its pipes: fed, read, and ended whole.

Its keeper is that of the shell (``pty/supervisor.py``). Knows nothing of sandboxes.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_KEEPER = str(Path(__file__).parents[1] / "pty" / "supervisor.py")
_READ = 64 * 1024
_END_S = 8.0
"""How long the keeper may take to end everything; it gives up on a process earlier."""


class ConfinedRunFailed(RuntimeError):
    """The command could not be started; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ConfinedRun:
    """How a command went. All processes that it had started are gone."""

    exit_code: int | None
    """As a shell says it: 128 + n for a death by signal n. None when it was cut short."""
    signal: int | None
    """The signal it died of. None also where the sandbox tells only the exit code (bubblewrap)."""
    stdout: bytes
    """With a line in it that says how many bytes are left out, where there were too many."""
    stderr: bytes
    timed_out: bool
    cancelled: bool
    truncated: int
    """Bytes left out of both streams."""
    bomb: int | None
    """How many processes and threads ran at once when all were killed for being more than the policy allows."""
    duration_s: float


class Cancellation:
    """Ends a run from another thread; use as a context manager, or call `close`."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def cancel(self) -> None:
        """End the run that was given this, now or when it starts; may be called again."""
        with contextlib.suppress(OSError):
            os.write(self._writing, b"x")

    def fileno(self) -> int:
        """Readable once cancelled."""
        return self._reading

    def close(self) -> None:
        """Free the descriptors; no run may be using it."""
        for descriptor in (self._reading, self._writing):
            os.close(descriptor)

    def __enter__(self) -> Cancellation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class KeptBytes:
    """The first and the last bytes of a stream."""

    def __init__(self, most: int) -> None:
        """Args: most: bytes to keep."""
        self._head = bytearray()
        self._tail = bytearray()
        self._head_size = most - most // 2
        self._tail_size = most // 2
        self.dropped = 0
        """Bytes left out."""

    def add(self, chunk: bytes) -> None:
        """Take what came next."""
        room = self._head_size - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if (excess := len(self._tail) - self._tail_size) > 0:
            del self._tail[:excess]
            self.dropped += excess

    def whole(self) -> bytes:
        """All of it, or both ends with a line between them that says what is missing."""
        if not self.dropped:
            return bytes(self._head + self._tail)
        return bytes(self._head) + b"\n[%d bytes left out]\n" % self.dropped + bytes(self._tail)


class PipedCommand:
    """One keeper and the pipes of its command."""

    def __init__(self, most_output: int, cancellation: Cancellation | None) -> None:
        """Args: most_output: bytes kept of each stream. cancellation: ends the command when cancelled."""
        self._kept = (KeptBytes(most_output), KeptBytes(most_output))
        self._cancellation = cancellation
        self._said = b""
        self._timed_out = False
        self._cancelled = False
        self._started = time.monotonic()
        self._ended = self._started

    def start(self, argv: list[str], *, cwd: Path, environment: Mapping[str, str], processes: int | None) -> None:
        """Start the command; with more processes and threads at once than ``processes``, all are killed.

        Raises:
            ConfinedRunFailed: it cannot be started.
        """
        self._control, theirs = socket.socketpair()
        keeper = [sys.executable, "-I", "-S", _KEEPER, str(theirs.fileno()), "pipes", str(processes or 0)]
        try:
            self._keeper = subprocess.Popen(
                [*keeper, *argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            self._control.close()
            raise ConfinedRunFailed(f"cannot run {argv[0]} in {cwd}: {error.strerror or error}") from error
        finally:
            theirs.close()
        self._selector = selectors.DefaultSelector()

    def feed_and_read(self, stdin: bytes, timeout_s: float) -> None:
        """Return when the command is gone, or must go."""
        streams = (self._keeper.stdin, self._keeper.stdout, self._keeper.stderr)
        for stream in streams:
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        self._watch_streams()
        self._selector.register(self._control, selectors.EVENT_READ)
        if self._cancellation is not None:
            self._selector.register(self._cancellation, selectors.EVENT_READ)
        unsent = self._feed(memoryview(stdin))
        if unsent and self._keeper.stdin is not None:
            self._selector.register(self._keeper.stdin, selectors.EVENT_WRITE)
        while (left := self._started + timeout_s - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                if key.fileobj is self._control:
                    if self._heard():
                        return
                elif key.fileobj is self._cancellation:
                    self._cancelled = True
                    return
                elif key.fileobj is self._keeper.stdin:
                    unsent = self._feed(unsent)
                else:
                    self._read(key)
        self._timed_out = True

    def end(self) -> None:
        """Have everything killed, read what the pipes still hold, and free all."""
        self._ended = time.monotonic()
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        self._close_stdin()
        self._drain()
        try:
            self._keeper.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        for stream in (self._keeper.stdout, self._keeper.stderr):
            if stream is not None:
                stream.close()
        self._control.close()
        self._selector.close()

    def outcome(self) -> ConfinedRun:
        """What happened.

        Raises:
            ConfinedRunFailed: the command never started, or its keeper was killed.
        """
        stdout, stderr = self._kept
        word, rest = self._last("exit", "signal", "failed") or ("", "")
        bomb = self._last("bomb")
        cut_short = self._timed_out or self._cancelled
        if word == "failed":
            raise ConfinedRunFailed(f"cannot run the command: {rest}")
        if not word and not cut_short:
            said = stderr.whole().decode("utf-8", "replace").strip().splitlines()
            raise ConfinedRunFailed(f"cannot run the command: its keeper ended ({said[-1] if said else 'silently'})")
        number = int(rest) if word in {"exit", "signal"} and not cut_short else None
        by_signal = number if word == "signal" else None
        return ConfinedRun(
            exit_code=128 + by_signal if by_signal is not None else number,
            signal=by_signal,
            stdout=stdout.whole(),
            stderr=stderr.whole(),
            timed_out=self._timed_out,
            cancelled=self._cancelled,
            truncated=stdout.dropped + stderr.dropped,
            bomb=int(bomb[1]) if bomb else None,
            duration_s=self._ended - self._started,
        )

    def _watch_streams(self) -> None:
        for stream, kept in zip((self._keeper.stdout, self._keeper.stderr), self._kept, strict=True):
            if stream is not None:
                self._selector.register(stream, selectors.EVENT_READ, kept)

    def _heard(self) -> bool:
        """Take in what the keeper says; True when the command, or the keeper, is gone."""
        try:
            said = self._control.recv(4096)
        except OSError:
            said = b""
        self._said += said
        return not said or self._last("exit", "signal", "failed") is not None

    def _last(self, *words: str) -> tuple[str, str] | None:
        """The last line of the keeper's that begins with one of the words: the word and the rest."""
        for line in reversed(self._said.decode("utf-8", "replace").splitlines()):
            word, _, rest = line.partition(" ")
            if word in words:
                return word, rest
        return None

    def _feed(self, unsent: memoryview) -> memoryview:
        """Write what the command's pipe takes; nothing is left when it does not read any more."""
        stream = self._keeper.stdin
        if stream is None or stream.closed:
            return unsent[:0]
        try:
            while unsent:
                unsent = unsent[os.write(stream.fileno(), unsent[:_READ]) :]
        except BlockingIOError:
            return unsent
        except OSError:
            unsent = unsent[:0]
        self._close_stdin()
        return unsent

    def _close_stdin(self) -> None:
        stream = self._keeper.stdin
        if stream is None or stream.closed:
            return
        with contextlib.suppress(KeyError):
            self._selector.unregister(stream)
        stream.close()

    def _read(self, key: selectors.SelectorKey) -> bool:
        """Take in what a stream holds; False when it has ended."""
        stream: IO[bytes] = key.fileobj  # pyright: ignore[reportAssignmentType] - only streams carry `KeptBytes`
        try:
            chunk = os.read(stream.fileno(), _READ)
        except BlockingIOError:
            return True
        if not chunk:
            self._selector.unregister(stream)
            return False
        key.data.add(chunk)
        return True

    def _drain(self) -> None:
        """Read both streams to their ends, which come when the last process that holds them is gone."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._control)
        if self._cancellation is not None:
            self._selector.unregister(self._cancellation)
        deadline = time.monotonic() + _END_S
        while self._selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._read(key)

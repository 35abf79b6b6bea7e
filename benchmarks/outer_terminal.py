"""A pty around a full-screen program, for benchmarks: types keys, waits for what is painted, and leaves nothing behind.

`Desk` is the surroundings that programs are measured in: a home and a working directory of their own, bash with a
prompt that is easily found, no keys of providers. Linux only: processes are read from /proc.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PROMPT = b"desk%"
"""What bash's prompt begins with in a `Desk`; the characters stand in no escape sequence."""
_KEPT = 1 << 17
_SEQUENCES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)\Z")
_GRACE_S = 10.0


class ProgramEnded(RuntimeError):
    """The program is gone; the message holds the end of what it printed."""


class Desk:
    """A temporary directory with a home, a workspace and the environment of the programs measured there."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="limi-bench-"))
        self.workspace = self.root / "workspace"
        self.workspace.mkdir()
        (self.root / ".bashrc").write_text(f"PS1='{PROMPT.decode()} '\nunset PROMPT_COMMAND\n")
        kept = {name: os.environ[name] for name in ("PATH", "USER", "LOGNAME") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(self.root),
            "LIMI_HOME": str(self.root / "limi"),
            "SHELL": shutil.which("bash") or "/bin/bash",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(self.root),
        }

    def limi(self, script: Path, *options: str) -> list[str]:
        """The command line of the workstation with a scripted model."""
        program = str(Path(sys.executable).with_name("limi"))
        return [program, "--model", f"scripted:{script}", "--workspace", str(self.workspace), *options]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end_processes(self._strays())
        shutil.rmtree(self.root, ignore_errors=True)

    def _strays(self) -> list[int]:
        """Processes that still hold this home in their environment."""
        mark = f"HOME={self.root}".encode()
        return [pid for pid in _processes() if mark in _environment(pid).split(b"\0")]


class OuterTerminal:
    """Runs a program on a pty of its own; answers no queries."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], *, cols: int, rows: int, cwd: Path | None = None
    ) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(OSError):
                if cwd is not None:
                    os.chdir(cwd)
                os.execvpe(argv[0], list(argv), {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
            os._exit(127)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.text = b""
        """The end of what was read since the last `forget`, without escape sequences."""
        self._unfinished = b""
        self.total = 0
        """Bytes read so far."""
        self.ended = False

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
        """Read what is there, and drop all that was read."""
        self.drain(0.0)
        self.text = b""

    def read_some(self, seconds: float) -> bool:
        """Read once what is there within so many seconds; False when nothing came."""
        if self.ended:
            return False
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return False
        try:
            chunk = os.read(self.descriptor, 1 << 16)
        except OSError:
            chunk = b""
        self.ended = not chunk
        self.total += len(chunk)
        self._take(self._unfinished + chunk)
        return bool(chunk)

    def _take(self, chunk: bytes) -> None:
        cut = _UNFINISHED.search(chunk)
        end = cut.start() if cut is not None else len(chunk)
        self._unfinished = chunk[end:]
        self.text = (self.text + _SEQUENCES.sub(b"", chunk[:end]))[-_KEPT:]

    def wait_for(self, wanted: bytes, *, seconds: float) -> float:
        """Read until the bytes were painted since the last `forget`, escape sequences left out; the seconds it took.

        Raises:
            TimeoutError: they did not come.
            ProgramEnded: and will not.
        """
        return self.wait_until(lambda: wanted in self.text, what=repr(wanted), seconds=seconds)

    def wait_until(self, claim: Callable[[], bool], *, what: str, seconds: float) -> float:
        """Read until something is true of what was read; the seconds it took.

        Raises:
            TimeoutError: it did not become true.
            ProgramEnded: and will not.
        """
        start = time.perf_counter()
        while not claim():
            left = seconds - (time.perf_counter() - start)
            if self.ended:
                raise ProgramEnded(f"the program ended before {what}: {self.text[-300:]!r}")
            if left <= 0:
                raise TimeoutError(f"no {what} in {seconds} s; the end is {self.text[-300:]!r}")
            self.read_some(left)
        return time.perf_counter() - start

    def drain(self, quiet: float, *, most: float = 10.0) -> None:
        """Read until nothing has come for so many seconds, for ``most`` seconds at most."""
        deadline = time.perf_counter() + most
        while self.read_some(quiet) and time.perf_counter() < deadline:
            pass

    def read_for(self, seconds: float) -> int:
        """Read for so long; how many bytes came."""
        before, deadline = self.total, time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0 and not self.ended:
            self.read_some(left)
        return self.total - before

    def cpu_seconds(self) -> float:
        """CPU seconds of the program so far, without its children."""
        return cpu_seconds(self.pid)

    def wait_for_end(self, seconds: float) -> bool:
        """Read until the program has ended; False when it goes on."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
                self.pid = 0
                return True
            if not self.read_some(0.02):
                # A hung-up pty is always ready: without this wait the loop would spin.
                time.sleep(0.02)
        return False

    def close(self) -> None:
        """End the program and all that it started."""
        if self.pid:
            family = descendants(self.pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            if not self.wait_for_end(_GRACE_S):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                self.pid = 0
            end_processes(family)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def cpu_seconds(pid: int) -> float:
    """User and system seconds of one process, all its threads, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def starved_seconds(pid: int) -> float:
    """Seconds that the main thread of a process was ready to run and got no core."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="utf-8").split()[1]) / 1e9


def resident_mb(pid: int) -> float:
    """Resident memory of one process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descendants(pid: int) -> list[tuple[int, bytes]]:
    """Processes below one, each with what tells it from a later one of the same number."""
    parents = {each: _parent(each) for each in _processes()}
    found: list[int] = []
    waiting = [pid]
    while waiting:
        above = waiting.pop()
        below = [each for each, parent in parents.items() if parent == above]
        found += below
        waiting += below
    return [(each, _birth(each)) for each in found]


def end_processes(family: Sequence[int] | Sequence[tuple[int, bytes]]) -> None:
    """Give processes a moment to end by themselves, then kill those that are left."""
    known = [each if isinstance(each, tuple) else (each, _birth(each)) for each in family]
    deadline = time.monotonic() + 5.0
    while known and time.monotonic() < deadline:
        known = [(pid, birth) for pid, birth in known if birth and _birth(pid) == birth]
        if known:
            time.sleep(0.02)
    for pid, _ in known:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _birth(pid: int) -> bytes:
    """When a process began; empty when it is gone or a zombie."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] != b"Z" else b""


def _stat(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""

"""Child processes of the model side: a Python program of ours, its pipes, its log file and its end.

Knows nothing of what the programs do. Every child gets a session of its own, so that Ctrl-C in the terminal does not
reach it, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from limi_sessions.agent.lifeline import PARENT_VARIABLE
from limi_sessions.agent.stream import ModelError
from limi_sessions.paths import private_directory

_MAX_LINE = 2**28
_MAX_LOG = 4 * 2**20
_START_S = 60.0
_EXIT_S = 2.0
_LOG_TAIL = 600


class Child:
    """One started program: its standard output is a stream of lines, its standard error a log file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    async def start(cls, module: str, *arguments: str, log: Path, environ: Mapping[str, str]) -> Child:
        """Run ``python -P -m module``.

        Raises:
            ModelError: of kind ``worker``; it cannot be started.
        """
        try:
            descriptor = _open_log(log)
        except OSError as error:
            raise ModelError(f"cannot write the log {log}: {error}", kind="worker") from error
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                module,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                env={**environ, PARENT_VARIABLE: str(os.getpid())},
                limit=_MAX_LINE,
                start_new_session=True,
            )
        except OSError as error:
            raise ModelError(f"cannot start {module}: {error}", kind="worker") from error
        finally:
            os.close(descriptor)
        return cls(process, log)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end."""
        return self._process.returncode is None

    async def read_line(self) -> bytes:
        """The next line; empty when the program has ended or closed its output."""
        stdout = self._process.stdout
        assert stdout is not None
        try:
            return await stdout.readline()
        except ValueError:  # a line beyond the limit: not our protocol
            return b""

    async def write(self, line: bytes) -> None:
        """Send a line.

        Raises:
            ModelError: of kind ``worker``; the program has ended.
        """
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(line + b"\n")
            await stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise ModelError(f"the model process ended; see {self.log}", kind="worker") from error

    async def read_port(self) -> int:
        """The port that a server program prints when it listens.

        Raises:
            ModelError: of kind ``worker``; it ended without one. The message holds the last lines of its log.
        """
        try:
            line = await asyncio.wait_for(self.read_line(), _START_S)
            told = cast(object, json.loads(line)) if line else None
        except (TimeoutError, ValueError):
            told = None
        if isinstance(told, dict) and isinstance(port := cast(dict[str, object], told).get("port"), int):
            return port
        await self.kill()
        raise ModelError(f"the local model server did not start: {self.log_tail()}", kind="worker")

    def log_tail(self) -> str:
        """The end of the log, or where it lies when there is nothing in it."""
        with contextlib.suppress(OSError):
            if text := self.log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip():
                return text
        return f"see {self.log}"

    async def kill(self) -> None:
        """End it now and wait for its end."""
        # Not `Process.kill`: that polls first, and would take the exit status from asyncio's own waiter.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def close(self) -> None:
        """Let it end by closing its input; kill it if it does not."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _EXIT_S)
        except TimeoutError:
            await self.kill()


def _open_log(log: Path) -> int:
    """The log opened for appending, mode 0600; begun anew when it has grown large."""
    private_directory(log.parent)
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _MAX_LOG:
            log.unlink()
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

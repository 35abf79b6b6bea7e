from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.values import FinishedCommand, ShellConfig
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import LeaseOwner, ShellName

SHELLS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("bash", "zsh", "fish")
]


class Witness:
    """A listener that keeps what it was told and lets a test wait for it."""

    def __init__(self) -> None:
        self.commands: list[FinishedCommand] = []
        self.states: list[ShellState] = []
        self.leases: list[tuple[LeaseOwner, int, str]] = []
        self.secrets: list[int] = []
        self.forged: list[tuple[int, str]] = []
        self.lost: list[tuple[int | None, int | None]] = []
        self.lost_reasons: list[str] = []
        self.swallowed = 0
        self.cast_problems: list[str] = []
        self.outputs = 0
        self._news = asyncio.Event()

    async def until(self, fact: Callable[[], object], timeout_s: float = 15) -> None:
        async with asyncio.timeout(timeout_s):
            while not fact():
                self._news.clear()
                # Some facts are the kernel's and make no news.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.05)

    def output_read(self) -> None:
        self.outputs += 1
        self._news.set()

    def command_finished(self, command: FinishedCommand) -> None:
        self.commands.append(command)
        self._news.set()

    def state_changed(self, state: ShellState) -> None:
        self.states.append(state)
        self._news.set()

    def lease_changed(self, owner: LeaseOwner, epoch: int, reason: str) -> None:
        self.leases.append((owner, epoch, reason))
        self._news.set()

    def secret_typed(self, keys: int) -> None:
        self.secrets.append(keys)
        self._news.set()

    def mark_forged(self, count: int, sample: str) -> None:
        self.forged.append((count, sample))
        self._news.set()

    def shell_lost(self, exit_code: int | None, signal: int | None, reason: str) -> None:
        self.lost.append((exit_code, signal))
        self.lost_reasons.append(reason)
        self._news.set()

    def key_swallowed(self) -> None:
        self.swallowed += 1
        self._news.set()

    def cast_failed(self, reason: str) -> None:
        self.cast_problems.append(reason)
        self._news.set()


def config_in(place: Path, shell: ShellName, **changes: object) -> ShellConfig:
    home, work = place / "home", place / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    environment = shell_environment({**os.environ, "HOME": str(home)}, session_id="s1", limi_home=place)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "ZDOTDIR"):
        environment.pop(name, None)
    settings: dict[str, object] = {
        "shell": shell,
        "cwd": work,
        "cast_path": place / "shell-000.cast",
        "home": place / "shell",
        "environment": environment,
        **changes,
    }
    return ShellConfig(**settings)  # pyright: ignore[reportArgumentType] - a test's free choice of fields


@asynccontextmanager
async def running(place: Path, shell: ShellName, **changes: object) -> AsyncGenerator[tuple[SharedShell, Witness]]:
    witness = Witness()
    shared = await SharedShell.start(config_in(place, shell, **changes), witness)
    try:
        yield shared, witness
    finally:
        await shared.close()

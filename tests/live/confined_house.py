"""A session's places in a temporary directory, and shells that are confined as a session's are."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from pty_workbench import Witness, running

from limi_sessions.confinement import Confinement, session_confinement
from limi_sessions.masking import Masker
from limi_sessions.paths import Home, SessionPaths
from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.shell import SharedShell
from limi_sessions.records.payload import NetworkMode, Payload, SandboxName, ShellName
from limi_sessions.sandbox.finding import find_sandbox
from limi_sessions.sandbox.protocol import Sandbox, SandboxMissing
from limi_sessions.shell_plan import ShellPlan, ShellRecording

SANDBOXES: tuple[SandboxName, ...] = ("bubblewrap", "landlock")


@cache
def _found(name: SandboxName) -> Sandbox | str:
    try:
        return find_sandbox(name).sandbox
    except SandboxMissing as error:
        return str(error)


def sandbox_or_skip(name: SandboxName) -> Sandbox:
    found = _found(name)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@dataclass
class ConfinedHouse:
    """A person's home with a secret, limi's home, and a workspace beside them."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.root = self.root.resolve()
        for path in (self.home, self.workspace, self.session.root):
            path.mkdir(parents=True, mode=0o700)
        (self.home / ".netrc").write_text("machine example.com password sesame\n")
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        self.environ = {**kept, "HOME": str(self.home), **self.environ}

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def workspace(self) -> Path:
        return self.root / "work"

    @property
    def outside(self) -> Path:
        return self.root / "outside"

    @property
    def limi(self) -> Home:
        return Home(self.root / "limi")

    @property
    def session(self) -> SessionPaths:
        return self.limi.session("s1")

    def confinement(self, sandbox: Sandbox, *, network: NetworkMode = "off") -> Confinement:
        return session_confinement(
            sandbox,
            self.session,
            workspace=self.workspace,
            limi_home=self.limi.root,
            environ=self.environ,
            network=network,
        )

    def plan(self, sandbox: Sandbox, *, shell: ShellName = "bash", **more: object) -> ShellPlan:
        return ShellPlan(
            shell=shell,
            cols=100,
            rows=30,
            environ=self.environ,
            session_id="s1",
            limi_home=self.limi.root,
            workspace=self.workspace,
            confinement=self.confinement(sandbox),
            **more,  # pyright: ignore[reportArgumentType] - a test's free choice of fields
        )

    def recording(self, payloads: list[Payload], *, secrets: tuple[str, ...] = ()) -> ShellRecording:
        return ShellRecording(
            paths=self.session,
            masker=Masker(secrets),
            post=lambda payload, _: payloads.append(payload),
            actor=lambda: "ada",
        )

    @asynccontextmanager
    async def shell(
        self, sandbox: Sandbox, shell: ShellName = "bash", **changes: object
    ) -> AsyncGenerator[tuple[SharedShell, Witness]]:
        confinement = self.confinement(sandbox)
        environment = confinement.environment(shell_environment(self.environ, session_id="s1"))
        is_confined = sandbox.name != "none"
        settings: dict[str, object] = {
            "cwd": self.workspace,
            "home": self.session.shell_home,
            "environment": environment,
            "wrap": confinement.wrapped if is_confined else None,
            "most_processes": confinement.most_processes,
            **changes,
        }
        async with running(self.session.root, shell, **settings) as (shared, witness):
            yield shared, witness


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def until_dead(pids: list[int], timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        await asyncio.sleep(0.02)

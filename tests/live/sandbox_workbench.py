"""A person's machine in small: a home with secrets, a workspace and something outside, none of it below /tmp."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from outside_tmp import directory_outside_tmp

from limi_sessions.sandbox.bubblewrap import Bubblewrap
from limi_sessions.sandbox.finding import find_sandbox
from limi_sessions.sandbox.policy import SandboxPolicy
from limi_sessions.sandbox.protocol import SandboxMissing


def bubblewrap_problem() -> str:
    """Why bubblewrap cannot be tried here; empty when it can."""
    try:
        find_sandbox("bubblewrap")
    except SandboxMissing as error:
        return str(error)
    return ""


PROBLEM = bubblewrap_problem()
needs_bubblewrap = pytest.mark.skipif(bool(PROBLEM), reason=PROBLEM)


@dataclass
class House:
    """Directories of one test, and the policy that goes with them."""

    base: Path
    policy: SandboxPolicy

    @property
    def home(self) -> Path:
        return self.policy.home

    @property
    def work(self) -> Path:
        return self.policy.workspace

    @property
    def outside(self) -> Path:
        return self.base / "outside"

    def write(self, path: str, content: str = "secret") -> Path:
        """A file below the home."""
        place = self.home / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        return place

    def change(self, **changes: object) -> None:
        self.policy = replace(self.policy, **changes)  # pyright: ignore[reportArgumentType] - a test's free choice

    def environment(self) -> dict[str, str]:
        return self.changed(
            {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_CTYPE": "C.UTF-8", "TERM": "xterm"}
        )

    def changed(self, environment: dict[str, str]) -> dict[str, str]:
        """An environment as the sandbox wants it."""
        changes = Bubblewrap(_PROGRAM).environment(self.policy)
        kept = {name: value for name, value in environment.items() if name not in changes}
        return kept | {name: value for name, value in changes.items() if value is not None}

    def argv(self, *command: str | bytes) -> list[str]:
        return Bubblewrap(_PROGRAM).wrapped([os.fsdecode(word) for word in command], self.policy)

    def run(self, *command: str | bytes, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*command),
            cwd=cwd or self.work,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        return self.run("sh", "-c", script)

    def python(self, program: str) -> subprocess.CompletedProcess[str]:
        return self.run(os.path.realpath(sys.executable), "-I", "-c", program)


_PROGRAM = Path(shutil.which("bwrap") or "bwrap")


@contextmanager
def house(name: str | bytes = "work") -> Iterator[House]:
    """A house; its workspace has the name."""
    # Below /tmp nothing outside would be seen at all, which would make every test of it pass.
    with directory_outside_tmp() as made:
        base = Path(made).resolve()
        work = base / os.fsdecode(name)
        for directory in (work, base / "home", base / "outside", base / "session"):
            directory.mkdir()
        policy = SandboxPolicy(
            workspace=work,
            home=base / "home",
            private_home=base / "session" / "home",
            scratch=base / "session" / "tmp",
        )
        yield House(base, policy)

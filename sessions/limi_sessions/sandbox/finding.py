"""Which sandbox this machine can give, found by trying it.

A probe really runs: that a program is installed or a kernel has a feature says little, as distributions, containers and
security modules take it back. Nothing is remembered here; the caller keeps what it was told.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limi_sessions.records.terms import SandboxName
from limi_sessions.sandbox.bubblewrap import Bubblewrap
from limi_sessions.sandbox.landlock import Landlock
from limi_sessions.sandbox.policy import SandboxPolicy
from limi_sessions.sandbox.protocol import Sandbox, SandboxMissing, Unconfined

_PROBE_S = 5.0
"""A machine under load; a probe takes some 50 ms."""
_HINTS = (
    ("No such file", "bubblewrap could not find a file that it needs"),
    ("namespace", "this kernel, or its administrator, refuses user namespaces"),
    ("uid map", "this kernel, or its administrator, refuses user namespaces"),
    ("loopback", "this kernel, or its administrator, refuses user namespaces"),
    ("proc", "a container around us does not let /proc be mounted"),
)
_REMEDY = (
    "On Ubuntu 24.04 and later an AppArmor profile for bwrap allows it; in a container, start that one with user "
    "namespaces; or choose another sandbox."
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One sandbox that was looked for."""

    name: SandboxName
    works: bool
    why: str
    """Why it does not work, in words; empty when it does."""


@dataclass(frozen=True, slots=True)
class Found:
    """The sandbox to use, and what was tried on the way to it, best first."""

    sandbox: Sandbox
    tried: tuple[Tried, ...]

    @property
    def words(self) -> str:
        """For people: the sandbox's name; for none also why each better one does not work."""
        failed = "; ".join(tried.why for tried in self.tried if not tried.works)
        return f"{self.sandbox.name}: {failed}" if self.sandbox.name == "none" and failed else self.sandbox.name


def find_sandbox(wanted: Literal["auto"] | SandboxName, *, environ: Mapping[str, str] | None = None) -> Found:
    """The best sandbox that works here, or the one named; blocks some 100 ms.

    Args:
        wanted: ``auto`` takes bubblewrap, else Landlock, else none.
        environ: whose PATH is searched; None means this process's.

    Raises:
        SandboxMissing: the named sandbox does not work here; the message says why and what to do.
    """
    environ = os.environ if environ is None else environ
    if wanted == "none":
        return Found(Unconfined(), ())
    tried: list[Tried] = []
    names: tuple[SandboxName, ...] = ("bubblewrap", "landlock") if wanted == "auto" else (wanted,)
    for name in names:
        try:
            sandbox = _bubblewrap(environ) if name == "bubblewrap" else _landlock()
        except SandboxMissing as error:
            tried.append(Tried(name, works=False, why=str(error)))
            continue
        return Found(sandbox, (*tried, Tried(name, works=True, why="")))
    if wanted != "auto":
        raise SandboxMissing(f"the sandbox {wanted} does not work here: {tried[0].why}. {_remedy(wanted)}")
    return Found(Unconfined(), tuple(tried))


def _bubblewrap(environ: Mapping[str, str]) -> Bubblewrap:
    """Bubblewrap, after it has run a command as it would for a session.

    Raises:
        SandboxMissing: it did not; the message is a clause without a full stop.
    """
    if sys.platform != "linux":
        raise SandboxMissing("bubblewrap is for Linux only")
    program = shutil.which("bwrap", path=environ.get("PATH"))
    if program is None:
        raise SandboxMissing("bwrap is not installed")
    sandbox = Bubblewrap(Path(program))
    if problem := _problem(sandbox):
        raise SandboxMissing(f"bwrap does not work ({problem})")
    return sandbox


def _landlock() -> Sandbox:
    """Landlock, after a child has confined itself.

    Raises:
        SandboxMissing: it could not; the message is a clause without a full stop.
    """
    if sys.platform != "linux":
        raise SandboxMissing("Landlock is for Linux only")
    sandbox = Landlock()
    if sandbox.abi < 1:
        raise SandboxMissing("this kernel has no Landlock")
    if problem := _problem(sandbox):
        raise SandboxMissing(f"Landlock does not work ({problem})")
    return sandbox


def _problem(sandbox: Sandbox) -> str:
    """Why a sandbox does not run ``true``; empty when it does."""
    with tempfile.TemporaryDirectory(prefix="limi-probe-") as name:
        place = Path(name).resolve()
        policy = SandboxPolicy(
            workspace=place, home=place / "no-home", private_home=place / "home", scratch=place / "scratch"
        )
        try:
            argv = sandbox.wrapped(["true"], policy)
            done = subprocess.run(
                argv, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False
            )
        except subprocess.TimeoutExpired:
            return f"it did not end within {_PROBE_S:g} s"
        except OSError as error:
            return str(error)
    if done.returncode == 0:
        return ""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = said[-1] if said else f"it exited with {done.returncode} and said nothing"
    hint = next((hint for mark, hint in _HINTS if mark in last), "")
    return f"{last}: {hint}" if hint else last


def _remedy(name: SandboxName) -> str:
    if name == "bubblewrap":
        return f"Install bubblewrap. {_REMEDY}"
    return "It needs Linux 5.13 or later with Landlock enabled; choose another sandbox."

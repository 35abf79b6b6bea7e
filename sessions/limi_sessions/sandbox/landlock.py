"""Landlock: a process gives up its own rights to files, sockets and signals; needs neither root nor namespaces.

It moves no paths and has no namespaces, so what it cannot do is said in `Landlock.words`. The rules are made and
enforced by the launcher, see `landlocking`; what they do not reach is judged by the `gatekeeper`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from limi_sessions.paths import private_directory
from limi_sessions.records.terms import SandboxName
from limi_sessions.sandbox import landlocking
from limi_sessions.sandbox.gatecalls import can_ask
from limi_sessions.sandbox.landlocking import LandlockPlan
from limi_sessions.sandbox.launching import launched
from limi_sessions.sandbox.policy import ResourceLimits, SandboxPolicy
from limi_sessions.sandbox.protocol import SandboxMissing

_SHARED_MEMORY = Path("/dev/shm")
_TEMPORARY = Path("/tmp")
_UNIX_SOCKETS_SINCE = 9
"""The ABI from which Landlock itself judges connecting to unix sockets."""
_REMOVED = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "DISPLAY", "WAYLAND_DISPLAY")
"""Names of sockets of the desktop, which must not be reached by accident."""


class Landlock:
    """Confines by the kernel's Landlock, as far as the ABI of this kernel goes."""

    name: SandboxName = "landlock"

    def __init__(self) -> None:
        self.abi = landlocking.abi()
        """0 where the kernel has none."""

    def wrapped(self, argv: Sequence[str], policy: SandboxPolicy) -> list[str]:
        """The launcher's command line; `Sandbox.wrapped` says the rest."""
        if self.abi < 1:
            raise SandboxMissing("cannot confine by Landlock: this kernel has none. Choose another sandbox.")
        if policy.network == "allow-list":
            raise SandboxMissing(
                "cannot confine by Landlock with network `allow-list`: letting some hosts through needs bubblewrap. "
                "Install bubblewrap, or choose network `off` or `on`."
            )
        for binding in policy.sockets:
            if binding.inside != binding.outside:
                raise SandboxMissing(
                    f"cannot confine by Landlock with {binding.outside} at {binding.inside}: it moves no paths."
                )
        private_directory(policy.private_home)
        private_directory(policy.scratch)
        return launched(
            argv,
            limits=_counting_others(policy.limits),
            landlock={**self.plan(policy)},
            internet=policy.network == "on",
        )

    def plan(self, policy: SandboxPolicy) -> LandlockPlan:
        """What the launcher grants."""
        return {
            "masked": [str(path) for path in policy.masked],
            "writable": [str(path) for path in _own_places(policy)],
            "shared": [str(path) for path in _shared_places(policy)],
            "sockets": [str(binding.outside) for binding in policy.sockets],
            "tcp": policy.network != "off",
        }

    def environment(self, policy: SandboxPolicy) -> dict[str, str | None]:
        """Temporary files and caches go to the session's own places; the home is the person's own, and read-only."""
        scratch = str(policy.scratch)
        return {
            **dict.fromkeys(("TMPDIR", "TMP", "TEMP", "TMUX_TMPDIR"), scratch),
            "TMPPREFIX": f"{scratch}/zsh",
            "XDG_CACHE_HOME": str(policy.private_home / ".cache"),
            "XDG_STATE_HOME": str(policy.private_home / ".local" / "state"),
            **dict.fromkeys(_REMOVED),
        }

    def words(self, policy: SandboxPolicy) -> tuple[str, ...]:
        """What it allows and what it cannot prevent, by this kernel's ABI."""
        plan = self.plan(policy)
        return (
            f"Landlock (ABI {self.abi}) confines all commands. They write only in "
            f"{_listed((*_own_places(policy), *_shared_places(policy)))}.",
            "They read everything else except the contents of what is masked; names, sizes and dates of masked files, "
            "and other programs' command lines, can be seen. Dates of files outside can be changed.",
            _network_words(policy),
            _socket_words(plan, asked=can_ask(), abi=self.abi),
            *self._limits_of_the_kernel(),
            *_limits_of_landlock(policy, plan),
        )

    def _limits_of_the_kernel(self) -> Iterator[str]:
        if self.abi < 2:
            yield "This kernel's Landlock is old: files cannot be moved from one directory to another, only copied."
        if self.abi < 3:
            yield "This kernel's Landlock is old: files outside can be emptied, though not written."
        if self.abi < 5:
            yield "This kernel's Landlock is old: terminals and devices that are open can be controlled without limits."
        if self.abi < 6:
            yield "This kernel's Landlock is old: your other programs, limi itself too, can be sent signals and killed."


def _own_places(policy: SandboxPolicy) -> tuple[Path, ...]:
    return (policy.workspace, policy.private_home, policy.scratch, *policy.writable)


def _shared_places(policy: SandboxPolicy) -> tuple[Path, ...]:
    """Places shared with other programs that are writable: ``/tmp`` only while nothing of ours lies there."""
    ours = (*policy.masked, *policy.read_only, *(binding.outside for binding in policy.sockets))
    shared = () if any(_lies_in(path, _TEMPORARY) for path in ours) else (_TEMPORARY,)
    return (*shared, _SHARED_MEMORY)


def _lies_in(path: Path, directory: Path) -> bool:
    return directory.resolve() in (path.resolve(), *path.resolve().parents)


def _network_words(policy: SandboxPolicy) -> str:
    if policy.network == "on":
        return "The network is open to them."
    return "They have no network, not even to servers of their own on 127.0.0.1."


def _socket_words(plan: LandlockPlan, *, asked: bool, abi: int) -> str:
    if asked:
        return (
            "They reach no program outside by a unix socket (service manager, docker, tmux, ssh-agent), limi's own "
            f"store excepted, and change no file's mode outside; sockets in {_listed(plan['shared'])} count as outside."
        )
    modes = "They can change the modes of your files outside."
    if abi >= _UNIX_SOCKETS_SINCE:
        return modes
    return f"They can reach programs outside by unix sockets (service manager, docker, tmux), and so escape. {modes}"


def _limits_of_landlock(policy: SandboxPolicy, plan: LandlockPlan) -> Iterator[str]:
    if split := landlocking.split_directories(plan):
        yield (
            f"Directly in {_listed(split)}, which hold masked files, nothing can be made, renamed or removed; existing "
            "files and directories there can be changed."
        )
    yield "A file that you make or replace beside something masked, or above it, is readable only in the next session."
    if policy.read_only:
        yield f"Not protected, since Landlock cannot take away a part of what is writable: {_listed(policy.read_only)}."
    yield "No new terminals can be opened: tmux, screen, script and pexpect do not run."


def _listed(paths: Sequence[object]) -> str:
    return ", ".join(str(path) for path in paths)


def _counting_others(limits: ResourceLimits) -> ResourceLimits:
    """The limits with the user's other processes on top: without a namespace the kernel counts them too."""
    if limits.processes is None:
        return limits
    return replace(limits, processes=limits.processes + _threads_of(os.getuid()))


def _threads_of(user: int) -> int:
    count = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if process.stat().st_uid == user:
                # The twentieth field; those after the name, which may hold anything, begin with the third.
                count += int((process / "stat").read_bytes().rpartition(b")")[2].split()[17])
        except (OSError, IndexError, ValueError):
            continue
    return count

"""A ceiling on the number of processes that holds root too: a control group, where one can be made.

RLIMIT_NPROC is not applied to root, whose fork bomb fills the machine within seconds. Where no group can be made (no
root, no delegation) there is none, and the kernel's limit holds instead. Knows nothing of limi; the standard library
only, as the shell's keeper runs without site-packages.

Source: the Linux kernel's admin-guide/cgroup-v1/pids and admin-guide/cgroup-v2 (PID controller).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_NAME = "limi-"
_END_S = 5.0
_PAUSE_S = 0.01
"""The group becomes empty only once the kernel has taken the killed apart."""


class ProcessCap:
    """A control group of our own; made by `make`."""

    def __init__(self, place: Path) -> None:
        self._place = place

    @classmethod
    def make(cls, most: int) -> ProcessCap | None:
        """A group in which at most so many processes and threads run; None where that cannot be had."""
        parent = _parent()
        if parent is None:
            return None
        for old in parent.glob(f"{_NAME}*"):
            # Only an empty group can be removed: one whose keeper was killed.
            if not Path(f"/proc/{old.name.removeprefix(_NAME)}").exists():
                with contextlib.suppress(OSError):
                    old.rmdir()
        place = parent / f"{_NAME}{os.getpid()}"
        try:
            place.mkdir()
            (place / "pids.max").write_text(str(most))
        except OSError:
            with contextlib.suppress(OSError):
                place.rmdir()
            return None
        return cls(place)

    def join(self) -> None:
        """Put this process, and what it will start, under the ceiling; nothing happens where that is refused."""
        with contextlib.suppress(OSError):
            (self._place / "cgroup.procs").write_text("0")

    def count(self) -> int | None:
        """Processes and threads that run under the ceiling; None when nothing could be put there."""
        try:
            return int((self._place / "pids.current").read_text()) or None
        except (OSError, ValueError):
            return None

    def end(self) -> None:
        """Kill what is left under the ceiling, wherever it was re-parented to, and remove the group."""
        deadline = time.monotonic() + _END_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self._place.rmdir()
                return
            try:
                left = [int(pid) for pid in (self._place / "cgroup.procs").read_text().split()]
            except (OSError, ValueError):
                return
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_PAUSE_S)


def _parent() -> Path | None:
    """The group that we are in, as a directory in which groups with a process ceiling can be made."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if "pids" in controllers.split(","):
            return _directory(_MOUNT / "pids", path)
        if number == "0" and (_MOUNT / "cgroup.controllers").exists():
            parent = _directory(_MOUNT, path)
            return parent if parent is not None and _passes_pids_on(parent) else None
    return None


def _directory(mount: Path, path: str) -> Path | None:
    place = mount / path.lstrip("/")
    return place if os.access(place, os.W_OK | os.X_OK) else None


def _passes_pids_on(group: Path) -> bool:
    """Whether groups below one have the controller; asks for it, which only some groups grant."""
    try:
        if "pids" not in (group / "cgroup.subtree_control").read_text().split():
            (group / "cgroup.subtree_control").write_text("+pids")
    except OSError:
        return False
    return True

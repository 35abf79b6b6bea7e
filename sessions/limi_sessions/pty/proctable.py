"""The process table, as far as the shell's keeper and its watcher need it.

Knows nothing of limi; the standard library only, as the keeper runs without site-packages.

Source: proc(5) stat, status, loadavg.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = "/proc"
HAS_PROC = Path("/proc/self/stat").exists()
GATEKEEPER = "limi-gate"
"""Name of a sandbox's process that answers for the kernel, outside of what it confines."""
_PARENT, _GROUP, _SESSION, _THREADS, _STARTED = 1, 2, 3, 17, 19
"""Places in a process's stat, counted from the state on."""


class Process(NamedTuple):
    """One process."""

    parent: int
    group: int
    """Process group."""
    session: int
    threads: int
    ended: bool
    """A zombie: it takes a place in the process table until its parent looks."""


def stat_fields(pid: int | str) -> list[bytes]:
    """Fields of a process's stat from the state on; empty when it is gone."""
    try:
        descriptor = os.open(f"{_PROC}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return os.read(descriptor, 1024).rpartition(b")")[2].split()
    except OSError:
        return []
    finally:
        os.close(descriptor)


def processes(*, without: Collection[int] = ()) -> dict[int, Process]:
    """Every process by its id, but for those that are not asked for.

    Read one by one: what is born or orphaned meanwhile may be missing, or name a parent that is gone.
    """
    found: dict[int, Process] = {}
    if not HAS_PROC:
        return {pid: process for pid, process in _listed() if pid not in without}
    for name in os.listdir(_PROC):  # noqa: PTH208 - a hot path
        if not name.isdigit() or (pid := int(name)) in without:
            continue
        fields = stat_fields(name)
        with contextlib.suppress(IndexError, ValueError):
            parent, group, session = (int(fields[place]) for place in (_PARENT, _GROUP, _SESSION))
            found[pid] = Process(parent, group, session, int(fields[_THREADS]), fields[0] in (b"Z", b"X"))
    return found


def below(root: int, table: dict[int, Process], *, known: Collection[int] = ()) -> list[int]:
    """The processes of a table that descend from one, in no order; with all of the sessions that one of them is in.

    Args:
        root: its own session does not count.
        table: as `processes` gives it.
        known: processes below the root that are not in the table.
    """
    children: dict[int, list[int]] = {}
    members: dict[int, list[int]] = {}
    for pid, process in table.items():
        children.setdefault(process.parent, []).append(pid)
        members.setdefault(process.session, []).append(pid)
    outside = {0, table[root].session if root in table else 0}
    found: set[int] = set()
    waiting = [pid for parent in (root, *known) for pid in children.get(parent, ())]
    while waiting:
        pid = waiting.pop()
        if pid in found or pid == root:
            continue
        found.add(pid)
        waiting.extend(children.get(pid, ()))
        if (session := table[pid].session) not in outside:
            outside.add(session)
            waiting.extend(members[session])
    return list(found)


def descendants(root: int) -> list[int]:
    """Every live process below ``root``, in no order."""
    table = processes()
    return [pid for pid in below(root, table) if not table[pid].ended]


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to those that are still there and may be signalled."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def threads_of_machine() -> int | None:
    """Processes and threads of the whole machine, for the price of one small read; None where that is not known."""
    try:
        with open(f"{_PROC}/loadavg", "rb") as stream:  # noqa: PTH123 - a hot path
            return int(stream.read(128).split()[3].partition(b"/")[2])
    except (OSError, IndexError, ValueError):
        return None


def first_inside(spawned: int) -> int | None:
    """What a sandbox was asked to run; None: it runs nothing (yet) beside itself.

    It is the oldest child of the sandbox where that stays as the gatekeeper of its child, else of the first process of
    the namespace that the sandbox, or its child, has made.

    Args:
        spawned: the sandbox.
    """
    table = processes()
    if program_name(spawned) == GATEKEEPER:
        outside = [spawned]
    else:
        near = [pid for pid, process in table.items() if process.parent == spawned]
        near += [pid for pid, process in table.items() if process.parent in near]
        outside = [pid for pid in near if _innermost_pid(pid) == 1][:1]
    inside = [pid for pid, process in table.items() if process.parent in outside]
    return min(inside, key=_started, default=None)


def program_name(pid: int) -> str:
    """The program's short name, empty when unknown."""
    with contextlib.suppress(OSError):
        with open(f"{_PROC}/{pid}/comm", encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - a hot path
            return stream.read().rstrip("\n")
    if HAS_PROC:
        return ""
    import subprocess  # costs 10 ms that Linux need not pay

    asked = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return os.path.basename(asked.stdout.strip())  # noqa: PTH119 - a name, not a file of ours


def _innermost_pid(pid: int) -> int | None:
    """A process's id in its own namespace, where that is not ours."""
    with contextlib.suppress(OSError):
        for line in Path(f"{_PROC}/{pid}/status").read_bytes().splitlines():
            if line.startswith(b"NSpid:"):
                numbers = line.split()[1:]
                return int(numbers[-1]) if len(numbers) > 1 else None
    return None


def _started(pid: int) -> tuple[int, int]:
    fields = stat_fields(pid)
    return (int(fields[_STARTED]) if len(fields) > _STARTED else 0, pid)


def _listed() -> Iterable[tuple[int, Process]]:
    import subprocess  # costs 10 ms that Linux need not pay

    wanted = ["ps", "-axo", "pid=,ppid=,pgid=,stat="]
    for line in subprocess.run(wanted, capture_output=True, text=True, check=False).stdout.splitlines():
        pid, parent, group, state = line.split()[:4]
        if not state.startswith("Z"):
            yield int(pid), Process(int(parent), int(group), 0, 1, ended=False)

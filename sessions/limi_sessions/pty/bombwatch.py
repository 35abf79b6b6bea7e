"""Contains a fork bomb: notices when too much runs below a process, then freezes and kills all of it.

The kernel's own limit (RLIMIT_NPROC) does not hold root, and for others it holds without ever ending the bomb. Knows
nothing of limi; the standard library only, as the shell's keeper runs without site-packages.

Source: proc(5) loadavg; kill(2): a process group gets a signal at once, and fork(2) is not finished in a process that
has a signal to take, so that no child escapes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from limi_sessions.pty.proctable import Process, below, processes, signal_all, threads_of_machine

CALM_S = 0.5
"""Between two looks at the machine's count, each of which costs some 20 microseconds."""
_ALERT_S = 0.05
_COUNT_ANYWAY_S = 10.0
"""While the machine runs more than is allowed below us, how long a count is good by which little of it is ours."""
_COUNT_AGAIN_S = 0.3
"""The same for a count by which much is ours: what forks and ends quickly is missed in part."""
_FREEZE_S = 5.0


class BombWatch:
    """Counts what runs below one process, when the machine's own count gives a reason to."""

    def __init__(self, root: int, *, most: int, counted: Callable[[], int | None] = lambda: None) -> None:
        """Nothing is looked at yet.

        Args:
            root: is not counted.
            most: processes and threads that may run below it.
            counted: how many run, where the kernel keeps count; None: it does not.
        """
        self._root = root
        self._most = most
        self._counted = counted
        self._last = 0
        self._total = self._total_when_counted = 0
        self._counted_at = 0.0
        self.interval_s = CALM_S
        """When to look again."""

    def look(self) -> int:
        """How many processes and threads run below the root when these are too many; 0: not too many."""
        if (known := self._counted()) is not None:
            return known if known > self._most else 0
        total = threads_of_machine()
        if total is None:
            return 0
        step = max(1, self._most // 16)
        self.interval_s = _ALERT_S if total - self._total > step else CALM_S
        self._total = total
        self._total_when_counted = min(self._total_when_counted, total)
        good_s = _COUNT_AGAIN_S if self._last > self._most // 2 else _COUNT_ANYWAY_S
        stale = time.monotonic() - self._counted_at > good_s
        if total < self._most or not (stale or total - self._total_when_counted > step):
            return 0
        # Those that have ended count: where nobody looks after them they fill the process table all the same.
        table = processes()
        count = sum(max(1, table[pid].threads) for pid in below(self._root, table))
        self._total_when_counted, self._counted_at, self._last = total, time.monotonic(), count
        return count if count > self._most else 0


def kill_frozen(root: int) -> set[int]:
    """Stop what is below a process until nothing new appears there, then kill it; may block for some seconds.

    Killing one by one would leave the others the time to fork. What lives for less than one look at the process table
    may be missed: call again until the root has no children.

    Returns:
        Those that were found alive.
    """
    stopped: set[int] = set()
    deadline = time.monotonic() + _FREEZE_S
    while time.monotonic() < deadline:
        # What stands still cannot fork, so that only the others are looked at.
        table = processes(without=stopped)
        moving = [pid for pid in below(root, table, known=stopped) if not table[pid].ended]
        if not moving:
            break
        _signal_whole(moving, table, signal.SIGSTOP)
        stopped.update(moving)
    table = processes()
    _signal_whole([pid for pid in below(root, table) if not table[pid].ended], table, signal.SIGKILL)
    return stopped


def _signal_whole(pids: list[int], table: dict[int, Process], number: int) -> None:
    """Signal process groups, and so also those of their members that were born after the table was read."""
    for group in {table[pid].group for pid in pids} - {0, os.getpgrp()}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
    signal_all(pids, number)


def go_before_others() -> None:
    """Let this process run whenever it wants to, where the user may ask for that (root); children are as before."""
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
            return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)

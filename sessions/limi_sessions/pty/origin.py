"""Whether a process is part of what the person typed, asked of the marks and the kernel.

A job that the agent left behind may wait until the person has the shell, join the foreground's process group and ask
then; so the process must descend from the shell through one that the shell started after the agent's last turn. This
cannot tell a command that the agent changed beforehand (an alias, a trap, a program on PATH) from the person's own.
Elsewhere than on Linux the process group alone decides.

Source: proc(5) stat: ppid (4), pgrp (5), starttime (22).
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from limi_sessions.pty.waiting import foreground

if TYPE_CHECKING:
    from limi_sessions.pty.core import ShellCore

_DEEPEST = 200
"""Processes between the shell and one below it that are looked at."""
_ELSEWHERE = "or use another terminal"


def not_typed_because(core: ShellCore, pid: int) -> str:
    """Why a process is no part of the command that the person typed and that has the terminal; empty when it is."""
    if core.lost:
        return "the session's shell has ended; use another terminal"
    if core.lease.owner == "agent":
        return f"the agent holds the shell. Take it over with F8, {_ELSEWHERE}"
    if core.marks == "plain":
        return "this shell does not tell who typed a command. Use another terminal"
    if core.tracker.runs_for != "human":
        return f"no command that you typed runs in the foreground. Type it yourself, {_ELSEWHERE}"
    background = f"it was asked for in the background. Type it in the foreground, {_ELSEWHERE}"
    now = foreground(core.child.descriptor)
    try:
        group = os.getpgid(pid) if pid > 0 else 0
    except OSError:
        return background
    if now is None or group != now.group:
        return background
    if sys.platform == "linux" and not _started_by(core.child.shell, pid, within_s=core.lease.without_agent_s):
        return f"it was asked for by what was left running from the agent's turn. Type it yourself, {_ELSEWHERE}"
    return ""


def _started_by(shell: int, pid: int, *, within_s: float) -> bool:
    """Whether a process descends from the shell through one that it started in the last so many seconds."""
    for _ in range(_DEEPEST):
        try:
            with open(f"/proc/{pid}/stat", "rb") as stream:  # noqa: PTH123 - a process of many, read at once
                fields = stream.read(1024).rpartition(b")")[2].split()
        except OSError:
            return False
        parent = int(fields[1])
        if parent == shell:
            return _age_s(int(fields[19])) < within_s
        if parent <= 1:
            return False
        pid = parent
    return False


def _age_s(ticks: int) -> float:
    if sys.platform != "linux":
        raise NotImplementedError
    # Rounded up, for a start is told in ticks, rounded down: nobody types a command within a tick of getting the shell,
    # and a job that the agent started in its last tick must not look younger than that.
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")

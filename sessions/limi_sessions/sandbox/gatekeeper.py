"""Answers for the kernel what Landlock does not judge: connecting to unix sockets by path, and modes of files.

Part of the launcher: the standard library only. The launcher divides: one process becomes the command, the other stays
as its parent, outside of the confinement, and is asked by the kernel (seccomp's user notification) whenever something
inside connects or changes a mode. It never lets the asked call go on, whose arguments another thread could exchange; it
looks the path up itself, judges what it has found, and does the call on exactly that. It has no capabilities and
ends as the command ends.

Without it a command could have the service manager, a container daemon or tmux run programs outside, or close files of
the person by ``chmod``. Where another filter is asked already (in some containers), every connection is refused and
modes are not judged. Dates and owners of files are not judged, extended attributes are refused everywhere.

Source: seccomp_unotify(2), pidfd_getfd(2), linux/seccomp.h; numbers from asm/unistd_64.h and asm-generic/unistd.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import stat
import struct
import sys
from collections.abc import Callable

from limi_sessions.sandbox.landlocking import LandlockPlan, give_up_capabilities, reach_of

PROCESS_NAME = "limi-gate"
"""By which the shell's watcher knows that the command is this process's child."""

_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_CALLS = {
    "x86_64": {"connect": 42, "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452, "socket": 41},
    "aarch64": {"connect": 203, "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "socket": 198},
}
_ATTRIBUTES = {"x86_64": (188, 189, 190, 197, 198, 199, 463, 466), "aarch64": (5, 6, 7, 14, 15, 16, 463, 466)}
"""Setting and removing extended attributes; access lists are such attributes."""
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_PIDFD_GETFD = 438
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
_RECEIVE, _SEND, _IS_VALID = 0xC050_2100, 0xC018_2101, 0x4008_2102
_ALLOW, _ERRNO, _ASK = 0x7FFF_0000, 0x0005_0000, 0x7FC0_0000
_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_AF_UNIX, _SOCK_DGRAM, _SO_DOMAIN = 1, 2, 39
_AT_FDCWD, _AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = -100, 0x100, 0x1000
_LONGEST_ADDRESS, _LONGEST_PATH = 128, 4096
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_libc = ctypes.CDLL(None, use_errno=True)


def divide(plan: LandlockPlan) -> int | None:
    """Become two; only the command's process returns.

    Returns:
        What `close_gate` needs; None where no filter is written for this machine, and nothing has happened.

    Raises:
        OSError: there is no room for a process.
    """
    if os.uname().machine not in _ARCHITECTURES or sys.byteorder != "little":
        return None
    import _socket

    ours, theirs = (end.detach() for end in _socket_pair(_socket))
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(ours)
        # Without its keeper the command could not be asked about.
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)
        return theirs
    os.close(theirs)
    status = 1 << 8
    try:
        status = _Keeper(plan, child, ours).keep()
    finally:
        _end_like(status)

"""What every child process of limi does first: it cannot outlive its parent, and its protocol keeps a pipe to itself.

Knows nothing of models. Source: prctl(2), PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT_VARIABLE = "LIMI_PARENT_PID"
"""Set by the parent for its children: the pid that a child must find above it."""
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends; exit if it has ended already.

    Linux only; elsewhere the end of standard input is the one sign, which every child also watches.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is not None and parent != str(os.getppid()):
        os._exit(0)  # it died before the kernel was asked


def take_protocol_pipe() -> int:
    """A private descriptor of standard output; whatever prints later goes to standard error, the log file.

    Returns:
        A blocking descriptor that no library knows of.
    """
    protocol = os.dup(1)
    os.set_inheritable(protocol, False)
    os.dup2(2, 1)
    return protocol


def write_line(descriptor: int, line: bytes) -> None:
    """Write one whole line; returns when the pipe has taken all of it.

    Raises:
        OSError: the parent is gone.
    """
    rest = memoryview(line + b"\n")
    while rest:
        rest = rest[os.write(descriptor, rest) :]

"""What a child process of a tool does to itself before it looks at foreign input: small, short-lived, dying with us.

Runs in the child only. Knows nothing of what the child is for.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_MEMORY = 2 << 30
"""Bytes of address space."""


def confine_self(*, cpu_s: int, parent: int) -> None:
    """Limit processor time and memory, forbid core files, and die with the parent.

    Args:
        cpu_s: seconds of processor time after which the kernel kills this process.
        parent: process id of the parent, to notice that it died before this call.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    if sys.platform.startswith("linux"):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)

"""Who is at the other end of a unix socket, as the kernel says it."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from socket import SOL_SOCKET
from typing import Protocol


class _Connection(Protocol):
    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...


@dataclass(frozen=True)
class Caller:
    """A process of this machine."""

    pid: int
    """As this process sees it, also when the other one lives in a sandbox."""
    uid: int


def caller_of(connection: _Connection) -> Caller:
    """Who connected, or made the socket that was connected to.

    Raises:
        OSError: nobody did.

    Source: unix(7) SO_PEERCRED; macOS's sys/un.h: level SOL_LOCAL (0), LOCAL_PEERCRED (1), LOCAL_PEERPID (2).
    """
    if sys.platform == "linux":
        from socket import SO_PEERCRED

        pid, uid, _ = struct.unpack("3i", connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12))
        return Caller(pid, uid)
    uid = struct.unpack_from("II", connection.getsockopt(0, 1, 76))[1]
    return Caller(struct.unpack("i", connection.getsockopt(0, 2, 4))[0], uid)

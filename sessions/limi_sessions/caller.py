"""Who is at the other end of a unix socket, as the kernel says it.

Who connected and who sent a line need not be one process: a sandbox may connect for those inside it, and a connected
socket can be handed on.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass
from typing import Protocol

_CREDENTIALS = struct.Struct("3i")
_CHUNK = 64 * 1024


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
        pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return Caller(pid, uid)
    uid = struct.unpack_from("II", connection.getsockopt(0, 1, 76))[1]
    return Caller(struct.unpack("i", connection.getsockopt(0, 2, 4))[0], uid)


def tell_senders(connection: socket.socket) -> None:
    """Have the kernel tell with everything that is sent or received who sent it; where it cannot, nothing changes.

    Source: unix(7) SO_PASSCRED.
    """
    if sys.platform == "linux":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)


class SentLines:
    """The lines that come from a connection, each with the process that sent it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._caller = caller_of(connection).pid
        self._buffer = bytearray()
        self._senders: set[int] = set()

    def next(self, longest: int) -> tuple[bytes, int]:
        """A line with its end, and the pid of who sent it; -1 when several did.

        The line is empty at the connection's end, and without its end when it is longer than allowed.

        Args:
            longest: in bytes.

        Raises:
            OSError: the connection broke.
        """
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0 and len(self._buffer) <= longest:
            start = len(self._buffer)
            received, sender = self._received()
            if not received:
                break
            self._buffer += received
            self._senders.add(sender)
        end = end + 1 if end >= 0 else min(len(self._buffer), longest + 1)
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        sender = next(iter(self._senders)) if len(self._senders) == 1 else -1
        if not self._buffer:
            self._senders.clear()
        return line, sender

    def _received(self) -> tuple[bytes, int]:
        if sys.platform != "linux":
            return self._connection.recv(_CHUNK), self._caller
        received, notes, _, _ = self._connection.recvmsg(_CHUNK, socket.CMSG_SPACE(_CREDENTIALS.size))
        for level, kind, content in notes:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                # 0: sent before the kernel was to tell.
                return received, _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0] or self._caller
        return received, self._caller

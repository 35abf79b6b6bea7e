"""The kernel's side of the `gatekeeper`: having it ask, taking its questions, looking into the process that waits.

Part of the launcher: the standard library only. Knows nothing of what is allowed.

Source: seccomp_unotify(2), pidfd_getfd(2), linux/seccomp.h, linux/filter.h; numbers from asm/unistd_64.h and
asm-generic/unistd.h. Linux 5.6 or later.
"""

from __future__ import annotations

import _socket
import contextlib
import ctypes
import errno
import os
import struct
import sys
from typing import NamedTuple

_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_NUMBERS = {
    "x86_64": {"connect": 42, "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452},
    "aarch64": {"connect": 203, "fchmod": 52, "fchmodat": 53, "fchmodat2": 452},
}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_ATTRIBUTES = {"x86_64": (188, 189, 190, 197, 198, 199, 463, 466), "aarch64": (5, 6, 7, 14, 15, 16, 463, 466)}
"""Setting and removing extended attributes."""
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_PIDFD_GETFD = 438
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
_RECEIVE, _SEND, _IS_VALID = 0xC050_2100, 0xC018_2101, 0x4008_2102
_QUESTION = "=QIIiIQ6Q"
_ALLOW, _ERRNO, _ASK = 0x7FFF_0000, 0x0005_0000, 0x7FC0_0000
_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24
_AF_UNIX, _SOCK_DGRAM, _SOCK_TYPE, _SO_DOMAIN = 1, 2, 0xF, 39
_LONGEST_PATH = 4096
AT_FDCWD = -100

libc = ctypes.CDLL(None, use_errno=True)


class Asked(NamedTuple):
    """One call that waits for its answer."""

    listener: int
    cookie: int
    thread: int
    name: str
    """``connect``, ``chmod``, ``fchmod``, ``fchmodat`` or ``fchmodat2``."""
    arguments: tuple[int, ...]

    def still_waits(self) -> None:
        """Make sure that the thread is still that one, and what was found by its number therefore its own.

        Raises:
            OSError: it has gone.
        """
        import fcntl

        fcntl.ioctl(self.listener, _IS_VALID, struct.pack("=Q", self.cookie))

    def reply(self, problem: int) -> None:
        """Let the thread go on with an error number, or 0 for success."""
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.ioctl(self.listener, _SEND, struct.pack("=QqiI", self.cookie, 0, -problem, 0))


def can_ask() -> bool:
    """Whether there is a filter for this machine."""
    return sys.platform == "linux" and os.uname().machine in _ARCHITECTURES and sys.byteorder == "little"


def listening() -> int | None:
    """Have this process, and all that it starts, asked for.

    Returns:
        The descriptor of the questions; None where the kernel lets nobody ask: every connection is refused then.

    Raises:
        OSError: the kernel takes no filter at all.
    """
    asking = _filter(_ASK)
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):
        with contextlib.suppress(OSError):
            return _installed(asking, flags)
    _installed(_filter(_ERRNO | errno.EACCES), 0)
    return None


def question(listener: int) -> Asked | None:
    """The next question; None when its thread has gone meanwhile."""
    import fcntl

    asked = bytearray(struct.calcsize(_QUESTION))
    try:
        fcntl.ioctl(listener, _RECEIVE, asked)
    except OSError:
        return None
    cookie, thread, _, number, _, _, *arguments = struct.unpack(_QUESTION, asked)
    names = {number: name for name, number in _NUMBERS[os.uname().machine].items()}
    return Asked(listener, cookie, thread, names[number], tuple(arguments))


def memory(thread: int, address: int, size: int) -> bytes:
    """What a thread has at an address; less where it has less.

    Raises:
        OSError: nothing is there, or it may not be looked into.
    """
    if not 0 < address < 1 << 62:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
    place = os.open(f"/proc/{thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(place, size, address)
    except OSError as error:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from error
    finally:
        os.close(place)


def text(thread: int, address: int) -> bytes:
    """The path that a thread has at an address.

    Raises:
        OSError: there is none, or it is too long.
    """
    path, end, _ = memory(thread, address, _LONGEST_PATH).partition(b"\0")
    if not end:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return path


def descriptor(thread: int, number: int) -> int:
    """A copy of a thread's descriptor.

    Raises:
        OSError: it has none of that number, or it may not be looked into.
    """
    process = os.pidfd_open(_process_of(thread))
    try:
        copy = libc.syscall(
            ctypes.c_long(_PIDFD_GETFD), ctypes.c_int(process), ctypes.c_uint(number & 0xFFFF_FFFF), ctypes.c_uint(0)
        )
        if copy < 0:
            raise OSError(problem := ctypes.get_errno(), os.strerror(problem))
        return copy
    finally:
        os.close(process)


def found(thread: int, directory: int, path: bytes, *, follow: bool) -> int:
    """A descriptor (O_PATH) of what a thread means by a path.

    Raises:
        OSError: it is not there.
    """
    own = b"/proc/%d/" % thread
    for prefix, meant in ((b"/proc/self/", own), (b"/proc/thread-self/", own), (b"/dev/fd/", own + b"fd/")):
        if path.startswith(prefix):
            path = meant + path[len(prefix) :]
    if not path.startswith(b"/"):
        start = b"cwd/" if directory == AT_FDCWD else b"fd/%d/" % directory
        path = own + start + path
    return os.open(path, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))


def is_unix(socket: int) -> bool:
    """Whether a descriptor is a unix socket.

    Raises:
        OSError: it is no socket.
    """
    size = ctypes.c_uint(4)
    domain = ctypes.c_int()
    if libc.getsockopt(socket, _socket.SOL_SOCKET, _SO_DOMAIN, ctypes.byref(domain), ctypes.byref(size)) != 0:
        raise OSError(problem := ctypes.get_errno(), os.strerror(problem))
    return domain.value == _AF_UNIX


def _process_of(thread: int) -> int:
    with open(f"/proc/{thread}/status", "rb") as status:  # noqa: PTH123 - pathlib loads slowly
        for line in status:
            if line.startswith(b"Tgid:"):
                return int(line.split()[1])
    raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))


def _filter(verdict: int) -> bytes:
    """The filter program; the verdict is that on connections, and with `_ASK` modes are asked about as well."""
    machine = os.uname().machine
    refused = _instruction(_RETURN, _ERRNO | errno.EOPNOTSUPP)
    judged = _NUMBERS[machine] if verdict == _ASK else {"connect": _NUMBERS[machine]["connect"]}
    program = [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        # Calls of another architecture are refused by the launcher's first filter.
        _instruction(_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _instruction(_RETURN, _ALLOW),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    for number in judged.values():
        program += [_instruction(_EQUAL, number, 0, 1), _instruction(_RETURN, verdict)]
    for number in _ATTRIBUTES[machine]:
        program += [_instruction(_EQUAL, number, 0, 1), refused]
    # A datagram's address is given when it is sent, past `connect`.
    program += [
        _instruction(_EQUAL, _SOCKET[machine], 0, 6),
        _instruction(_LOAD, _FIRST_AT),
        _instruction(_EQUAL, _AF_UNIX, 0, 4),
        _instruction(_LOAD, _SECOND_AT),
        _instruction(_AND, _SOCK_TYPE),
        _instruction(_EQUAL, _SOCK_DGRAM, 0, 1),
        _instruction(_RETURN, _ERRNO | errno.EACCES),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _installed(program: bytes, flags: int) -> int:
    instructions = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(instructions)))
    result = libc.syscall(
        ctypes.c_long(_SECCOMP[os.uname().machine]),
        ctypes.c_uint(_SET_MODE_FILTER),
        ctypes.c_uint(flags),
        ctypes.byref(header),
    )
    if result < 0:
        raise OSError(problem := ctypes.get_errno(), os.strerror(problem))
    return result

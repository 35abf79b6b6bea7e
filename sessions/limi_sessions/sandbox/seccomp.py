"""The system calls that a confined program is refused, as the kernel's own filter program, written by hand.

What is refused is what a shell session never needs and what would undo the sandbox:

- ``ioctl`` TIOCSTI and TIOCLINUX: a program could type on the terminal, past the lease;
- new namespaces (``clone``, ``unshare``, ``setns``): nested user namespaces are the kernel's widest attack surface.
  Programs that bring their own sandbox (Chromium without ``--no-sandbox``, rootless podman, flatpak, nix builds) do not
  run inside. ``clone3`` keeps its flags where a filter cannot look, so it "does not exist", and every C library then
  uses ``clone``;
- mounting, modules, kexec, bpf, perf events, userfaultfd, the kernel's keyrings, file handles, the kernel's log;
- limits of another process (``prlimit``): without a process namespace they could end the workstation;
- ``io_uring``: it would make sockets past this filter;
- sockets but unix, IPv4, IPv6 and netlink: vsock reaches a virtual machine's host whatever the network namespace;
- every call of another architecture or of the x32 ABI, as their numbers differ: 32-bit programs do not run.

``ptrace`` stays: debuggers work on what runs inside. Numbers are those of x86_64 and aarch64; elsewhere there is no
filter. Imports the standard library only and nothing that is slow to load.

Source: seccomp(2); linux/filter.h, linux/seccomp.h, linux/audit.h; asm/unistd_64.h and asm-generic/unistd.h of Linux
6.1; ioctl_tty(2) for TIOCSTI.
"""

from __future__ import annotations

import errno
import os
import struct
import sys

_LOAD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_AT_LEAST = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF_0000
_ERRNO = 0x0005_0000

_NUMBER_AT = 0
_ARCHITECTURE_AT = 4
_X32_BIT = 0x4000_0000
_NAMESPACES = 0x7E02_0000
"""CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET."""
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16

_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_REFUSED = {
    "x86_64": (
        (165, 166, 155, 428, 429, 430, 431, 432, 433, 442, 467),  # mount ... mount_setattr, open_tree_attr
        (308, 167, 168, 161),  # setns, swapon, swapoff, chroot
        (246, 320, 175, 313, 176, 169),  # kexec_load, kexec_file_load, init_module, finit_, delete_module, reboot
        (321, 298, 323, 250, 248, 249),  # bpf, perf_event_open, userfaultfd, keyctl, add_key, request_key
        (
            163,
            179,
            443,
            103,
            304,
            300,
            172,
            173,
        ),  # acct, quotactl, _fd, syslog, open_by_handle_at, fanotify_init, iopl, ioperm
        (164, 227, 170, 171, 153, 134),  # settimeofday, clock_settime, sethostname, setdomainname, vhangup, uselib
    ),
    "aarch64": (
        (40, 39, 41, 428, 429, 430, 431, 432, 433, 442, 467),
        (268, 224, 225, 51),
        (104, 294, 105, 273, 106, 142),
        (280, 241, 282, 219, 217, 218),
        (89, 60, 443, 116, 265, 262),
        (170, 112, 161, 162, 58),
    ),
}
_ABSENT = (435, 425, 426, 427)
"""clone3 and io_uring: answered with "no such call", upon which programs use what was there before."""
_BY_ARGUMENT = {
    "x86_64": {"ioctl": 16, "socket": 41, "clone": 56, "unshare": 272, "prlimit64": 302},
    "aarch64": {"ioctl": 29, "socket": 198, "clone": 220, "unshare": 97, "prlimit64": 261},
}

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_MODE_FILTER = 2


def filter_program(*, internet: bool, machine: str | None = None) -> bytes | None:
    """The filter as an array of ``struct sock_filter``; None where none is written for the machine.

    Args:
        internet: whether IPv4 and IPv6 sockets may be made; a network namespace of its own makes this safe.
        machine: as ``uname -m`` says; None means this one.
    """
    machine = os.uname().machine if machine is None else machine
    if machine not in _ARCHITECTURES or sys.byteorder != "little" or struct.calcsize("P") != 8:
        return None
    program = [
        _load(_ARCHITECTURE_AT),
        _instruction(_JUMP_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _refuse(errno.ENOSYS),
        _load(_NUMBER_AT),
        *_when(_JUMP_AT_LEAST, _X32_BIT, _refuse(errno.ENOSYS)),
    ]
    for number in (number for group in _REFUSED[machine] for number in group):
        program += _when(_JUMP_EQUAL, number, _refuse(errno.EPERM))
    for number in _ABSENT:
        program += _when(_JUMP_EQUAL, number, _refuse(errno.ENOSYS))
    numbers = _BY_ARGUMENT[machine]
    families = (_UNIX, _NETLINK, _INET, _INET6) if internet else (_UNIX, _NETLINK)
    terminal = [
        line for request in (_TIOCSTI, _TIOCLINUX) for line in _when(_JUMP_EQUAL, request, _refuse(errno.EPERM))
    ]
    sockets = [line for family in families for line in _when(_JUMP_EQUAL, family, _allow())]
    if not internet:
        sockets += [line for family in (_INET, _INET6) for line in _when(_JUMP_EQUAL, family, _refuse(errno.EPERM))]
    namespaces = _when(_JUMP_ANY_BIT, _NAMESPACES, _refuse(errno.EPERM))
    program += _on_argument(numbers["ioctl"], 1, [*terminal, _allow()])
    program += _on_argument(numbers["socket"], 0, [*sockets, _refuse(errno.EAFNOSUPPORT)])
    program += _on_argument(numbers["clone"], 0, [*namespaces, _allow()])
    program += _on_argument(numbers["unshare"], 0, [*namespaces, _allow()])
    program += _on_argument(numbers["prlimit64"], 0, [*_when(_JUMP_EQUAL, 0, _allow()), _refuse(errno.EPERM)])
    return b"".join([*program, _allow()])


def install(program: bytes) -> None:
    """Put this process, and all that it starts, under a filter for ever; also gives up gaining privileges by exec.

    Raises:
        OSError: the kernel has no seccomp filters or does not take this one.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    header = Program(len(program) // 8, ctypes.addressof(instructions))
    nothing = ctypes.c_ulong(0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), nothing, nothing, nothing) or libc.prctl(
        _PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(header), nothing, nothing
    ):
        number = ctypes.get_errno()
        raise OSError(number, f"the kernel takes no filter of system calls ({os.strerror(number)})")


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    """Load 32 bits of ``struct seccomp_data``."""
    return _instruction(_LOAD, offset)


def _refuse(number: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | number)


def _allow() -> bytes:
    return _instruction(_RETURN, _ALLOW)


def _when(jump: int, value: int, then: bytes) -> list[bytes]:
    """One instruction that is done when the loaded value compares."""
    return [_instruction(jump, value, 0, 1), then]


def _on_argument(number: int, argument: int, then: list[bytes]) -> list[bytes]:
    """For one system call: load the low half of an argument and decide; ``then`` always returns.

    The kernel reads these arguments as 32 bits too, so a set high half cannot disguise them.
    """
    return [_instruction(_JUMP_EQUAL, number, 0, len(then) + 1), _load(16 + 8 * argument), *then]

"""Opening a path that cannot lead out of a directory, whoever swaps links meanwhile.

On Linux the kernel does it: openat2 with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS. Elsewhere, or where a seccomp
filter refuses openat2, the path is walked one component at a time with O_NOFOLLOW; links are read and walked by us,
and ``..`` inside a link goes back along descriptors we hold, never through the file system. Both follow links that
stay beneath the directory and refuse those that leave it and all absolute ones. Hard links cannot be told from the
file they share.

Source: openat2(2), https://man7.org/linux/man-pages/man2/openat2.2.html; number 437 everywhere but on alpha.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import sys
from collections import deque
from pathlib import PurePosixPath

_SYS_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_MOST_LINKS = 40
_MOST_RACES = 1000
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""Flags that open a directory."""


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(directory: int, path: PurePosixPath, *, flags: int, links: bool = True) -> int:
    """A new descriptor of a relative path that was reached without leaving a directory.

    Args:
        directory: descriptor of the directory; stays open.
        path: relative and free of ``..``; ``.`` is the directory itself.
        flags: of open(2), without O_CREAT; O_CLOEXEC is added.
        links: whether symbolic links that stay beneath are followed.

    Raises:
        OSError: EXDEV when the path leaves the directory, ELOOP for too many or magic links, or for any that are not
            to be followed, else as open(2).
    """
    if kernel_resolves():
        return _openat2(directory, os.fsencode(path), flags | os.O_CLOEXEC, links=links)
    return walk_beneath(directory, path, flags=flags, links=links)


@functools.cache
def kernel_resolves() -> bool:
    """Whether openat2 is there and allowed."""
    if not sys.platform.startswith("linux") or platform.machine() == "alpha":
        return False
    root = os.open("/", DIRECTORY)
    try:
        os.close(_openat2(root, b".", DIRECTORY))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def _openat2(directory: int, path: bytes, flags: int, *, links: bool = True) -> int:
    how = _OpenHow(flags, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS | (0 if links else _RESOLVE_NO_SYMLINKS))
    for _ in range(_MOST_RACES):
        descriptor = _libc().syscall(
            ctypes.c_long(_SYS_OPENAT2),
            ctypes.c_int(directory),
            ctypes.c_char_p(path),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if descriptor >= 0:
            return descriptor
        # EAGAIN: something was renamed while a `..` was resolved, and the kernel could not tell whether it left.
        if (number := ctypes.get_errno()) not in {errno.EAGAIN, errno.EINTR}:
            raise OSError(number, os.strerror(number), os.fsdecode(path))
    raise OSError(errno.EXDEV, "the path kept changing while it was opened", os.fsdecode(path))


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def walk_beneath(directory: int, path: PurePosixPath, *, flags: int, links: bool = True) -> int:
    """`open_beneath` without the kernel's help; same arguments, result and errors."""
    held = [os.dup(directory)]
    pending = deque(part for part in path.parts if part != ".")
    followed = 0
    try:
        while pending:
            part = pending.popleft()
            if part == "..":
                if len(held) == 1:
                    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path))
                os.close(held.pop())
                continue
            target = _link_target(held[-1], part)
            if target is None and not pending:
                return os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held[-1])
            if target is None:
                held.append(os.open(part, DIRECTORY | os.O_NOFOLLOW, dir_fd=held[-1]))
                continue
            followed += 1
            if followed > _MOST_LINKS or not links:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            if target.startswith("/"):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path))
            pending.extendleft(reversed([piece for piece in target.split("/") if piece not in {"", "."}]))
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=held[-1])
    finally:
        for descriptor in held:
            os.close(descriptor)


def _link_target(directory: int, name: str) -> str | None:
    """Where a name links to, None when it is no link."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise

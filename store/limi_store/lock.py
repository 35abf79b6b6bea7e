"""Who owns the store: a lock file that holds the owner's pid and where its socket is.

The kernel gives the lock up with its process, so there is no stale lock; a stale pid in the file means nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from limi_sessions.paths import Home, HomeUnwritable, fits_socket, private_socket


@dataclass(frozen=True)
class Owner:
    """What the lock file says about the process that holds it."""

    pid: int
    socket: Path | None
    """Where it serves; None when it does not, or not yet."""
    secret: str = ""
    """What a client says first: a process that may not read the home may not use its socket either."""


class OwnerLock:
    """The lock, held."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def claim(cls, home: Home) -> OwnerLock | None:
        """The lock, or None when another process holds it.

        Raises:
            HomeUnwritable: the lock file cannot be made or written.
        """
        try:
            return cls._claimed(home)
        except OSError as error:
            raise HomeUnwritable(
                f"cannot write {home.lock}: {error.strerror or error}. Free space on that disk, or set LIMI_HOME."
            ) from error

    @classmethod
    def _claimed(cls, home: Home) -> OwnerLock | None:
        descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        lock = cls(descriptor)
        try:
            lock.announce(None)
        except BaseException:
            lock.release()
            raise
        return lock

    def announce(self, socket: Path | None, *, secret: str = "") -> None:
        """Write this process's pid, where it serves and what its clients say first into the file."""
        fields = {"pid": os.getpid(), "socket": str(socket) if socket else None, "secret": secret}
        content = json.dumps(fields).encode() + b"\n"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

    def release(self) -> None:
        """Give the lock up."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def owner_of(home: Home) -> Owner | None:
    """What the lock file says; None when it says nothing (no owner, or one that is just beginning)."""
    try:
        fields = cast("dict[str, object]", json.loads(home.lock.read_bytes()))
        pid, socket = fields["pid"], fields["socket"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    place = Path(socket) if isinstance(socket, str) else None
    return Owner(pid, place, str(fields.get("secret", ""))) if isinstance(pid, int) else None


def socket_place(home: Home) -> Path:
    """Where an owner puts its socket: in the home, or in a short private directory when that path is too long."""
    if fits_socket(home.socket):
        return home.socket
    name = f"limi-{hashlib.sha256(os.fsencode(home.root)).hexdigest()[:16]}.sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and _is_ours(Path(runtime)) and fits_socket(Path(runtime) / name):
        return Path(runtime) / name
    return private_socket(home.root / name)


def _is_ours(directory: Path) -> bool:
    try:
        found = directory.stat()
    except OSError:
        return False
    return directory.is_dir() and found.st_uid == os.getuid() and not found.st_mode & 0o077

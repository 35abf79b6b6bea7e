"""Making files, links and directories in a workspace that others change at the same time.

Each name is reached through descriptors that follow no link, checked to be what was seen before, and replaced by a
rename in its own directory: whatever is swapped meanwhile, nothing outside of the workspace is touched and nothing that
was not seen is overwritten. Knows nothing of checkpoints.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from limi_sessions.checkpoints.directories import Signature
from limi_sessions.tools.openbeneath import DIRECTORY, open_beneath

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_NOFOLLOW | os.O_CLOEXEC
_OWN = 0o700


class NotAsSeen(Exception):
    """Something else stands at a path than was seen there; the text says what."""


class Placing:
    """Writes beneath one directory. Close it to give directories their modes back."""

    def __init__(self, root: int) -> None:
        """Begin.

        Args:
            root: descriptor of the directory; stays open.
        """
        self._root = root
        self._path: str | None = None
        self._descriptor = -1
        self._writable = False
        self.loosened: dict[str, int] = {}
        """Directories that had to be made writable -> their permission bits before."""

    def close(self) -> None:
        """Close what is open."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._path, self._descriptor = None, -1

    def remove(self, path: str, seen: Signature) -> None:
        """Remove a file or link.

        Raises:
            NotAsSeen: another one stands there.
            OSError: it cannot be removed.
        """
        directory, name = self._parent(path)
        if _check(directory, name, seen):
            os.unlink(name, dir_fd=directory)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory.

        Raises:
            OSError: it is not empty, or cannot be removed.
        """
        self.close()
        directory, name = self._parent(path)
        os.rmdir(name, dir_fd=directory)

    def make_directory(self, path: str) -> None:
        """Make a directory that only we may enter.

        Raises:
            NotAsSeen: something stands there.
            OSError: it cannot be made.
        """
        directory, name = self._parent(path)
        _check(directory, name, None)
        os.mkdir(name, _OWN, dir_fd=directory)

    def write_file(self, path: str, content: bytes, *, mode: int, seen: Signature | None) -> None:
        """Put a file in place whole.

        Args:
            path: of the file.
            content: all of it.
            mode: permission bits.
            seen: the file or link that it replaces; None: nothing stands there.

        Raises:
            NotAsSeen: something else stands there.
            OSError: it cannot be written; what stood there is untouched.
        """

        def make(directory: int, temporary: str) -> None:
            descriptor = os.open(temporary, _CREATE, 0o600, dir_fd=directory)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fchmod(stream.fileno(), mode)

        self._place(path, seen, make)

    def write_link(self, path: str, target: bytes, *, seen: Signature | None) -> None:
        """Put a symbolic link in place; as `write_file`."""

        def make(directory: int, temporary: str) -> None:
            os.symlink(target, os.fsencode(temporary), dir_fd=directory)

        self._place(path, seen, make)

    def set_mode(self, path: str, mode: int) -> None:
        """Give permission bits to a regular file or a directory.

        Raises:
            NotAsSeen: something else stands there.
            OSError: it cannot be done.
        """
        if not path:
            os.fchmod(self._root, mode)
            return
        directory, name = self._parent(path, writing=False)
        _set_mode(directory, name, mode)

    def _place(self, path: str, seen: Signature | None, make: Callable[[int, str], None]) -> None:
        directory, name = self._parent(path)
        _check(directory, name, seen)
        temporary = f".limi-{secrets.token_hex(8)}.tmp"
        try:
            make(directory, temporary)
            _check(directory, name, seen)
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            try:
                os.unlink(temporary, dir_fd=directory)
            except FileNotFoundError:
                pass  # it was never made
            raise

    def _parent(self, path: str, *, writing: bool = True) -> tuple[int, str]:
        """(descriptor of the directory that holds a path, made writable where that is needed, last component)."""
        parent, _, name = path.rpartition("/")
        if self._path != parent:
            self.close()
            self._descriptor = open_beneath(self._root, PurePosixPath(parent), flags=DIRECTORY, links=False)
            self._path, self._writable = parent, False
        if writing and not self._writable:
            mode = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
            if mode & 0o300 != 0o300:
                self.loosened.setdefault(parent, mode)
                os.fchmod(self._descriptor, mode | _OWN)
            self._writable = True
        return self._descriptor, name


def unlock(root: int, path: str, mode: int) -> None:
    """Let us read a file or directory of ours again.

    Raises:
        NotAsSeen: it is neither.
        OSError: it cannot be done.
    """
    parent, _, name = path.rpartition("/")
    directory = open_beneath(root, PurePosixPath(parent), flags=DIRECTORY, links=False)
    try:
        _set_mode(directory, name, mode)
    finally:
        os.close(directory)


def _set_mode(directory: int, name: str, mode: int) -> None:
    descriptor = os.open(name, _LOOK, dir_fd=directory)
    try:
        found = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(found) or stat.S_ISDIR(found)):
            raise NotAsSeen("it is no regular file or directory any more")
        by_number = Path(f"/proc/self/fd/{descriptor}")
        if by_number.exists():
            # fchmod refuses a descriptor that may not read; this link leads to that very file.
            by_number.chmod(mode)
        else:
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _check(directory: int, name: str, seen: Signature | None) -> bool:
    """Whether what was seen still stands there; False when it is gone."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    # The last time is left out: it changes when another name of the same file is removed.
    found = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
    if seen is None:
        raise NotAsSeen("something that is in no checkpoint stands there")
    if found != seen[:4]:
        raise NotAsSeen("it was changed meanwhile")
    return True

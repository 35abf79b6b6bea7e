"""The workspace as tools may see it: every path is beneath it, every file regular and of bearable size.

A path is refused when it holds NUL or ``..``, begins with ``~``, is absolute and not in the workspace, or leads out of
it through a link; also when it names a FIFO, a device, a socket, or a directory where a file is wanted. Files are
opened as `openbeneath` says, so a link that is swapped between check and use changes nothing. A file is written as a
new one that is renamed over the old in the same open directory, so neither a link nor a hard link is ever written
through. What this cannot stop: a hard link made inside the workspace to a file outside of it can be read, for it is
that file.

Knows nothing of tools' arguments and of what stands in the files.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from limi_sessions.tools.openbeneath import DIRECTORY, open_beneath
from limi_sessions.tools.refusal import PathRefused

LARGEST_FILE = 10_000_000
"""Bytes of the largest file that is read or written."""
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISLNK, "a symbolic link"),
)


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One name of a directory."""

    name: str
    kind: str
    """``file``, ``directory``, ``link``, or ``other``."""
    size: int
    """Bytes of a file, 0 for all others."""
    target: str = ""
    """What a link points to."""


class Workspace:
    """Access to the files beneath one directory; opened, used and closed for one call."""

    def __init__(self, root: Path) -> None:
        """Open a workspace.

        Args:
            root: its real path, links resolved once when the session began.

        Raises:
            PathRefused: it is no directory, or has become a link.
        """
        self.root = root
        try:
            self.descriptor = os.open(root, DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise PathRefused(f"cannot open the workspace {root}: {_reason(error)}") from error

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def relative(self, given: str) -> PurePosixPath:
        """A path as a model wrote it, made relative to the workspace; nothing on disk is looked at.

        Raises:
            PathRefused: it is empty, malformed, or outside.
        """
        if not given:
            raise PathRefused("the path is empty")
        if "\0" in given:
            raise PathRefused(f"the path {given!r} holds a NUL character")
        if given.startswith("~"):
            raise PathRefused(f"{given}: ~ is not expanded; give a path relative to the workspace {self.root}")
        try:
            os.fsencode(given)
        except UnicodeEncodeError as error:
            raise PathRefused(f"the path {given!r} cannot be encoded as a file name") from error
        path = PurePosixPath(given)
        if ".." in path.parts:
            raise PathRefused(f"{given}: write the path without '..', relative to the workspace {self.root}")
        if not path.is_absolute():
            return path
        try:
            return path.relative_to(PurePosixPath(self.root))
        except ValueError as error:
            raise PathRefused(f"{given} is outside of the workspace {self.root}") from error

    @contextmanager
    def opened(self, path: PurePosixPath) -> Generator[int]:
        """A read descriptor of a regular file, closed afterwards.

        Raises:
            PathRefused: it leads outside or is not a regular file.
            OSError: it cannot be opened.
        """
        descriptor = self._open(path, _READ)
        try:
            if (kind := _not_regular(os.fstat(descriptor))) is not None:
                raise PathRefused(f"{path} is {kind}, not a regular file")
            yield descriptor
        finally:
            os.close(descriptor)

    def read_bytes(self, path: PurePosixPath, *, limit: int = LARGEST_FILE) -> bytes:
        """The whole content of a regular file.

        Raises:
            PathRefused: as `opened`, or it is larger than ``limit`` bytes.
            OSError: it cannot be read.
        """
        with self.opened(path) as descriptor:
            size = os.fstat(descriptor).st_size
            content = bytearray()
            while len(content) <= limit and (piece := os.read(descriptor, min(1 << 20, limit + 1 - len(content)))):
                content += piece
        if len(content) > limit:
            raise PathRefused(
                f"{path} has {max(size, len(content)):,} bytes, more than {limit:,}; "
                "use run_shell_command with head, tail, sed or grep"
            )
        return bytes(content)

    def write_bytes(self, path: PurePosixPath, content: bytes) -> bool:
        """Put a file in place whole, keeping the permissions of the old one; True when there was none.

        Missing directories are made. A reader sees the old or the new content, never a part.

        Raises:
            PathRefused: it leads outside, or names a link, a directory or another file that is not regular.
            OSError: it cannot be written; the old file is untouched.
        """
        if not path.parts:
            raise PathRefused("the workspace itself is a directory, not a file")
        if len(content) > LARGEST_FILE:
            raise PathRefused(f"{path}: {len(content):,} bytes are more than {LARGEST_FILE:,}")
        directory = self._make_directories(path.parent)
        try:
            mode = _mode_of_old(directory, path)
            _replace(directory, path.name, content, mode=mode)
        finally:
            os.close(directory)
        return mode is None

    @contextmanager
    def directory(self, path: PurePosixPath) -> Generator[int]:
        """A descriptor of a directory, closed afterwards.

        Raises:
            PathRefused: it leads outside.
            OSError: it is no directory or cannot be opened.
        """
        descriptor = self._open(path, DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def entries(self, path: PurePosixPath, *, most: int) -> list[DirectoryEntry]:
        """Up to ``most`` names of a directory, sorted.

        Raises:
            PathRefused: it leads outside.
            OSError: it is no directory or cannot be read.
        """
        with self.directory(path) as descriptor, os.scandir(descriptor) as scan:
            found = [entry.name for entry, _ in zip(scan, range(most), strict=False)]
            return [_entry(descriptor, name) for name in sorted(found)]

    def _open(self, path: PurePosixPath, flags: int) -> int:
        try:
            return open_beneath(self.descriptor, path, flags=flags)
        except OSError as error:
            if error.errno in {errno.EXDEV, errno.ELOOP}:
                raise PathRefused(
                    f"{path} leads out of the workspace through a symbolic link (absolute links are refused, too)"
                ) from error
            if error.errno == errno.ENXIO:
                raise PathRefused(f"{path} is a socket, not a regular file") from error
            raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from error

    def _make_directories(self, path: PurePosixPath) -> int:
        """A descriptor of a directory whose missing parts were made."""
        for kept in range(len(path.parts), -1, -1):
            try:
                descriptor = self._open(PurePosixPath(*path.parts[:kept]), DIRECTORY)
            except FileNotFoundError:
                continue
            for name in path.parts[kept:]:
                descriptor = _made(descriptor, name, path)
            return descriptor
        raise PathRefused(f"the workspace {self.root} is gone")


def _made(parent: int, name: str, path: PurePosixPath) -> int:
    """A descriptor of a directory in ``parent``, which is closed."""
    try:
        try:
            os.mkdir(name, dir_fd=parent)
        except FileExistsError:
            pass
        return os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise PathRefused(f"{path}: {name} is a symbolic link or a file, not a directory") from error
        raise
    finally:
        os.close(parent)


def _mode_of_old(directory: int, path: PurePosixPath) -> int | None:
    """Permission bits of the file that stands where one is to be written, None when there is none."""
    try:
        status = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(path.name, dir_fd=directory)
        raise PathRefused(f"{path} is a symbolic link to {target}; write to that file's own path")
    if (kind := _not_regular(status)) is not None:
        raise PathRefused(f"{path} is {kind}, not a regular file")
    return stat.S_IMODE(status.st_mode) & 0o777


def _replace(directory: int, name: str, content: bytes, *, mode: int | None) -> None:
    temporary = f".limi-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.unlink(temporary, dir_fd=directory)
        raise


def _entry(directory: int, name: str) -> DirectoryEntry:
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            return DirectoryEntry(name, "link", 0, os.readlink(name, dir_fd=directory))
    except OSError:
        return DirectoryEntry(name, "other", 0)
    if stat.S_ISDIR(status.st_mode):
        return DirectoryEntry(name, "directory", 0)
    if stat.S_ISREG(status.st_mode):
        return DirectoryEntry(name, "file", status.st_size)
    return DirectoryEntry(name, "other", 0)


def _not_regular(status: os.stat_result) -> str | None:
    if stat.S_ISREG(status.st_mode):
        return None
    return next((kind for is_kind, kind in _KINDS if is_kind(status.st_mode)), "no file")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

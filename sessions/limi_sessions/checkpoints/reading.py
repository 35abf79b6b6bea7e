"""The content of the files and links that a scan found, read so that a change in between is noticed.

A file is opened by its name in its own open directory without following links and without waiting for a FIFO, and
its status before and after the reading must be the same. Knows nothing of objects.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from limi_sessions.checkpoints.directories import (
    CHANGING,
    UNREADABLE,
    VANISHED,
    WITHHELD,
    Directories,
    Directory,
    Leaf,
    Signature,
)
from limi_sessions.checkpoints.state import CheckpointLimits
from limi_sessions.tools.openbeneath import DIRECTORY, open_beneath

COARSE_NS = 2_000_000_000
"""A change of a file is seen in its times only when it is later than this after the change before it: the ticks of
the clocks of file systems are up to 2 s apart (FAT), 4 or 10 ms on most."""
_TRIES = 5
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EXDEV})
_Store = Callable[[bytes], bytes]
"""Takes a content, gives its id."""


@dataclass(slots=True)
class Reader:
    """Reads what is pending."""

    root: int
    """Descriptor of the workspace."""
    limits: CheckpointLimits
    needles: Sequence[bytes]
    """A content that holds one of these is withheld."""
    store: _Store

    def read(self, directories: Directories, *, only: Container[str] | None = None) -> None:
        """Give an id, or the reason why it is left out, to every leaf that has none.

        Args:
            directories: of which the leaves are read.
            only: paths that are read; None: all.

        Raises:
            OSError: what was read cannot be stored.
        """
        for path, directory in directories.items():
            pending = [name for name, leaf in directory.leaves.items() if leaf.pending]
            if only is not None:
                prefix = f"{path}/" if path else ""
                pending = [name for name in pending if prefix + name in only]
            if pending:
                self._read_in(path, directory, pending)

    def _read_in(self, path: str, directory: Directory, names: Sequence[str]) -> None:
        try:
            descriptor = open_beneath(self.root, PurePosixPath(path), flags=DIRECTORY, links=False)
        except OSError:
            for name in names:
                directory.leaves[name].why = VANISHED
                directory.leaves[name].uncertain = True
            return
        try:
            for name in names:
                leaf = directory.leaves[name]
                content = self._content(descriptor, name, leaf)
                if content is not None:
                    self._take(leaf, content)
        finally:
            os.close(descriptor)

    def _take(self, leaf: Leaf, content: bytes) -> None:
        if any(needle in content for needle in self.needles):
            leaf.why = WITHHELD
        else:
            leaf.identity = self.store(content)

    def _content(self, directory: int, name: str, leaf: Leaf) -> bytes | None:
        """What stands there now, with the signature of the leaf made to fit; None when it is left out."""
        for _ in range(_TRIES):
            began = time.time_ns()
            try:
                content, before, after = (_link if stat.S_ISLNK(leaf.mode) else self._file)(directory, name)
            except OSError as error:
                gone = error.errno in _GONE or error.errno == errno.EINVAL
                leaf.why = VANISHED if gone else f"{UNREADABLE}: {os.strerror(error.errno or 0)}"
                leaf.uncertain = True
                return None
            if stat.S_IFMT(before[1]) != stat.S_IFMT(leaf.mode):
                leaf.why, leaf.uncertain = VANISHED, True
                return None
            if before == after and len(content) == after[2]:
                leaf.signature = after
                leaf.uncertain = after[4] >= began - COARSE_NS
                return content
            if len(content) > self.limits.file_bytes:
                break
        leaf.why, leaf.uncertain = CHANGING, True
        return None

    def _file(self, directory: int, name: str) -> tuple[bytes, Signature, Signature]:
        descriptor = os.open(name, _OPEN, dir_fd=directory)
        try:
            before = os.fstat(descriptor)
            content = b""
            if stat.S_ISREG(before.st_mode):
                content = os.read(descriptor, min(before.st_size, self.limits.file_bytes) + 1)
                while piece := os.read(descriptor, 1 << 20):
                    content += piece
                    if len(content) > self.limits.file_bytes:
                        break
            return content, _signature(before), _signature(os.fstat(descriptor))
        finally:
            os.close(descriptor)


def _link(directory: int, name: str) -> tuple[bytes, Signature, Signature]:
    before = os.stat(name, dir_fd=directory, follow_symlinks=False)
    target = os.fsencode(os.readlink(name, dir_fd=directory))
    return target, _signature(before), _signature(os.stat(name, dir_fd=directory, follow_symlinks=False))


def _signature(status: os.stat_result) -> Signature:
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns

"""What stands in a workspace now: one bounded walk that looks at every name and reads no file.

Directories are opened beneath the workspace without following any link, so a link that is swapped in meanwhile leads
nowhere. What was kept once stays kept even where a later rule ignores it, as in git. A ``.git`` is never entered.
Knows nothing of objects and of what stands in the files.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from limi_sessions.checkpoints.directories import (
    UNREADABLE,
    VANISHED,
    WITHHELD,
    Directories,
    Directory,
    Leaf,
    Signature,
)
from limi_sessions.checkpoints.ignoring import Ignoring
from limi_sessions.checkpoints.state import CheckpointLimits
from limi_sessions.tools.openbeneath import DIRECTORY, open_beneath

LARGEST_RULES = 1_000_000
"""Bytes of an ignore file; a larger one is not obeyed."""
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV})
_OTHERS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class TooMuch(Exception):
    """The workspace passes a limit; the text is the reason."""


@dataclass(slots=True)
class Scanner:
    """One walk; `scan` does it."""

    root: int
    """Descriptor of the workspace."""
    limits: CheckpointLimits
    rules: Ignoring
    """Those that come from outside of the workspace and from ``.git/info/exclude``."""
    known: Mapping[str, Directory] = field(default_factory=dict[str, Directory])
    """What was found the last time."""
    also_kept: Collection[str] = ()
    """Paths that are kept although a rule ignores them."""
    excluded: Collection[str] = ()
    """Directories that are no part of the workspace."""
    needles: Sequence[bytes] = ()
    """No name holds one of these."""
    trust_uncertain: bool = False
    names: int = 0
    files: int = 0
    size: int = 0
    same: bool = True
    """Whether nothing differs from what was known."""
    _deadline: float = 0.0

    def scan(self) -> Directories:
        """All directories of the workspace.

        Raises:
            TooMuch: a limit is passed.
            OSError: the workspace itself cannot be read.
        """
        self._deadline = time.monotonic() + self.limits.scan_s
        found: Directories = {}
        pending: list[tuple[str, Ignoring, bool]] = [("", self.rules, False)]
        while pending:
            path, rules, inside_ignored = pending.pop()
            directory = self._directory(path, rules, inside_ignored)
            self.same = self.same and directory is self.known.get(path)
            found[path] = directory
            prefix = f"{path}/" if path else ""
            for name, ignored in directory.subdirectories.items():
                pending.append((prefix + name, directory.rules, ignored))
        self.same = self.same and len(found) == len(self.known)
        return found

    def _directory(self, path: str, rules: Ignoring, inside_ignored: bool) -> Directory:
        try:
            descriptor = open_beneath(self.root, PurePosixPath(path), flags=DIRECTORY, links=False)
        except OSError as error:
            if not path:
                raise
            why = VANISHED if error.errno in _GONE else f"{UNREADABLE}: {os.strerror(error.errno or 0)}"
            return self._unreadable(path, rules, why)
        try:
            return self._listed(descriptor, path, rules, inside_ignored=inside_ignored)
        except OSError as error:
            if not path:
                raise
            return self._unreadable(path, rules, f"{UNREADABLE}: {os.strerror(error.errno or 0)}")
        finally:
            os.close(descriptor)

    def _unreadable(self, path: str, rules: Ignoring, why: str) -> Directory:
        known = self.known.get(path)
        if known is not None and known.why == why:
            return known
        return Directory(0, {}, {}, {}, {}, rules, inside_ignored=False, why=why)

    def _listed(self, descriptor: int, path: str, rules: Ignoring, *, inside_ignored: bool) -> Directory:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        with os.scandir(descriptor) as scan:
            entries: list[os.DirEntry[str]] = []
            for entry in scan:
                entries.append(entry)
                if not len(entries) & 4095:
                    self._count(4096)
            self._count(len(entries) & 4095)
            if any(entry.name == ".gitignore" for entry in entries):
                rules = rules.extended(path, read_rules(descriptor, ".gitignore"))
            listing = _Listing(self, path, rules, inside_ignored=inside_ignored)
            for entry in entries:
                listing.add(entry)
        return listing.directory(mode)

    def _count(self, names: int) -> None:
        self.names += names
        if self.names > self.limits.names:
            raise TooMuch(f"the workspace has more than {self.limits.names:,} names, ignored ones counted")
        if time.monotonic() > self._deadline:
            raise TooMuch(f"the workspace could not be looked through within {self.limits.scan_s:g} s")


class _Listing:
    """The names of one directory, sorted into what is kept and what is not."""

    def __init__(self, scanner: Scanner, path: str, rules: Ignoring, *, inside_ignored: bool) -> None:
        self._scanner = scanner
        self._prefix = f"{path}/" if path else ""
        self._rules, self._inside_ignored = rules, inside_ignored
        self._known = scanner.known.get(path)
        known = self._known
        self._known_leaves = {} if known is None else known.leaves
        same_rules = known is not None and known.rules == rules and known.inside_ignored == inside_ignored
        self._known_ignored = known.ignored if known is not None and same_rules and not scanner.also_kept else {}
        self._known_directories = known.subdirectories if known is not None and same_rules else {}
        self._leaves: dict[str, Leaf] = {}
        self._subdirectories: dict[str, bool] = {}
        self._left_out: dict[str, str] = {}
        self._ignored: dict[str, bool] = {}
        self._reused = 0

    def add(self, entry: os.DirEntry[str]) -> None:
        """Look at one name."""
        name = entry.name
        if name == ".git":
            return
        is_directory = entry.is_dir(follow_symlinks=False)
        if self._known_ignored.get(name) is is_directory:
            self._ignored[name] = is_directory
            return
        if is_directory:
            self._add_directory(name)
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return  # gone since it was listed
        known = self._known_leaves.get(name)
        mode, size = status.st_mode, status.st_size
        if known is None and self._is_ignored(name):
            self._ignored[name] = False
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            self._add_leaf(name, (status.st_ino, mode, size, status.st_mtime_ns, status.st_ctime_ns), known)
        else:
            self._left_out[name] = next((kind for is_kind, kind in _OTHERS if is_kind(mode)), "no file")

    def _add_leaf(self, name: str, signature: Signature, known: Leaf | None) -> None:
        scanner = self._scanner
        size = signature[2]
        if size > scanner.limits.file_bytes:
            self._left_out[name] = f"{size:,} bytes, more than {scanner.limits.file_bytes:,}"
            return
        scanner.files += 1
        scanner.size += size
        if scanner.files > scanner.limits.files:
            raise TooMuch(f"the workspace has more than {scanner.limits.files:,} files")
        if scanner.size > scanner.limits.total_bytes:
            raise TooMuch(f"the files of the workspace have more than {scanner.limits.total_bytes / 1e6:g} MB")
        if known is not None and known.signature == signature and (scanner.trust_uncertain or not known.uncertain):
            self._leaves[name] = known
            self._reused += 1
            return
        named = any(needle in os.fsencode(name) for needle in scanner.needles)
        self._leaves[name] = Leaf(signature, why=WITHHELD if named else "")

    def _add_directory(self, name: str) -> None:
        path = self._prefix + name
        if path in self._scanner.excluded:
            return
        ignored = self._known_directories.get(name)
        if ignored is None:
            ignored = self._inside_ignored or self._rules.ignores(path, directory=True)
        if ignored and path not in self._scanner.also_kept and not self._holds_leaves(path):
            self._ignored[name] = True
        else:
            self._subdirectories[name] = ignored

    def _is_ignored(self, name: str) -> bool:
        path = self._prefix + name
        if path in self._scanner.also_kept:
            return False
        return self._inside_ignored or self._rules.ignores(path, directory=False)

    def _holds_leaves(self, path: str) -> bool:
        known = self._scanner.known
        pending = [path]
        while pending:
            at = pending.pop()
            directory = known.get(at)
            if directory is None:
                continue
            if directory.leaves:
                return True
            pending += [f"{at}/{name}" for name in directory.subdirectories]
        return False

    def directory(self, mode: int) -> Directory:
        """The known directory where nothing changed, else a new one."""
        known = self._known
        if (
            known is not None
            and not known.why
            and known.mode == mode
            and self._reused == len(self._leaves) == len(known.leaves)
            and known.subdirectories == self._subdirectories
            and known.left_out == self._left_out
            and known.ignored == self._ignored
            and known.rules == self._rules
            and known.inside_ignored == self._inside_ignored
        ):
            return known
        return Directory(
            mode,
            self._leaves,
            self._subdirectories,
            self._left_out,
            self._ignored,
            self._rules,
            self._inside_ignored,
        )


def read_rules(directory: int, name: str) -> bytes:
    """The content of an ignore file, empty when it is none that is obeyed."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return b""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_RULES:
            return b""
        return os.read(descriptor, LARGEST_RULES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)

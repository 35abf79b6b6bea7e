"""A workspace as a scan finds it: directories with their files and links. Plain values that know no file system."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass

from limi_sessions.checkpoints.ignoring import Ignoring

Signature = tuple[int, int, int, int, int]
"""Inode, mode, size, and the times of the last change of content and of anything, in ns."""
WITHHELD = "holds a known secret"
VANISHED = "was removed while it was read"
UNREADABLE = "cannot be read"
CHANGING = "kept changing while it was read"


@dataclass(slots=True, eq=False)
class Leaf:
    """One file or symbolic link."""

    signature: Signature
    identity: bytes | None = None
    """Id of its content; None before it was read and when it is left out."""
    why: str = ""
    """Why it is left out; empty when it is not."""
    uncertain: bool = False
    """It may have changed since it was read without a new signature: clocks of file systems are coarse."""

    @property
    def mode(self) -> int:
        """File type and permission bits."""
        return self.signature[1]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.signature[2]

    @property
    def pending(self) -> bool:
        """Whether it is still to be read."""
        return self.identity is None and not self.why


@dataclass(frozen=True, slots=True)
class Summary:
    """What a checkpoint holds of one directory itself, made once when all of its leaves are read."""

    entries: tuple[tuple[bytes, bytes], ...]
    """(name, entry of a git tree) of each leaf that is kept."""
    modes: tuple[tuple[str, int], ...]
    """Name -> permission bits of the files that git's two modes do not tell."""
    why: tuple[tuple[str, str], ...]
    """Name -> why it is left out."""
    size: int
    """Bytes of the leaves that are kept."""


@dataclass(slots=True, eq=False)
class Directory:
    """One directory; the same object as long as nothing in it changes."""

    mode: int
    """Permission bits."""
    leaves: dict[str, Leaf]
    subdirectories: dict[str, bool]
    """Name -> whether a rule ignores it, and it is entered only for what was kept before."""
    left_out: dict[str, str]
    """Name -> why, without those of leaves."""
    ignored: dict[str, bool]
    """Name -> whether it is a directory."""
    rules: Ignoring
    """In force inside."""
    inside_ignored: bool
    why: str = ""
    """Why it is left out with all it holds; empty when it is not."""
    summary: Summary | None = None
    """None before its leaves are read."""


Directories = dict[str, Directory]
"""Path relative to the workspace, empty for itself -> directory; parents before their children."""


def differing(before: Mapping[str, Directory], after: Mapping[str, Directory]) -> set[str]:
    """Paths of leaves and directories that two scans do not share."""
    paths: set[str] = set()
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if old is new:
            continue
        if old is None or new is None:
            paths.add(path)
            continue
        prefix = f"{path}/" if path else ""
        names = old.leaves.keys() | new.leaves.keys()
        paths |= {prefix + name for name in names if old.leaves.get(name) is not new.leaves.get(name)}
    return paths


def kept_paths(directories: Directories) -> set[str]:
    """Paths of all leaves and of the directories above them."""
    paths: set[str] = set()
    for path in reversed(directories):
        prefix = f"{path}/" if path else ""
        names = directories[path].leaves
        if names or path in paths:
            paths |= {prefix + name for name in names} | {path, path.rpartition("/")[0]}
    return paths


def unreadable(directories: Directories) -> list[str]:
    """Paths that are left out because they cannot be read."""
    paths: list[str] = []
    for path, directory in directories.items():
        prefix = f"{path}/" if path else ""
        paths += [path] if directory.why.startswith(UNREADABLE) else []
        paths += [prefix + name for name, leaf in directory.leaves.items() if leaf.why.startswith(UNREADABLE)]
    return paths


def empty_directory(mode: int) -> Directories:
    """An empty directory of these permission bits as a scan would find it."""
    return {"": Directory(stat.S_IMODE(mode), {}, {}, {}, {}, Ignoring(), inside_ignored=False)}

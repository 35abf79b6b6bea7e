"""A scanned and read workspace becomes git objects: trees where something changed, and the checkpoint above them.

Source: the format of trees, https://git-scm.com/docs/git-mktree and gitformat-pack; entries are ordered by name, a
directory's as if it ended in ``/``.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from limi_sessions.checkpoints.about import About, PlainModes
from limi_sessions.checkpoints.directories import VANISHED, WITHHELD, Directories, Directory, Leaf, Summary
from limi_sessions.checkpoints.pack import BLOB, TREE

_Add = Callable[[int, bytes], bytes]
"""Takes kind and content of an object, gives its id."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """A workspace as objects."""

    identity: str
    tree: str
    trees: dict[str, bytes]
    """Path of a directory -> id of its tree."""
    about: About
    files: int
    size_bytes: int


def store_state(
    directories: Directories,
    *,
    known: Mapping[str, Directory],
    known_trees: Mapping[str, bytes],
    plain: PlainModes,
    add: _Add,
) -> StoredState:
    """Store trees and description of a workspace whose leaves are all read.

    Args:
        directories: the workspace.
        known: the one whose trees are stored already.
        known_trees: their ids.
        plain: modes that are not named one by one.
        add: stores an object.

    Raises:
        OSError: an object cannot be stored.
    """
    summaries = {path: _summary(directory, plain) for path, directory in directories.items()}
    trees = _trees(directories, summaries, known=known, known_trees=known_trees, add=add)
    about = _about(directories, summaries, plain)
    described = add(BLOB, about.encoded())
    top = trees[""]
    identity = add(TREE, _entry(b"100644", b"about", described) + _entry(b"40000", b"files", top))
    return StoredState(
        identity.hex(),
        top.hex(),
        trees,
        about,
        files=sum(len(summary.entries) for summary in summaries.values()),
        size_bytes=sum(summary.size for summary in summaries.values()),
    )


def most_common_modes(directories: Directories) -> PlainModes:
    """The modes that spare most names."""
    files: Counter[int] = Counter()
    executables: Counter[int] = Counter()
    own: Counter[int] = Counter()
    for directory in directories.values():
        if not directory.why:
            own[directory.mode] += 1
        for leaf in directory.leaves.values():
            if stat.S_ISREG(leaf.mode):
                (executables if leaf.mode & stat.S_IXUSR else files)[stat.S_IMODE(leaf.mode)] += 1
    standard = PlainModes()
    return PlainModes(
        _first(files, standard.file), _first(executables, standard.executable), _first(own, standard.directory)
    )


def _first(counts: Counter[int], otherwise: int) -> int:
    return min(counts, key=lambda mode: (-counts[mode], mode)) if counts else otherwise


def _summary(directory: Directory, plain: PlainModes) -> Summary:
    if directory.summary is not None:
        return directory.summary
    entries: list[tuple[bytes, bytes]] = []
    modes: list[tuple[str, int]] = []
    why: list[tuple[str, str]] = list(directory.left_out.items())
    size = 0
    for name, leaf in directory.leaves.items():
        if leaf.identity is None:
            if leaf.why != VANISHED:
                why.append((name, leaf.why))
            continue
        encoded = os.fsencode(name)
        entries.append((encoded, _entry(_git_mode(leaf), encoded, leaf.identity)))
        size += leaf.size
        if stat.S_ISREG(leaf.mode) and (bits := stat.S_IMODE(leaf.mode)) != plain.of(leaf.mode):
            modes.append((name, bits))
    directory.summary = Summary(tuple(entries), tuple(modes), tuple(why), size)
    return directory.summary


def _git_mode(leaf: Leaf) -> bytes:
    if stat.S_ISLNK(leaf.mode):
        return b"120000"
    return b"100755" if leaf.mode & stat.S_IXUSR else b"100644"


def _entry(mode: bytes, name: bytes, identity: bytes) -> bytes:
    return mode + b" " + name + b"\0" + identity


def _trees(
    directories: Directories,
    summaries: Mapping[str, Summary],
    *,
    known: Mapping[str, Directory],
    known_trees: Mapping[str, bytes],
    add: _Add,
) -> dict[str, bytes]:
    trees: dict[str, bytes] = {}
    changed: set[str] = set()
    for path in reversed(directories):
        directory = directories[path]
        if directory.why:
            if path in known_trees:
                changed.add(path.rpartition("/")[0])
            continue
        stored = known_trees.get(path)
        if stored is None or path in changed or known.get(path) is not directory:
            prefix = f"{path}/" if path else ""
            entries = list(summaries[path].entries)
            for name in directory.subdirectories:
                if (tree := trees.get(prefix + name)) is not None:
                    encoded = os.fsencode(name)
                    entries.append((encoded + b"/", _entry(b"40000", encoded, tree)))
            entries.sort()
            trees[path] = add(TREE, b"".join([entry for _, entry in entries]))
        else:
            trees[path] = stored
        if trees[path] != stored:
            changed.add(path.rpartition("/")[0])
    return trees


def _about(directories: Directories, summaries: Mapping[str, Summary], plain: PlainModes) -> About:
    modes: dict[str, int] = {}
    left_out: dict[str, str] = {}
    withheld: list[str] = []
    for path, directory in directories.items():
        if directory.why:
            if directory.why != VANISHED:
                left_out[path] = directory.why
            continue
        if directory.mode != plain.directory:
            modes[path] = directory.mode
        summary = summaries[path]
        prefix = f"{path}/" if path else ""
        for name, bits in summary.modes:
            modes[prefix + name] = bits
        for name, why in summary.why:
            if why == WITHHELD:
                withheld.append(prefix + name)
            else:
                left_out[prefix + name] = why
    return About(plain, modes, left_out, tuple(sorted(withheld)))

"""A stored checkpoint read back as a flat listing of its paths."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass

from limi_sessions.checkpoints.about import About
from limi_sessions.checkpoints.gitprogram import GitProgram
from limi_sessions.checkpoints.state import CheckpointError, CheckpointId

_ID = re.compile(r"[0-9a-f]{64}\Z")
_UNSAFE = frozenset({"", ".", "..", ".git"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a checkpoint."""

    mode: int
    """File type and permission bits as in ``st_mode``; of a link the type alone."""
    identity: str
    """Id of its content; of a directory the id of its tree."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """All paths of a checkpoint."""

    entries: dict[str, Entry]
    """Parents before their children; empty for the workspace itself."""
    about: About

    def kept_paths(self) -> set[str]:
        """Paths of all files and links, and of the directories above them."""
        paths: set[str] = set()
        for path in reversed(self.entries):
            if path in paths or not stat.S_ISDIR(self.entries[path].mode):
                paths |= {path, path.rpartition("/")[0]}
        return paths


def files_of(checkpoint: CheckpointId) -> str:
    """Git's name of the tree of a checkpoint's files.

    Raises:
        CheckpointError: this is no id of a checkpoint.
    """
    if not _ID.match(checkpoint):
        raise CheckpointError(f"{checkpoint!r} is no id of a checkpoint: those have 64 hex digits")
    return f"{checkpoint}:files"


def about_of(git: GitProgram, checkpoint: CheckpointId) -> About:
    """What a checkpoint tells beside its files.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    files_of(checkpoint)
    try:
        return About.decoded(git.run(["cat-file", "blob", f"{checkpoint}:about"]))
    except CheckpointError as error:
        raise CheckpointError(f"no checkpoint {checkpoint[:12]} in {git.repository}: {error}") from error


def read_manifest(git: GitProgram, checkpoint: CheckpointId) -> Manifest:
    """All of a checkpoint but the contents.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    about = about_of(git, checkpoint)
    listing = git.run(["ls-tree", "-r", "-t", "-z", "--full-tree", files_of(checkpoint)])
    entries = {"": Entry(stat.S_IFDIR | about.modes.get("", about.plain.directory), "")}
    modes, plain = about.modes, about.plain
    for line in os.fsdecode(listing).split("\0")[:-1]:
        head, _, path = line.partition("\t")
        git_mode, kind, identity = head.split(" ")
        if path.rpartition("/")[2] in _UNSAFE:
            raise CheckpointError(f"checkpoint {checkpoint[:12]} holds the path {path!r}")
        if kind == "tree":
            mode = stat.S_IFDIR | modes.get(path, plain.directory)
        elif git_mode == "120000":
            mode = stat.S_IFLNK
        else:
            mode = stat.S_IFREG | modes.get(path, plain.of(int(git_mode, 8)))
        entries[path] = Entry(mode, identity)
    return Manifest(entries, about)

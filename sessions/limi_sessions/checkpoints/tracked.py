"""Which paths the workspace's own repository tracks: they are kept although a rule ignores them, as git does.

The index is read as a file, by us: git is not run on it, and nothing of the repository is opened for writing. Entries
of a split or sparse index that stand elsewhere are not seen.

Source: https://git-scm.com/docs/index-format (versions 2 to 4).
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import PurePosixPath

from limi_sessions.tools.openbeneath import open_beneath

_MOST_BYTES = 64_000_000
_MOST_ENTRIES = 1_000_000
_STATUS_BYTES = 40
"""Before an entry's object id."""
_EXTENDED = 0x4000
_LONG = 0x0FFF


def tracked_paths(root: int) -> set[str]:
    """Paths of the files in a workspace's index, and of the directories above them; empty where it cannot be read.

    Args:
        root: descriptor of the workspace.
    """
    content = _content(root)
    if len(content) < 12 or content[:4] != b"DIRC" or not 2 <= int.from_bytes(content[4:8], "big") <= 4:
        return set()
    sha256 = hashlib.sha256(content[:-32]).digest() == content[-32:]
    try:
        return _paths(content, version=content[7], id_bytes=32 if sha256 else 20)
    except (IndexError, ValueError):
        return set()


def _content(root: int) -> bytes:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = open_beneath(root, PurePosixPath(".git/index"), flags=flags, links=False)
    except OSError:
        return b""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return b""
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _paths(content: bytes, *, version: int, id_bytes: int) -> set[str]:
    """Raises ValueError or IndexError where the index is damaged."""
    paths: set[str] = set()
    at = 12
    name = b""
    for _ in range(min(int.from_bytes(content[8:12], "big"), _MOST_ENTRIES)):
        start = at
        mode = int.from_bytes(content[at + 24 : at + 28], "big")
        at += _STATUS_BYTES + id_bytes
        flags = int.from_bytes(content[at : at + 2], "big")
        at += 4 if flags & _EXTENDED else 2
        if version == 4:
            removed, at = _variable(content, at)
            end = content.index(0, at)
            name = name[: len(name) - removed] + content[at:end]
            at = end + 1
        else:
            length = flags & _LONG
            end = at + length if length < _LONG else content.index(0, at)
            name = content[at:end]
            at = start + (end - start + 8) // 8 * 8
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            path = os.fsdecode(name)
            while path and path not in paths:
                paths.add(path)
                path = path.rpartition("/")[0]
    return paths


def _variable(content: bytes, at: int) -> tuple[int, int]:
    """(a number as packs write offsets, where it ends)."""
    value = content[at] & 0x7F
    while content[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (content[at] & 0x7F)
    return value, at + 1

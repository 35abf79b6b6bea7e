"""Workspaces for tests of checkpoints, and a walk that sees all of one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from limi_sessions.checkpoints import CheckpointLimits, Checkpoints

Tree = dict[str, tuple[str, int, str]]


def walked(root: Path, *, without_git: bool = True) -> Tree:
    """Path -> (type, permission bits, sha256 of the content or target); a link's own bits mean nothing."""
    found: Tree = {}
    pending = [root]
    while pending:
        path = pending.pop()
        status = path.lstat()
        bits = stat.S_IMODE(status.st_mode)
        name = str(path.relative_to(root))
        if stat.S_ISDIR(status.st_mode):
            found[name] = ("directory", bits, "")
            pending += [each for each in path.iterdir() if not (without_git and each.name == ".git")]
        elif stat.S_ISLNK(status.st_mode):
            found[name] = ("link", 0, hashlib.sha256(os.fsencode(path.readlink())).hexdigest())
        elif stat.S_ISREG(status.st_mode):
            found[name] = ("file", bits, hashlib.sha256(path.read_bytes()).hexdigest())
        else:
            found[name] = (f"other {stat.S_IFMT(status.st_mode):o}", bits, "")
    return found


def checkpoints(
    workspace: Path, *, secrets: Sequence[str] = (), limits: CheckpointLimits | None = None, name: str = "shadow.git"
) -> Checkpoints:
    """Checkpoints of a workspace whose repository lies beside it."""
    return Checkpoints(
        workspace.resolve(),
        workspace.resolve().parent / name,
        limi_home=workspace.resolve().parent / "limi home",
        secrets=lambda: secrets,
        limits=limits,
    )


def write_many(root: Path, *, files: int) -> None:
    """Small files, a hundred a directory."""
    for at in range(files):
        path = root / f"d{at // 100:03d}" / f"s{at % 7}" / f"f{at}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# file {at}\n" * (20 + at % 50))

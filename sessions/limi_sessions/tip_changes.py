"""What differs between the workspaces of two sessions, or of two branches of one, each as it was at some turn."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from limi_sessions.checkpoints import CheckpointError, Checkpoints, FileChange
from limi_sessions.paths import SessionPaths


@dataclass(frozen=True)
class Tip:
    """The end of a path."""

    paths: SessionPaths
    """Of its session."""
    checkpoint: str


def tip_changes(old: Tip, new: Tip, *, limi_home: Path) -> tuple[FileChange, ...]:
    """Every path that differs, sorted.

    Raises:
        CheckpointError: a state is missing or damaged.
        OSError: two repositories cannot be read together.
    """
    if old.paths == new.paths:
        return _checkpoints(old.paths.workspace_git, limi_home).changes(old.checkpoint, new.checkpoint)
    # In the home, so that the packs can be links.
    with tempfile.TemporaryDirectory(prefix=".compare-", dir=limi_home) as place:
        both = Path(place) / "workspace.git"
        _checkpoints(old.paths.workspace_git, limi_home).fork(both)
        for path in sorted(_packs(new.paths.workspace_git), key=lambda pack: pack.suffix == ".idx"):
            with contextlib.suppress(FileExistsError):
                (both / "objects" / "pack" / path.name).hardlink_to(path)
        return _checkpoints(both, limi_home).changes(old.checkpoint, new.checkpoint)


def _packs(repository: Path) -> list[Path]:
    if not repository.is_dir():
        raise CheckpointError(f"{repository} is gone")
    return list((repository / "objects" / "pack").glob("pack-*"))


def _checkpoints(repository: Path, limi_home: Path) -> Checkpoints:
    if not repository.is_dir():
        raise CheckpointError(f"{repository} is gone")
    return Checkpoints(repository, repository, limi_home=limi_home, secrets=lambda: ())

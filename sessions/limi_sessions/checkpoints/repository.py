"""The git repository of a session's checkpoints: what is stored in it, and storing more, durably or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from limi_sessions.checkpoints.gitprogram import GitProgram, flush
from limi_sessions.checkpoints.merging import merge_small_packs
from limi_sessions.checkpoints.pack import PackWriter, object_id, remove_unfinished, stored_ids
from limi_sessions.checkpoints.state import CheckpointError
from limi_sessions.paths import private_directory, write_in_place

_LATEST = "limi-latest"
_MOST_TRIES = 5
_LOOK_EVERY = 16
"""Packs that are written before small ones are counted."""


class Repository:
    """One session's objects; this process is the only one that writes them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git = GitProgram(path)
        self._stored: set[bytes] | None = None
        self._writer: PackWriter | None = None
        self._packs_written = 0
        self.size_bytes = 0
        """Of all packs on disk."""

    @property
    def packs(self) -> Path:
        """Where the packs lie."""
        return self.path / "objects" / "pack"

    def open(self) -> None:
        """Make the repository where there is none, and clear what a killed process left.

        Raises:
            CheckpointError, OSError: it cannot be made.
        """
        self.git.make_repository()
        if self._stored is None:
            private_directory(self.packs)
            remove_unfinished(self.packs)
            stored: set[bytes] = set()
            for index in self.packs.glob("pack-*.idx"):
                try:
                    stored |= stored_ids(index)
                except ValueError:
                    continue  # its objects are stored once more when they are met
            self._stored = stored
            self.size_bytes = self._size_on_disk()

    def add(self, kind: int, content: bytes) -> bytes:
        """The id of an object that is durable after `commit`.

        Raises:
            OSError: it cannot be written; `abandon`.
        """
        if self._stored is None:
            raise CheckpointError(f"{self.path} is not open")
        identity = object_id(kind, content)
        if identity not in self._stored:
            self._writer = self._writer or PackWriter(self.packs)
            if identity not in self._writer:
                self._writer.add(kind, content, identity)
        return identity

    def commit(self) -> None:
        """Make all that was added durable.

        Raises:
            OSError: it cannot be written; `abandon`.
        """
        if self._writer is not None and self._stored is not None:
            self._writer.finish()
            self._stored |= self._writer.ids
            self.size_bytes += self._writer.size_bytes
            self._writer = None
            self._packs_written += 1
            if self._packs_written % _LOOK_EVERY == 0:
                self._merge()

    def _merge(self) -> None:
        try:
            if merge_small_packs(self.packs):
                self.size_bytes = self._size_on_disk()
        except OSError:
            pass  # all is stored; there is another try after as many packs

    def _size_on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.packs.glob("pack-*"))

    def abandon(self) -> None:
        """Forget what was added since the last `commit`."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    @property
    def latest(self) -> str | None:
        """The checkpoint that was taken or restored last; None when that is unknown."""
        try:
            return (self.path / _LATEST).read_text("ascii").strip() or None
        except (OSError, ValueError):
            return None

    @latest.setter
    def latest(self, checkpoint: str) -> None:
        # All ids are of one length: a single write replaces the old one whole.
        write_in_place(self.path / _LATEST, f"{checkpoint}\n".encode())

    def copied(self, target: Path) -> None:
        """Make another repository with the same objects; they are hard links where possible.

        A process that stores objects here meanwhile is not disturbed.

        Raises:
            CheckpointError: there is one already, or nothing to copy.
            OSError: it cannot be written.
        """
        if not self.packs.is_dir():
            raise CheckpointError(f"there are no checkpoints in {self.path}")
        if target.exists() and any(target.iterdir()):
            raise CheckpointError(f"{target} is not empty; fork into a new directory")
        copy = Repository(target)
        copy.git.make_repository()
        private_directory(copy.packs)
        for attempt in range(_MOST_TRIES):
            try:
                self._link_packs(copy.packs)
                break
            except FileNotFoundError:
                # Small packs were put together meanwhile; the one that holds them all is there by now.
                if attempt == _MOST_TRIES - 1:
                    raise
        flush(copy.packs)
        if (latest := self.latest) is not None:
            copy.latest = latest

    def _link_packs(self, target: Path) -> None:
        # Packs before their indexes: what has an index is whole.
        for path in sorted(self.packs.glob("pack-*"), key=lambda each: each.suffix == ".idx"):
            if (target / path.name).exists():
                continue
            try:
                (target / path.name).hardlink_to(path)
            except FileNotFoundError:
                raise
            except OSError:
                shutil.copyfile(path, target / path.name)
                (target / path.name).chmod(0o400)
                flush(target / path.name)

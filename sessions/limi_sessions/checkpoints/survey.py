"""What is known of a workspace from one look to the next, so that only what may have changed is read."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from limi_sessions.checkpoints.directories import Directories, differing, kept_paths, unreadable
from limi_sessions.checkpoints.ignoring import Ignoring
from limi_sessions.checkpoints.manifest import Manifest
from limi_sessions.checkpoints.outside import outer_rules
from limi_sessions.checkpoints.pack import BLOB, object_id
from limi_sessions.checkpoints.placing import NotAsSeen, unlock
from limi_sessions.checkpoints.reading import Reader
from limi_sessions.checkpoints.scanning import Scanner, TooMuch
from limi_sessions.checkpoints.state import CheckpointError, CheckpointLimits
from limi_sessions.tools.openbeneath import DIRECTORY

_ROUNDS = 3
"""Looks at a workspace that changes while it is read, before a checkpoint says so."""
_WIDER = 20
"""Before a restore that keeps nothing this many times more is looked at: what passed the limits is to be undone."""


@dataclass(slots=True)
class Survey:
    """One workspace."""

    workspace: Path
    """Its real path."""
    limi_home: Path
    repository: Path
    limits: CheckpointLimits
    known: Directories = field(default_factory=Directories)
    """What was found and stored last."""
    also_kept: Collection[str] = ()
    """Paths that the next look keeps although a rule ignores them."""
    _needles: tuple[bytes, ...] = ()

    @contextmanager
    def opened(self) -> Generator[int]:
        """A descriptor of the workspace, closed afterwards.

        Raises:
            OSError: it is gone, or has become a link.
        """
        descriptor = os.open(self.workspace, DIRECTORY | os.O_NOFOLLOW)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def rules(self, root: int) -> Ignoring:
        """The ignore rules from outside of the workspace."""
        return outer_rules(self.workspace, root)

    def learn_secrets(self, secrets: Sequence[str]) -> bool:
        """Whether there are new ones; then everything is read again, for any file may hold one."""
        needles = tuple(sorted(os.fsencode(secret) for secret in secrets if secret))
        if needles == self._needles:
            return False
        self.also_kept = frozenset(kept_paths(self.known)) | frozenset(self.also_kept)
        self._needles, self.known = needles, {}
        return True

    def read(self, root: int, store: Callable[[bytes], bytes]) -> tuple[Directories, tuple[str, ...]]:
        """The workspace now, with every content stored.

        Args:
            root: descriptor of it.
            store: takes a content, gives its id.

        Returns:
            (the directories, `known` itself where nothing changed; paths that changed again and again meanwhile)

        Raises:
            TooMuch: a limit is passed.
            OSError: the workspace cannot be read, or a content cannot be stored.
        """
        known = previous = self.known
        for attempt in range(_ROUNDS):
            scanner = self._scanner(root, known)
            scanner.trust_uncertain = attempt > 0
            found = scanner.scan()
            if scanner.same and known:
                return known, ()
            self._reader(root, store).read(found)
            known, previous = found, known
        return known, tuple(sorted(differing(previous, known)))

    def look(self, root: int, wanted: Manifest) -> Directories:
        """The workspace now, whatever its size; nothing is stored.

        Beyond the limits only that is read which may be what is wanted.

        Raises:
            CheckpointError: it cannot be looked through.
            OSError: it cannot be read.
        """
        limits = replace(
            self.limits,
            total_bytes=sys.maxsize,
            files=sys.maxsize,
            names=_WIDER * self.limits.names,
            scan_s=_WIDER * self.limits.scan_s,
        )
        found: Directories = {}
        for _ in range(2):
            scanner = self._scanner(root, self.known)
            scanner.limits = limits
            try:
                found = scanner.scan()
            except TooMuch as error:
                raise CheckpointError(f"the workspace was not restored: {error}") from error
            bearable = scanner.files <= self.limits.files and scanner.size <= self.limits.total_bytes
            reader = self._reader(root, lambda content: object_id(BLOB, content))
            reader.read(found, only=None if bearable else wanted.entries)
            if not unlocked(root, found, wanted):
                break
        return found

    def _scanner(self, root: int, known: Directories) -> Scanner:
        return Scanner(
            root,
            self.limits,
            self.rules(root),
            known=known,
            also_kept=self.also_kept,
            excluded=self._excluded(),
            needles=self._needles,
        )

    def _reader(self, root: int, store: Callable[[bytes], bytes]) -> Reader:
        return Reader(root, self.limits, self._needles, store)

    def _excluded(self) -> frozenset[str]:
        home, workspace = self.limi_home.resolve(), self.workspace
        if workspace.is_relative_to(home):
            raise TooMuch(f"the workspace lies in limi's own home {home}")
        places = (home, self.repository.resolve())
        return frozenset(str(place.relative_to(workspace)) for place in places if place.is_relative_to(workspace))


def unlocked(root: int, found: Directories, wanted: Manifest) -> bool:
    """Make readable what cannot be read now and could be then; whether anything was."""
    changed = False
    for path in unreadable(found):
        entry = wanted.entries.get(path)
        if entry is not None and not stat.S_ISLNK(entry.mode):
            try:
                unlock(root, path, stat.S_IMODE(entry.mode))
                changed = True
            except (OSError, NotAsSeen):
                continue  # the restore names it
    return changed

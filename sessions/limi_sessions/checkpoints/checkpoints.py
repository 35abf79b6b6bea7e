"""One session's checkpoints: taken, compared, restored, copied."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from limi_sessions.checkpoints.about import PlainModes
from limi_sessions.checkpoints.comparing import changes_between, patch_between
from limi_sessions.checkpoints.directories import empty_directory
from limi_sessions.checkpoints.ignoring import Ignoring
from limi_sessions.checkpoints.manifest import Manifest, read_manifest
from limi_sessions.checkpoints.pack import BLOB
from limi_sessions.checkpoints.repository import Repository
from limi_sessions.checkpoints.restoring import Restoring
from limi_sessions.checkpoints.scanning import TooMuch
from limi_sessions.checkpoints.state import (
    Checkpoint,
    CheckpointError,
    CheckpointId,
    CheckpointLimits,
    FileChange,
    Restored,
)
from limi_sessions.checkpoints.storing import StoredState, most_common_modes, store_state
from limi_sessions.checkpoints.survey import Survey, unlocked
from limi_sessions.checkpoints.tracked import tracked_paths
from limi_sessions.tools.openbeneath import DIRECTORY

_MOST_NAMED = 100
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Checkpoints:
    """One session's shadow repository. Methods block: call them in a thread, one at a time."""

    def __init__(
        self,
        workspace: Path,
        repository: Path,
        *,
        limi_home: Path,
        secrets: Callable[[], Sequence[str]],
        limits: CheckpointLimits | None = None,
    ) -> None:
        """Nothing is looked at yet.

        Args:
            workspace: what is kept; its real path.
            repository: where, made where needed; nobody else writes it.
            limi_home: left out where it lies in the workspace.
            secrets: known secret values now; a file that holds one is left out.
            limits: what is still kept; None: the standard.
        """
        self.limits = limits or CheckpointLimits()
        self._repository = Repository(repository)
        self._survey = Survey(workspace, limi_home, repository, self.limits)
        self._secrets = secrets
        self._refused = ""
        self._trees: dict[str, bytes] = {}
        self._plain: PlainModes | None = None
        self._recalled = False
        self._last: Checkpoint | None = None

    @property
    def workspace(self) -> Path:
        """What is kept."""
        return self._survey.workspace

    def retry(self) -> None:
        """Look at the workspace again that was refused for its size."""
        self._refused = ""

    # Taking.

    def take(self) -> Checkpoint:
        """Keep the state of the workspace now. What is returned with an id outlives a loss of power."""
        began = time.monotonic()
        if self._refused:
            return Checkpoint(id=None, tree=None, skipped=self._refused)
        try:
            taken = self._take()
        except TooMuch as error:
            self._repository.abandon()
            self._refused = str(error)
            taken = Checkpoint(id=None, tree=None, skipped=self._refused)
        except OSError as error:
            self._repository.abandon()
            taken = Checkpoint(id=None, tree=None, skipped=_words(error, self._repository.path))
        except BaseException:
            self._repository.abandon()
            raise
        return replace(taken, duration_s=time.monotonic() - began)

    def _take(self) -> Checkpoint:
        survey = self._survey
        self._repository.open()
        self._recall()
        if survey.learn_secrets(self._secrets()):
            self._trees, self._last = {}, None
        with survey.opened() as root:
            if not survey.known:
                survey.also_kept = tracked_paths(root).union(survey.also_kept)
            found, changing = survey.read(root, lambda content: self._repository.add(BLOB, content))
        if self._last is not None and found is survey.known and not self._last.changing:
            return self._last
        self._plain = self._plain or most_common_modes(found)
        stored = store_state(
            found, known=survey.known, known_trees=self._trees, plain=self._plain, add=self._repository.add
        )
        self._commit()
        survey.known, survey.also_kept, self._trees = found, (), stored.trees
        self._repository.latest = stored.identity
        self._last = _checkpoint(stored, changing)
        return self._last

    def _recall(self) -> None:
        """Go on where an earlier process ended: what was kept stays kept."""
        latest = None if self._recalled else self._repository.latest
        if latest is not None:
            try:
                self._adopt(read_manifest(self._repository.git, latest))
            except CheckpointError:
                pass  # only that a kept file is kept although a rule ignores it is lost
        self._recalled = True

    def _adopt(self, manifest: Manifest) -> None:
        self._plain = self._plain or manifest.about.plain
        self._survey.also_kept = frozenset(manifest.kept_paths())

    def _commit(self) -> None:
        size = self._repository.size_bytes
        if size > self.limits.repository_bytes:
            raise TooMuch(f"the checkpoints of this session take {size / 1e9:.3g} GB; no more are kept")
        self._repository.commit()

    # Going back.

    def restore(self, target: CheckpointId, *, take_first: bool = True) -> Restored:
        """Make the workspace what it was at a checkpoint.

        Args:
            target: where to.
            take_first: keep the present state first, so that this can be undone.

        Raises:
            CheckpointError: the target is missing or damaged, or the present state could not be kept; then nothing
                was touched, unless contents of the target are missing.
            OSError: the workspace cannot be read.
        """
        git, survey = self._repository.git, self._survey
        self._repository.open()
        self._recall()
        manifest = read_manifest(git, target)
        with survey.opened() as root:
            before = self._kept_before(root, manifest) if take_first else None
            if not take_first and survey.learn_secrets(self._secrets()):
                self._trees = {}
            found = survey.known if take_first else survey.look(root, manifest)
            restored = Restoring(root, manifest, found, survey.rules(root), git.contents).run(before=before)
        self._adopt(manifest)
        self._repository.latest = target
        self._last, self._refused = None, ""
        return restored

    def _kept_before(self, root: int, wanted: Manifest) -> CheckpointId:
        taken = self.take()
        if taken.id is not None and unlocked(root, self._survey.known, wanted):
            taken = self.take()
        if taken.id is None:
            raise CheckpointError(
                f"the workspace was not restored, for its present state could not be kept: {taken.skipped}"
            )
        return taken.id

    # Looking back.

    def changes(self, old: CheckpointId, new: CheckpointId) -> tuple[FileChange, ...]:
        """Every path that differs between two checkpoints, sorted.

        Raises:
            CheckpointError: one is missing or damaged.
        """
        return changes_between(self._repository.git, old, new)

    def patch(
        self,
        old: CheckpointId,
        new: CheckpointId,
        *,
        paths: Sequence[str] = (),
        context: int = 3,
        most_chars: int = 1_000_000,
    ) -> str:
        """What differs as a unified diff; what is beyond ``most_chars`` is cut off with a line that says so.

        Raises:
            CheckpointError: one is missing or damaged.
        """
        git = self._repository.git
        return patch_between(git, old, new, paths=paths, context=context, most_chars=most_chars)

    def file(self, at: CheckpointId, path: str) -> bytes:
        """The content of a file, or what a link points to.

        Raises:
            CheckpointError: there is none at that checkpoint.
        """
        entry = read_manifest(self._repository.git, at).entries.get(path)
        if entry is None or stat.S_ISDIR(entry.mode):
            raise CheckpointError(f"there is no file {path} at checkpoint {at[:12]}")
        return next(iter(self._repository.git.contents([entry.identity])))

    def export(self, at: CheckpointId, directory: Path) -> None:
        """Write the workspace as it was into a new directory.

        Raises:
            CheckpointError: the directory is not empty, the checkpoint is missing, or something cannot be written.
            OSError: the directory cannot be made.
        """
        git = self._repository.git
        manifest = read_manifest(git, at)
        directory.mkdir(parents=True, exist_ok=True)
        root = os.open(directory, DIRECTORY)
        try:
            if next(directory.iterdir(), None) is not None:
                raise CheckpointError(f"{directory} is not empty; export into a new directory")
            done = Restoring(root, manifest, empty_directory(os.fstat(root).st_mode), Ignoring(), git.contents).run(
                before=None
            )
        finally:
            os.close(root)
        if done.problems:
            raise CheckpointError(f"the copy in {directory} is not whole: {'; '.join(done.problems[:5])}")

    def fork(self, repository: Path) -> None:
        """Make a repository with the same history for another session.

        Raises:
            CheckpointError: there is one already.
            OSError: it cannot be written.
        """
        self._repository.copied(repository)


def _checkpoint(stored: StoredState, changing: tuple[str, ...]) -> Checkpoint:
    about = stored.about
    left_out = tuple(f"{path}: {why}" for path, why in sorted(about.left_out.items()))
    if len(left_out) > _MOST_NAMED:
        left_out = (*left_out[:_MOST_NAMED], f"and {len(left_out) - _MOST_NAMED:,} more")
    return Checkpoint(
        id=stored.identity,
        tree=stored.tree,
        files=stored.files,
        size_bytes=stored.size_bytes,
        withheld=about.withheld,
        left_out=left_out,
        changing=changing[:_MOST_NAMED],
    )


def _words(error: OSError, repository: Path) -> str:
    if isinstance(error, CheckpointError):
        return str(error)
    if error.errno in _FULL:
        return f"the disk with {repository} is full: {os.strerror(error.errno or 0)}"
    return f"the workspace could not be kept: {error}"

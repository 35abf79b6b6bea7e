"""Making a workspace what it was: only what differs is touched, and nothing that is in no checkpoint.

Ignored and left-out files, sockets and every ``.git`` stay as they are; where one stands in the way, that is a
problem which is told. Not restored: owners, access lists, times, and that two names were one file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from limi_sessions.checkpoints.directories import Directories, Leaf
from limi_sessions.checkpoints.ignoring import Ignoring
from limi_sessions.checkpoints.manifest import Entry, Manifest
from limi_sessions.checkpoints.placing import NotAsSeen, Placing
from limi_sessions.checkpoints.state import CheckpointId, Restored

MOST_PROBLEMS = 200
_Contents = Callable[[list[str]], Iterator[bytes]]


@dataclass(slots=True)
class Restoring:
    """One restore."""

    root: int
    target: Manifest
    directories: Directories
    """What stands there."""
    rules: Ignoring
    """Ignore rules that come from outside of the workspace."""
    contents: _Contents
    restored: int = 0
    removed: int = 0
    unchanged: int = 0
    problems: list[str] = field(default_factory=list[str])
    _leaves: dict[str, Leaf] = field(default_factory=dict[str, Leaf])
    _gone: set[str] = field(default_factory=set[str])
    """Directories that were removed."""
    _placing: Placing = field(init=False)

    def run(self, *, before: CheckpointId | None) -> Restored:
        """Do it.

        Raises:
            CheckpointError: contents are missing; the workspace may be restored in part.
        """
        self._placing = Placing(self.root)
        for path, directory in self.directories.items():
            prefix = f"{path}/" if path else ""
            self._leaves.update({prefix + name: leaf for name, leaf in directory.leaves.items()})
        try:
            self._remove()
            self._make_directories()
            self._write()
        finally:
            self._set_directory_modes()
            self._placing.close()
        problems = self.problems[:MOST_PROBLEMS]
        if len(self.problems) > MOST_PROBLEMS:
            problems.append(f"and {len(self.problems) - MOST_PROBLEMS:,} more")
        return Restored(
            restored=self.restored,
            removed=self.removed,
            unchanged=self.unchanged,
            problems=tuple(problems),
            before=before,
        )

    def _try(self, path: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except NotAsSeen as error:
            self.problems.append(f"{path}: not restored, {error}")
        except OSError as error:
            self.problems.append(f"{path}: not restored, {os.strerror(error.errno or 0)}")
        else:
            return True
        return False

    # What is not to be there.

    def _remove(self) -> None:
        entries = self.target.entries
        hidden = _Hidden(self.target, self.rules, self.contents)
        for path, leaf in self._leaves.items():
            wanted = entries.get(path)
            if wanted is not None and not stat.S_ISDIR(wanted.mode):
                continue
            if leaf.why or (wanted is None and hidden.hides(path, directory=False)):
                continue  # nothing is known of it, now or then
            if self._try(path, lambda path=path, leaf=leaf: self._placing.remove(path, leaf.signature)):
                self.removed += wanted is None
        for path in reversed(self.directories):
            wanted = entries.get(path)
            if self.directories[path].why or (wanted is not None and stat.S_ISDIR(wanted.mode)):
                continue
            if wanted is not None or not hidden.hides(path, directory=True):
                self._remove_directory(path, counts=wanted is None)

    def _remove_directory(self, path: str, *, counts: bool) -> None:
        try:
            self._placing.remove_directory(path)
            self._gone.add(path)
            self.removed += counts
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                why = "it holds ignored or other files that are in no checkpoint"
            else:
                why = os.strerror(error.errno or 0)
            self.problems.append(f"{path}: not removed, {why}")

    # What is to be there.

    def _make_directories(self) -> None:
        for path, entry in self.target.entries.items():
            if stat.S_ISDIR(entry.mode) and path:
                present = self.directories.get(path)
                if present is not None:
                    if present.why:
                        self.problems.append(f"{path}: not restored, it {present.why}")
                elif self._try(path, lambda path=path: self._placing.make_directory(path)):
                    self.restored += 1
                else:
                    self._gone.add(path)

    def _write(self) -> None:
        wanted: list[tuple[str, Entry]] = []
        for path, entry in self.target.entries.items():
            if stat.S_ISDIR(entry.mode):
                continue
            leaf = self._leaves.get(path)
            if leaf is None or not self._same_content(leaf, entry):
                wanted.append((path, entry))
            elif stat.S_ISREG(entry.mode) and leaf.mode != entry.mode:
                mode = stat.S_IMODE(entry.mode)
                self.restored += self._try(path, lambda path=path, mode=mode: self._placing.set_mode(path, mode))
            else:
                self.unchanged += 1
        contents = self.contents([entry.identity for _, entry in wanted])
        for (path, entry), content in zip(wanted, contents, strict=True):
            self.restored += self._try(path, lambda p=path, e=entry, c=content: self._write_one(p, e, c))

    @staticmethod
    def _same_content(leaf: Leaf, entry: Entry) -> bool:
        return (
            leaf.identity is not None
            and leaf.identity.hex() == entry.identity
            and stat.S_IFMT(leaf.mode) == stat.S_IFMT(entry.mode)
        )

    def _write_one(self, path: str, entry: Entry, content: bytes) -> None:
        leaf = self._leaves.get(path)
        if leaf is not None and leaf.why:
            raise NotAsSeen(f"what stands there {leaf.why}")
        seen = None if leaf is None else leaf.signature
        if stat.S_ISLNK(entry.mode):
            self._placing.write_link(path, content, seen=seen)
        else:
            self._placing.write_file(path, content, mode=stat.S_IMODE(entry.mode), seen=seen)

    def _set_directory_modes(self) -> None:
        # From the deepest up: a directory that may not be entered any more has been dealt with.
        for path, mode in sorted(self._wanted_modes().items(), reverse=True):
            if self._try(path or ".", lambda path=path, mode=mode: self._placing.set_mode(path, mode)):
                present = self.directories.get(path)
                self.restored += present is not None and present.mode != mode

    def _wanted_modes(self) -> dict[str, int]:
        """Of the directories that were made, that differ, and that had to be made writable."""
        wanted = dict(self._placing.loosened)
        for path, entry in self.target.entries.items():
            if stat.S_ISDIR(entry.mode):
                present = self.directories.get(path)
                mode = stat.S_IMODE(entry.mode)
                if path in wanted or present is None or (present.mode != mode and not present.why):
                    wanted[path] = mode
        return {path: mode for path, mode in wanted.items() if path not in self._gone}


class _Hidden:
    """What the target would not have seen even if it had been there: ignored then, or left out."""

    def __init__(self, target: Manifest, rules: Ignoring, contents: _Contents) -> None:
        self._target = target
        files = [p for p, e in target.entries.items() if p.rpartition("/")[2] == ".gitignore" and stat.S_ISREG(e.mode)]
        texts = contents([target.entries[path].identity for path in files])
        self._own = {path.rpartition("/")[0]: text for path, text in zip(files, texts, strict=True)}
        self._rules = {"": self._extended(rules, "")}
        self._verdicts: dict[str, bool] = {"": False}

    def hides(self, path: str, *, directory: bool) -> bool:
        """Whether a path that is not in the target may have been there."""
        if self._target.about.protects(path):
            return True
        parent = path.rpartition("/")[0]
        return self._hides_directory(parent) or (
            self._hides_directory(path) if directory else self._inside(parent).ignores(path, directory=False)
        )

    def _hides_directory(self, path: str) -> bool:
        pending = [path]
        while (parent := pending[-1].rpartition("/")[0]) not in self._verdicts and pending[-1] not in self._verdicts:
            pending.append(parent)
        for each in reversed(pending):
            if each not in self._verdicts:
                parent = each.rpartition("/")[0]
                above = self._verdicts[parent]
                kept = each in self._target.entries
                self._verdicts[each] = not kept and (above or self._inside(parent).ignores(each, directory=True))
        return self._verdicts[path]

    def _inside(self, path: str) -> Ignoring:
        missing: list[str] = []
        while path not in self._rules:
            missing.append(path)
            path = path.rpartition("/")[0]
        rules = self._rules[path]
        for each in reversed(missing):
            rules = self._rules[each] = self._extended(rules, each)
        return rules

    def _extended(self, rules: Ignoring, path: str) -> Ignoring:
        return rules.extended(path, self._own[path]) if path in self._own else rules

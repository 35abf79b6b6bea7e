"""What differs between two checkpoints, and as a unified diff."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from limi_sessions.checkpoints.gitprogram import GitProgram
from limi_sessions.checkpoints.manifest import Entry, Manifest, files_of, read_manifest
from limi_sessions.checkpoints.state import ChangeKind, CheckpointId, FileChange

_PLAIN_DIFF = ("--no-renames", "--no-ext-diff", "--no-textconv")
_CUT = "\n[the rest of the diff is left out]\n"


def changes_between(git: GitProgram, old: CheckpointId, new: CheckpointId) -> tuple[FileChange, ...]:
    """Every path that differs, in order of their bytes.

    Raises:
        CheckpointError: one is missing or damaged.
    """
    if old == new:
        return ()
    before, after = read_manifest(git, old), read_manifest(git, new)
    full = [{path.rpartition("/")[0] for path in manifest.entries} for manifest in (before, after)]
    differing = [
        path
        for path in before.entries.keys() | after.entries.keys()
        if _differs(before.entries.get(path), after.entries.get(path), full=path in full[0] or path in full[1])
    ]
    found = [(before.entries.get(path), after.entries.get(path)) for path in differing]
    sizes = _sizes(git, {entry.identity for pair in found for entry in pair if entry and not stat.S_ISDIR(entry.mode)})
    lines = _lines(git, old, new)
    changes: list[FileChange] = []
    for path, (was, now) in zip(differing, found, strict=True):
        directory = stat.S_ISDIR((now or was or Entry(0, "")).mode)
        added, removed, binary = lines.get(path, (0, 0, False))
        changes.append(
            FileChange(
                path=(f"{path}/" if path else "./") if directory else path,
                kind=_kind(path, before, after),
                old_size=None if was is None else sizes.get(was.identity),
                new_size=None if now is None else sizes.get(now.identity),
                old_mode=None if was is None else was.mode,
                new_mode=None if now is None else now.mode,
                binary=binary,
                added=added,
                removed=removed,
            )
        )
    return tuple(sorted(changes, key=lambda change: os.fsencode(change.path)))


def _differs(was: Entry | None, now: Entry | None, *, full: bool) -> bool:
    """Whether a path is told; a directory with something in it shows by what is in it."""
    directories = [entry is not None and stat.S_ISDIR(entry.mode) for entry in (was, now)]
    if was is not None and now is not None and all(directories):
        return was.mode != now.mode
    return was != now and not (full and None in {was, now} and any(directories))


def _kind(path: str, before: Manifest, after: Manifest) -> ChangeKind:
    was, now = before.entries.get(path), after.entries.get(path)
    if was is None:
        return "modified" if before.about.protects(path) else "added"
    if now is None:
        return "modified" if after.about.protects(path) else "deleted"
    if stat.S_IFMT(was.mode) != stat.S_IFMT(now.mode):
        return "type"
    return "mode" if was.identity == now.identity or stat.S_ISDIR(now.mode) else "modified"


def _sizes(git: GitProgram, identities: set[str]) -> dict[str, int]:
    ids = sorted(identities)
    printed = git.run(["cat-file", "--batch-check=%(objectsize)"], given="".join(f"{each}\n" for each in ids).encode())
    return {each: int(size) for each, size in zip(ids, printed.split(), strict=True)}


def _lines(git: GitProgram, old: CheckpointId, new: CheckpointId) -> dict[str, tuple[int, int, bool]]:
    """Path -> (lines added, lines removed, whether it is binary)."""
    printed = git.run(["diff-tree", "-r", "-z", "--numstat", *_PLAIN_DIFF, files_of(old), files_of(new)])
    lines: dict[str, tuple[int, int, bool]] = {}
    for line in os.fsdecode(printed).split("\0")[:-1]:
        added, removed, path = line.split("\t", 2)
        binary = added == "-"
        lines[path] = (0, 0, True) if binary else (int(added), int(removed), False)
    return lines


def patch_between(
    git: GitProgram, old: CheckpointId, new: CheckpointId, *, paths: Sequence[str], context: int, most_chars: int
) -> str:
    """A unified diff; bytes that are no UTF-8 are replaced.

    Raises:
        CheckpointError: a checkpoint is missing or damaged.
    """
    options = ("--no-color", "--src-prefix=a/", "--dst-prefix=b/", f"--unified={context}", *_PLAIN_DIFF)
    wanted = (path.rstrip("/") for path in paths)
    printed, more = git.beginning(
        ["diff-tree", "-r", "-p", *options, files_of(old), files_of(new), "--", *wanted], most=4 * most_chars
    )
    text = printed.decode(errors="replace")
    if more or len(text) > most_chars:
        return text[:most_chars].rpartition("\n")[0] + _CUT
    return text

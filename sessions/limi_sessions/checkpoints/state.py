"""What a checkpoint, a restore and a change are: plain values and the family of errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

CheckpointId: TypeAlias = str
"""A git tree id of 64 hex digits that names files, links, directories, permission bits and what was left out.

Equal ids are equal states.
"""
ChangeKind: TypeAlias = Literal["added", "deleted", "modified", "mode", "type"]


class CheckpointError(OSError):
    """A checkpoint cannot be read, restored or copied; the message says which, why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointLimits:
    """What is still kept; one more and it is not."""

    file_bytes: int = 10_000_000
    """A larger file is left out and named."""
    total_bytes: int = 500_000_000
    """Of all files together; beyond, nothing is kept."""
    files: int = 50_000
    """Files and links; beyond, nothing is kept."""
    names: int = 200_000
    """Names looked at, ignored ones and directories counted; beyond, nothing is kept."""
    scan_s: float = 20.0
    """Seconds for looking at all names; beyond, nothing is kept."""
    repository_bytes: int = 5_000_000_000
    """Of all checkpoints of a session on disk; beyond, no more are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """The workspace as it was found, or why it was not kept."""

    id: CheckpointId | None
    """None when nothing was kept."""
    tree: str | None
    """The git tree of the workspace's files alone; None when nothing was kept."""
    files: int = 0
    """Files and links that were kept."""
    size_bytes: int = 0
    """Of these, uncompressed."""
    skipped: str = ""
    """Why nothing was kept; empty when it was."""
    withheld: tuple[str, ...] = ()
    """Files left out because they hold a known secret; relative to the workspace, sorted."""
    left_out: tuple[str, ...] = ()
    """Others that were left out, each as ``path: why``; at most 100, then one line with the number of the rest."""
    changing: tuple[str, ...] = ()
    """Paths that were changed while they were read: the checkpoint may hold states of different instants."""
    duration_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What a restore did."""

    restored: int
    """Files, links and directories that were written or whose permission bits were set."""
    removed: int
    unchanged: int
    problems: tuple[str, ...]
    """What could not be made as it was, each as ``path: why``; empty when the workspace is byte-identical."""
    before: CheckpointId | None
    """The state that was replaced; None when it was not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileChange:
    """One path that differs between two checkpoints."""

    path: str
    """Relative to the workspace; bytes that are no UTF-8 are surrogate-escaped. A directory's ends in ``/``."""
    kind: ChangeKind
    old_size: int | None
    """Bytes; None when it did not exist, is a directory, or was left out."""
    new_size: int | None
    old_mode: int | None
    """File type and permission bits as in ``st_mode``; None when it did not exist or was left out."""
    new_mode: int | None
    binary: bool = False
    added: int = 0
    """Lines; 0 for binary files."""
    removed: int = 0

"""A snapshot of the workspace as a session found it, in a git repository of the session's own.

The user's repository is never touched: its index, hooks, config and objects are not used. Honours ignore files. What is
too large to keep is not kept, and the reason is recorded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from limi_sessions.paths import private_directory
from limi_sessions.records.payload import WorkspaceSnapshotTaken

MOST_FILES = 20_000
MOST_BYTES = 500 * 1024 * 1024
_GIT_SECONDS = 60.0


class _TooLarge(Exception):
    """The workspace passes a limit; the text is the reason."""


def take_snapshot(workspace: Path, repository: Path) -> WorkspaceSnapshotTaken:
    """Store the workspace's files as a tree in a bare repository, made where needed.

    Blocks for as long as git takes: call it in a thread.

    Returns:
        The payload to record; `skipped` holds the reason when nothing was stored.
    """
    git = shutil.which("git")
    if git is None:
        return WorkspaceSnapshotTaken(tree=None, skipped="git is not installed")
    files = size = 0
    try:
        private_directory(repository)
        _git(git, repository, workspace, "init", "--quiet", "--bare", "--template=", str(repository))
        listing = _git(git, repository, workspace, "ls-files", "-z", "--others", "--cached", "--exclude-standard")
        files, size = _measure(listing, workspace)
        _git(git, repository, workspace, "add", "--all", "--ignore-errors", ".")
        tree = _git(git, repository, workspace, "write-tree").strip()
    except _TooLarge as error:
        return WorkspaceSnapshotTaken(tree=None, skipped=str(error))
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return WorkspaceSnapshotTaken(tree=None, files=files, size_bytes=size, skipped=f"git failed: {reason}"[:500])
    return WorkspaceSnapshotTaken(tree=tree, files=files, size_bytes=size)


def _measure(listing: str, workspace: Path) -> tuple[int, int]:
    """(files, bytes) of a NUL-separated listing.

    Raises:
        _TooLarge: a limit is met.
    """
    names = listing.split("\0")[:-1]
    if len(names) > MOST_FILES:
        raise _TooLarge(f"{len(names)} files, more than {MOST_FILES}")
    size = 0
    for name in names:
        try:
            size += (workspace / name).lstat().st_size
        except OSError:
            continue
        if size > MOST_BYTES:
            raise _TooLarge(f"more than {MOST_BYTES // 1024 // 1024} MB")
    return len(names), size


def _git(git: str, repository: Path, workspace: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_DIR": str(repository),
        "GIT_WORK_TREE": str(workspace),
        "GIT_INDEX_FILE": str(repository / "index"),
        "LC_ALL": "C",
    }
    settings = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.autocrlf=false", "core.bare=false")
    flags = [part for setting in settings for part in ("-c", setting)]
    allowed = {0, 1} if arguments[0] == "add" else {0}
    if arguments[0] == "init":
        environment = {k: v for k, v in environment.items() if not k.startswith("GIT_") or "CONFIG" in k}
    # `git add --ignore-errors` exits 1 when it had to leave out unreadable files; the others are in the index.
    ran = subprocess.run(
        [git, *flags, *arguments],
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_GIT_SECONDS,
        stdin=subprocess.DEVNULL,
        umask=0o077,
    )
    if ran.returncode not in allowed:
        raise subprocess.CalledProcessError(ran.returncode, ran.args, ran.stdout, ran.stderr)
    return ran.stdout

"""A snapshot of the workspace as a session found it, in a git repository of the session's own.

The user's repository is never touched: its index, hooks, config and objects are not used. Honours ignore files. What is
too large to keep is not kept, and the reason is recorded. Files that hold a known secret are left out, and so is limi's
own home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from limi_sessions.paths import private_directory
from limi_sessions.records.payload import WorkspaceSnapshotTaken

MOST_FILES = 20_000
MOST_BYTES = 500 * 1024 * 1024
_GIT_SECONDS = 60.0
_MOST_WITHHELD = 200
"""Files with secrets; more would not fit on git's command line."""
_PIECE = 1 << 20


class _TooLarge(Exception):
    """The workspace passes a limit; the text is the reason."""


def take_snapshot(
    workspace: Path, repository: Path, *, limi_home: Path, secrets: Sequence[str] = ()
) -> WorkspaceSnapshotTaken:
    """Store the workspace's files as a tree in a bare repository, made where needed.

    Blocks for as long as git takes: call it in a thread.

    Args:
        workspace: what is kept.
        repository: where.
        limi_home: left out where it lies in the workspace: it changes while git reads it.
        secrets: known secret values; a file that holds one is left out.

    Returns:
        The payload to record; `skipped` holds the reason when nothing was stored.
    """
    git = shutil.which("git")
    if git is None:
        return WorkspaceSnapshotTaken(tree=None, skipped="git is not installed")
    files = size = 0
    withheld: tuple[str, ...] = ()
    try:
        private_directory(repository)
        _git(git, repository, workspace, "init", "--quiet", "--bare", "--template=", str(repository))
        kept = [".", *_without_home(workspace, limi_home)]
        listing = _git(
            git, repository, workspace, "ls-files", "-z", "--others", "--cached", "--exclude-standard", "--", *kept
        )
        names = listing.split("\0")[:-1]
        files, size = _measure(names, workspace)
        withheld = _holding(secrets, names, workspace)
        kept += [f":(exclude,literal){name}" for name in withheld]
        _git(git, repository, workspace, "add", "--all", "--ignore-errors", "--", *kept)
        tree = _git(git, repository, workspace, "write-tree").strip()
    except _TooLarge as error:
        return WorkspaceSnapshotTaken(tree=None, skipped=str(error))
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return WorkspaceSnapshotTaken(tree=None, files=files, size_bytes=size, skipped=f"git failed: {reason}"[:500])
    return WorkspaceSnapshotTaken(tree=tree, files=files - len(withheld), size_bytes=size, withheld=withheld)


def _without_home(workspace: Path, limi_home: Path) -> list[str]:
    home = limi_home.resolve()
    if workspace.is_relative_to(home):
        raise _TooLarge("the workspace lies in limi's own home")
    return [f":(exclude,literal){home.relative_to(workspace)}"] if home.is_relative_to(workspace) else []


def _holding(secrets: Sequence[str], names: Sequence[str], workspace: Path) -> tuple[str, ...]:
    """Names of the files that hold one of the secrets.

    Raises:
        _TooLarge: they are too many to leave out one by one.
    """
    needles = [secret.encode("utf-8", "surrogateescape") for secret in secrets]
    found = tuple(name for name in names if needles and _holds(workspace / name, needles))
    if len(found) > _MOST_WITHHELD:
        raise _TooLarge(f"{len(found)} files hold known secrets")
    return found


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    overlap = max(map(len, needles))
    try:
        if not path.is_file() or path.is_symlink():
            return False
        with path.open("rb") as stream:
            before = b""
            while piece := stream.read(_PIECE):
                window = before + piece
                if any(needle in window for needle in needles):
                    return True
                before = window[-overlap:]
    except OSError:
        return False  # git cannot read it either
    return False


def _measure(names: Sequence[str], workspace: Path) -> tuple[int, int]:
    """(files, bytes) of these files.

    Raises:
        _TooLarge: a limit is met.
    """
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
        errors="surrogateescape",
        timeout=_GIT_SECONDS,
        stdin=subprocess.DEVNULL,
        umask=0o077,
    )
    if ran.returncode not in allowed:
        raise subprocess.CalledProcessError(ran.returncode, ran.args, ran.stdout, ran.stderr)
    return ran.stdout

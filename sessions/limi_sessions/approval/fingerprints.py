"""What the files that a command names hold now, so that the same words over other files are noticed.

Knows nothing of approval.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

LARGEST = 64_000_000
"""Bytes of the largest file that is read."""
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_SEPARATORS = re.compile(r"[\s=:,;'\"(){}<>|&@]+")
_UNASKED: dict[str, tuple[str, ...]] = {
    "git": (".git", ".git/config", ".git/hooks", ".gitattributes", ".gitmodules"),
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", ".justfile", "Justfile"),
    "npm": ("package.json",),
    "pnpm": ("package.json",),
    "yarn": ("package.json",),
    "cargo": ("Cargo.toml", "build.rs", ".cargo/config.toml"),
    "tox": ("tox.ini",),
    "nox": ("noxfile.py",),
    "pytest": ("conftest.py", "pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"),
}
"""Files that a program looks for by itself, from its directory upwards, and takes commands from."""

Fingerprint = tuple[tuple[str, str], ...]
"""(path, what is there), in the order of the words; see `fingerprint_of`."""


class FileTooLarge(Exception):
    """A named file is larger than `LARGEST`."""


def fingerprint_of(words: Iterable[str], cwd: Path, *, workspace: Path) -> Fingerprint:
    """What stands at every path that the words may name, and at those that the program reads unasked.

    A word is a path, and so is each part of it around ``=``, ``:``, ``,``, quotes and the like. What is there is the
    resolved path with the SHA-256 of a file, or the kind of anything else. Reads files, so it is called in a thread.

    Args:
        words: program first.
        cwd: where relative paths begin.
        workspace: real path; files read unasked are looked for from ``cwd`` up to it.

    Raises:
        FileTooLarge: the message names it.
    """
    listed = tuple(words)
    paths = {part: None for word in listed for part in (word, *_SEPARATORS.split(word)) if part}
    found = [(path, _at(os.path.join(cwd, path))) for path in paths]  # noqa: PTH118 - words need no normal form
    program = PurePath(listed[0]).name if listed else ""
    found += [(str(path), _at(str(path))) for path in _unasked(program, cwd, workspace)]
    return tuple((path, there) for path, there in found if there)


def files_in(fingerprint: Fingerprint) -> tuple[str, ...]:
    """The paths that name regular files, as the words have them."""
    return tuple(path for path, there in fingerprint if there.startswith("file "))


def _unasked(program: str, cwd: Path, workspace: Path) -> Iterator[Path]:
    for name in _UNASKED.get(program, ()):
        for directory in (cwd, *cwd.parents):
            path = directory / name
            yield path
            if path.name == "hooks":
                yield from sorted(hook for hook in path.glob("*") if hook.suffix != ".sample")
            if directory == workspace or not directory.is_relative_to(workspace):
                break


def _at(path: str) -> str:
    """Kind, resolved path and content of what is there; empty when nothing is, or nothing can be."""
    try:
        # Only a regular file is opened: opening a device may do something.
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "directory" if stat.S_ISDIR(status.st_mode) else f"other {stat.S_IFMT(status.st_mode):o}"
            return f"{kind} {os.path.realpath(path)}"
        if status.st_size > LARGEST:
            raise FileTooLarge(f"{path} has more than {LARGEST // 1_000_000} MB")
        with os.fdopen(os.open(path, _READ), "rb") as stream:
            return f"file {os.path.realpath(path)} {hashlib.file_digest(stream, 'sha256').hexdigest()}"
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return ""
    except OSError as error:
        # What cannot be looked at still may be there, and may come to be readable.
        return f"closed {error.strerror}"

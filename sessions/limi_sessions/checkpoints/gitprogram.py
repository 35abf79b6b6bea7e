"""The git program on a session's own bare repository, shut off from everybody's settings and from the workspace.

Git is never told of the workspace: it has no work tree, no index and no current directory there. So nothing that is
written in the workspace (a nested repository's configuration, hooks, attributes, filters) can make it run anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from limi_sessions.checkpoints.state import CheckpointError
from limi_sessions.paths import private_directory, write_in_place

_SECONDS = 120.0
_PIPELINED = 256
"""Requests sent ahead of their answers: fewer bytes than a pipe holds, so neither side waits for the other."""
_ATTRIBUTES = b"* -text -eol -ident -filter -working-tree-encoding\n"
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.fsmonitor=false",
    "core.protectNTFS=false",
    "core.protectHFS=false",
    "gc.auto=0",
    "maintenance.auto=false",
)


class GitMissing(CheckpointError):
    """There is no git program, or it is too old."""


class GitProgram:
    """Git commands on one bare repository; every process has ended when a method returns."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository

    def make_repository(self) -> None:
        """Create the repository where there is none.

        Objects are named by SHA-256: whoever writes the workspace could prepare two files with one SHA-1.

        Raises:
            GitMissing, CheckpointError: git is missing, older than 2.29, or failed.
            OSError: the directory cannot be written.
        """
        attributes = self.repository / "info" / "attributes"
        # Written last, and in place: a killed process leaves no temporary file; what it left unfinished is done again.
        if attributes.is_file() and attributes.read_bytes() == _ATTRIBUTES:
            _program()
            return
        private_directory(self.repository)
        try:
            options = ("--quiet", "--bare", "--template=", "--object-format=sha256")
            self.run(["init", *options, str(self.repository)], inside=False)
        except CheckpointError as error:
            if "object-format" in str(error):
                raise GitMissing("git is too old for checkpoints; install 2.29 or newer") from error
            raise
        for path in (self.repository / "HEAD", self.repository / "config", *_directories(self.repository)):
            flush(path)
        write_in_place(attributes, _ATTRIBUTES)

    def run(self, arguments: Sequence[str], *, given: bytes = b"", inside: bool = True) -> bytes:
        """What a command prints.

        Raises:
            GitMissing: there is no git.
            CheckpointError: it failed; the message holds what it said.
        """
        try:
            ran = subprocess.run(
                self._command(arguments),
                cwd=self.repository,
                env=self._environment(inside=inside),
                input=given,
                capture_output=True,
                timeout=_SECONDS,
                umask=0o077,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()[:500]
            raise CheckpointError(f"git {arguments[0]} failed: {said or error.returncode}") from error
        except subprocess.TimeoutExpired as error:
            raise CheckpointError(f"git {arguments[0]} did not end within {_SECONDS:g} s") from error
        return ran.stdout

    def beginning(self, arguments: Sequence[str], *, most: int) -> tuple[bytes, bool]:
        """(up to ``most`` bytes of what a command prints, whether there was more).

        Raises:
            GitMissing: there is no git.
            CheckpointError: it failed.
        """
        with subprocess.Popen(
            self._command(arguments),
            cwd=self.repository,
            env=self._environment(inside=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            printed = process.stdout.read(most + 1)
            if len(printed) > most:
                process.kill()
        if process.returncode != 0 and len(printed) <= most:
            raise CheckpointError(f"git {arguments[0]} failed with exit code {process.returncode}")
        return printed[:most], len(printed) > most

    def contents(self, ids: Iterable[str]) -> Iterator[bytes]:
        """The contents of objects, in order.

        Raises:
            GitMissing: there is no git.
            CheckpointError: one is missing or damaged.
        """
        wanted = list(ids)
        if not wanted:
            return
        with subprocess.Popen(
            self._command(["cat-file", "--batch"]),
            cwd=self.repository,
            env=self._environment(inside=True),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                for start in range(0, len(wanted), _PIPELINED):
                    piece = wanted[start : start + _PIPELINED]
                    process.stdin.write("".join(f"{each}\n" for each in piece).encode())
                    process.stdin.flush()
                    for each in piece:
                        head = process.stdout.readline().split()
                        if len(head) != 3:
                            raise CheckpointError(f"object {each} is missing from {self.repository}")
                        size = int(head[2])
                        content = process.stdout.read(size + 1)
                        if len(content) != size + 1:
                            raise CheckpointError(f"object {each} in {self.repository} is damaged")
                        yield content[:-1]
            except BrokenPipeError as error:
                raise CheckpointError(f"git ended while it read {self.repository}") from error
            finally:
                process.kill()

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [_program(), *(part for setting in _SETTINGS for part in ("-c", setting)), *arguments]

    def _environment(self, *, inside: bool) -> dict[str, str]:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "HOME": os.devnull,
            "LC_ALL": "C",
        }
        return environment | ({"GIT_DIR": str(self.repository)} if inside else {})


def _directories(repository: Path) -> list[Path]:
    return [*(path for path in repository.rglob("*") if path.is_dir()), repository, repository.parent]


def flush(path: Path) -> None:
    """Make a file's content, or the names in a directory, outlive a loss of power.

    Raises:
        OSError: it cannot be.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _program() -> str:
    found = shutil.which("git")
    if found is None:
        raise GitMissing("git is not installed: there are no checkpoints and no undo without it")
    return found

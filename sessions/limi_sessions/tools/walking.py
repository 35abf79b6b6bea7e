"""Walking the files of a workspace within bounds, without following links, and matching their paths.

Knows nothing of what stands in the files.

Source: ``*``, ``?`` and ``[...]`` as in fnmatch(3), ``**`` as in bash's globstar, ``{a,b}`` as in bash.
"""

from __future__ import annotations

import fnmatch
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from limi_sessions.tools.pathpolicy import Workspace
from limi_sessions.tools.refusal import PathRefused, ToolRefused

SKIPPED_DIRECTORIES = frozenset({".git", "node_modules", "__pycache__", ".venv"})
"""Not entered unless a call starts inside of one."""
_LONGEST_PATTERN = 1000
_MOST_ALTERNATIVES = 64
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


@dataclass
class Walk:
    """One bounded walk; ``stopped`` says why it ended early, empty when it saw everything."""

    workspace: Workspace
    seconds: float = 10.0
    most_names: int = 200_000
    clock: Callable[[], float] = time.monotonic
    names: int = 0
    stopped: str = ""
    _deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self._deadline = self.clock() + self.seconds

    def files(self, start: PurePosixPath) -> Iterator[PurePosixPath]:
        """Regular files beneath a directory in order of their paths, relative to the workspace.

        Raises:
            PathRefused, OSError: the directory itself cannot be read.
        """
        found = self._scan(start)
        pending = [found]
        while pending:
            if not pending[-1]:
                pending.pop()
                continue
            if self._spent():
                return
            path, is_directory = pending[-1].pop()
            if not is_directory:
                yield path
                continue
            try:
                pending.append(self._scan(path))
            except (PathRefused, OSError):
                continue

    def _scan(self, path: PurePosixPath) -> list[tuple[PurePosixPath, bool]]:
        """Names of a directory worth a visit, last first."""
        with self.workspace.directory(path) as descriptor, os.scandir(descriptor) as scan:
            kept: list[tuple[PurePosixPath, bool]] = []
            for entry in scan:
                self.names += 1
                if self.names % 1000 == 0 and self._spent():
                    break
                is_directory = entry.is_dir(follow_symlinks=False)
                if is_directory and entry.name in SKIPPED_DIRECTORIES:
                    continue
                if is_directory or entry.is_file(follow_symlinks=False):
                    kept.append((path / entry.name, is_directory))
        return sorted(kept, reverse=True)

    def _spent(self) -> bool:
        if self.names > self.most_names:
            self.stopped = f"stopped after {self.most_names:,} names"
        elif self.clock() > self._deadline:
            self.stopped = f"stopped after {self.seconds:g} s"
        return bool(self.stopped)


class GlobPattern:
    """A glob pattern for relative paths; matching takes time linear in the path for a given pattern."""

    def __init__(self, pattern: str) -> None:
        """Compile a pattern.

        Raises:
            ToolRefused: it is empty, too long, or has more than 64 alternatives.
        """
        if not pattern or len(pattern) > _LONGEST_PATTERN or "\0" in pattern:
            raise ToolRefused(f"the pattern must have 1 to {_LONGEST_PATTERN} characters and no NUL")
        self._alternatives = [_segments(alternative) for alternative in _alternatives(pattern)]

    def matches(self, path: PurePosixPath) -> bool:
        """Whether the whole path matches."""
        return any(_matches(segments, path.parts) for segments in self._alternatives)


_Segments = list["re.Pattern[str] | None"]
"""One pattern a path component; None is ``**``."""


def _alternatives(pattern: str) -> list[str]:
    expanded = [pattern]
    while (index := next((i for i, text in enumerate(expanded) if _BRACES.search(text)), None)) is not None:
        text = expanded[index]
        found = _BRACES.search(text)
        if found is None:
            break
        expanded[index : index + 1] = [
            text[: found.start()] + choice + text[found.end() :] for choice in found.group(1).split(",")
        ]
        if len(expanded) > _MOST_ALTERNATIVES:
            raise ToolRefused(f"the pattern has more than {_MOST_ALTERNATIVES} alternatives in braces")
    return expanded


def _segments(pattern: str) -> _Segments:
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    return [None if part == "**" else re.compile(fnmatch.translate(part)) for part in parts]


def _matches(segments: _Segments, parts: tuple[str, ...]) -> bool:
    states = _reached({0}, segments)
    for part in parts:
        following: set[int] = set()
        for state in states:
            if state == len(segments):
                continue
            segment = segments[state]
            if segment is None:
                following.add(state)
            elif segment.match(part):
                following.add(state + 1)
        states = _reached(following, segments)
    return len(segments) in states


def _reached(states: set[int], segments: _Segments) -> set[int]:
    """The states and those that ``**`` lets through without a component."""
    reached = set(states)
    for state in sorted(states):
        following = state
        while following < len(segments) and segments[following] is None:
            following += 1
            reached.add(following)
    return reached

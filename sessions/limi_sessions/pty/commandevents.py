"""What the tracker tells of commands: one frozen value a kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limi_sessions.pty.window import Printed


@dataclass(frozen=True)
class Began:
    """A command runs."""

    by: Literal["human", "agent"]
    command: str


@dataclass(frozen=True)
class RawFinished:
    """A command ended; its output is not rendered yet."""

    serial: int
    """Of the agent's expectation, 0 for others."""
    by: Literal["human", "agent"]
    command: str
    printed: Printed
    exit_code: int | None
    cwd: str | None
    duration_s: float
    cast_from: int
    cast_to: int
    interrupted: bool
    spool: Path | None
    echoed: bool = False
    """The output begins with the echo of the typed line: the shell never said that it began."""
    lost: bool = False
    """The shell ended with it."""


@dataclass(frozen=True)
class PromptShown:
    """The shell waits for a line."""

    hooked: bool = True
    """It said so itself; False: taken from a sentinel."""


@dataclass(frozen=True)
class ExitRead:
    """A command's exit code is known; its prompt should follow."""

    count: int
    """Of D marks so far."""


@dataclass(frozen=True)
class HooksLost:
    """A prompt came without the marks before it."""


TrackerEvent = Began | RawFinished | PromptShown | ExitRead | HooksLost

"""What a tool is: a schema shown to the model, a preview shown to the expert, and a run.

Knows nothing of single tools, of providers and of screens.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from limi_sessions.records.message import ToolSchema
from limi_sessions.records.payload import ToolStatus
from limi_sessions.records.value import JsonObject
from limi_sessions.records.visible import SuspiciousCharacter
from limi_sessions.tools.refusal import ToolRefused

if TYPE_CHECKING:
    from limi_sessions.pty.shell import SharedShell

__all__ = ["Effect", "FileEdit", "Preview", "Tool", "ToolContext", "ToolRefused", "ToolResult"]

Effect = Literal["none", "files", "commands"]
"""What a call may change: nothing that lasts; files of the workspace that it names; anything, as a command can."""


def _unmasked(text: str) -> str:
    return text


@dataclass(frozen=True, kw_only=True)
class ToolContext:
    """What one call may touch."""

    workspace: Path
    """Real path (links resolved) of the directory that file tools are confined to."""
    artifacts: Path
    """Directory of whole outputs, in the session's directory; made when needed."""
    shell: SharedShell | None
    """None: the shell was lost and not yet restarted."""
    lease_epoch: Callable[[], int]
    """The epoch under which the agent may type, read at each use."""
    ask: Callable[[str, Sequence[str]], Awaitable[str | None]]
    """Puts a question and its options (possibly none) to the expert; None: nobody is here."""
    write_todos: Callable[[tuple[JsonObject, ...]], Awaitable[None]]
    """Replaces the agent's list of steps."""
    clock: Callable[[], float] = time.monotonic
    """Seconds; only differences count."""
    mask: Callable[[str], str] = field(default=_unmasked)
    """Replaces known secret values before an artifact is written."""
    approved: FileEdit | None = None
    """The change that a person saw and accepted: the file must still be what it was then; None: nobody looked."""


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What a call came to."""

    status: ToolStatus
    text: str = ""
    """What the model sees, without the status line."""
    exit_code: int | None = None
    """None: unknown, still running, or not a command."""
    cwd: str | None = None
    duration_s: float = 0.0
    truncated_chars: int = 0
    """Characters that the text lacks of the whole output."""
    artifact: str | None = None
    """Path of the whole output relative to the session's directory, None when nothing was cut."""
    cast_from: int | None = None
    cast_to: int | None = None
    is_command: bool = False
    """The call ran a shell command to its end: an exit code of None then reads ``unknown``."""
    whole: Path | None = None
    """File of the whole output, made by the tool; the toolbox keeps it as the artifact or removes it."""


@dataclass(frozen=True, kw_only=True)
class FileEdit:
    """What a call would make of one file."""

    path: str
    """Relative to the workspace."""
    before: str | None
    """None: the file is made. Bytes that are no UTF-8 are drawn."""
    after: str
    base_sha256: str | None
    """Of the bytes that ``before`` shows; None: there was no file."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a person approves: exactly what the call would do."""

    title: str
    """One line."""
    body: str
    """Command, diff or text; hidden characters drawn."""
    form: Literal["command", "diff", "text"]
    suspicious: tuple[SuspiciousCharacter, ...] = ()
    """Hidden and look-alike characters of what was proposed."""
    edit: FileEdit | None = None
    """For a diff: both sides of it, and what the call was approved against."""


class Tool(Protocol):
    """One tool; holds no state between calls."""

    schema: ToolSchema
    effect: Effect

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """What a person approves; may read files, so it is called in a thread.

        Raises:
            ToolRefused, OSError: the call would fail.
        """
        ...

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """Do it; the arguments are valid by the schema.

        Raises:
            ToolRefused, OSError: it cannot be done.
        """
        ...

"""What the shared shell is told, and what it tells: plain values and the listener's protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import LeaseOwner, ShellName, ToolStatus

Typed = Literal["typed", "swallowed", "lost"]
"""``swallowed``: the agent holds the lease, nothing was typed; ``lost``: there is no shell any more."""
Until = Literal["prompt", "text", "idle", "exit"]


@dataclass(frozen=True, kw_only=True)
class ShellConfig:
    """How one shell is started."""

    shell: ShellName
    cwd: Path
    cols: int = 120
    rows: int = 36
    cast_path: Path | None
    """The recording; must not exist. None: nothing is recorded."""
    home: Path
    """The session's directory for start-up files and history."""
    environment: Mapping[str, str]
    """Made by `shell_environment`; used as it is."""
    secrets: tuple[str, ...] = ()
    """Known values, masked in the recording."""
    start_timeout_s: float = 10.0
    wrap: Callable[[list[str]], list[str]] | None = None
    """A sandbox's way to run an argv; None: as it is."""
    most_processes: int | None = None
    """With more processes and threads at once the shell is ended with all of them; None: any number may run."""


@dataclass(frozen=True, kw_only=True)
class FinishedCommand:
    """A command of either hand that has ended."""

    by: Literal["human", "agent"]
    command: str
    """As the shell read it; empty when the shell did not say."""
    output: str
    """Plain text without the echoed command and the prompt."""
    exit_code: int | None
    """None: unknown."""
    cwd: str | None
    """After the command; None: unknown."""
    duration_s: float
    cast_from: int
    cast_to: int
    output_bytes: int
    """All that it printed, before rendering."""
    truncated_bytes: int
    """How many of them, from the middle, ``output`` does not hold."""
    interrupted: bool = False
    """Ctrl-C was sent while it ran."""


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """What became of a command of the agent by the time its call returned."""

    status: ToolStatus
    output: str
    """What it printed, or so far, or why nothing was typed (``error``)."""
    exit_code: int | None = None
    cwd: str | None = None
    duration_s: float = 0.0
    cast_from: int | None = None
    cast_to: int | None = None
    screen: str = ""
    """The screen, when the command has not ended."""
    state: ShellState = "prompt"
    output_bytes: int = 0
    truncated_bytes: int = 0
    spool: Path | None = None
    """The file of all output bytes, when the caller named one and it is whole."""


@dataclass(frozen=True, kw_only=True)
class ScreenReading:
    """The screen at one moment, with what it means."""

    screen: str
    state: ShellState
    status: ToolStatus
    """The state as a tool reports it."""
    program: str
    """Name of the foreground program, empty when unknown."""
    cwd: str | None
    met: bool = True
    """What was waited for has come; False: the time was up."""
    finished: FinishedCommand | None = None
    """The command that ended since the agent's last call, None when none did."""
    cast_from: int | None = None
    cast_to: int | None = None


class ShellListener(Protocol):
    """Is told what happens, on the event loop's thread, in order."""

    def output_read(self) -> None:
        """New output is on the engine's screen; at once, then at most 60 times a second."""
        ...

    def command_finished(self, command: FinishedCommand) -> None:
        """A command of either hand ended."""
        ...

    def state_changed(self, state: ShellState) -> None:
        """The shell waits for something else, or works."""
        ...

    def lease_changed(self, owner: LeaseOwner, epoch: int, reason: str) -> None:
        """Who may type changed."""
        ...

    def secret_typed(self, keys: int) -> None:
        """The person typed a line that was not shown; it is recorded nowhere."""
        ...

    def mark_forged(self, count: int, sample: str) -> None:
        """The stream held marks without the nonce since the last call; the sample has no control characters."""
        ...

    def shell_lost(self, exit_code: int | None, signal: int | None, reason: str) -> None:
        """The shell ended or replaced itself; both None when it is not known how.

        The reason is empty unless we ended it.
        """
        ...

    def key_swallowed(self) -> None:
        """The person typed while the agent holds the lease; once for each time that it holds it."""
        ...

    def cast_failed(self, reason: str) -> None:
        """The recording stopped; the session goes on."""
        ...


def lost_outcome(reason: str, *, cwd: str | None) -> CommandOutcome:
    """What becomes of a command when there is no shell any more; the reason may be empty."""
    return CommandOutcome(status="shell_lost", output=reason or "the shell has ended", state="lost", cwd=cwd)


def with_reason(text: str, reason: str) -> str:
    """What was printed last, and why nothing follows, where that is known."""
    return f"{text}\n[{reason}]".lstrip("\n") if reason else text


def tool_status(state: ShellState) -> ToolStatus:
    """How a tool names a state of the shell."""
    match state:
        case "prompt":
            return "done"
        case "starting" | "running":
            return "running"
        case "needs_password":
            return "needs_password"
        case "lost":
            return "shell_lost"
        case "needs_input" | "repl" | "tui" | "pager":
            return "needs_input"

"""From marks to commands: who ran what, what it printed, how it ended.

A command spans from its first C to the last D before the next prompt (B): bash runs a pasted block line by line, with
a C and a D each. D without C is an empty line. B without D means that the shell lost its hooks: the exit code is
unknown, never 0. Knows no threads but is locked: the reader feeds it, the event loop asks it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from limi_sessions.pty.commandevents import Began, ExitRead, HooksLost, PromptShown, RawFinished, TrackerEvent
from limi_sessions.pty.marks import Mark
from limi_sessions.pty.window import OutputWindow, Printed
from limi_sessions.records.payload import LeaseOwner

AGENT_WINDOW = 1024 * 1024
"""Bytes of head, and of tail, that are kept of a command's output."""
HUMAN_WINDOW = 256 * 1024
_ECHO_WINDOW = 64 * 1024
_EXPECTED_S = 10.0


@dataclass
class _Running:
    serial: int
    by: Literal["human", "agent"]
    command: str
    window: OutputWindow
    spool: Path | None
    cast_from: int
    cast_to: int
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    exit_code: int | None = None
    exit_seen: bool = False
    interrupted: bool = False


@dataclass
class _Expected:
    serial: int
    command: str
    spool: Path | None
    cast_from: int
    window: OutputWindow = field(default_factory=lambda: OutputWindow(limit=_ECHO_WINDOW))
    started: float = field(default_factory=time.monotonic)
    typed: bool = False
    interrupted: bool = False


class CommandTracker:
    """The state of one shell as its marks tell it."""

    def __init__(self, *, owner: Callable[[], LeaseOwner]) -> None:
        """Args: owner: who holds the lease, to tell whose command began."""
        self._owner = owner
        self._lock = threading.RLock()
        self._running: _Running | None = None
        self._expected: _Expected | None = None
        self._serial = 0
        self._exits = 0
        self.phase: Literal["starting", "prompt", "running"] = "starting"
        self.plain = False
        """No hooks: a sentinel's D ends a command, and no prompt is seen."""
        self.cwd: str | None = None
        self.version = ""

    @property
    def runs(self) -> bool:
        """A command has begun and its exit is not known yet."""
        running = self._running
        return running is not None and not running.exit_seen

    @property
    def began_s(self) -> float:
        """Seconds since the running command began; 0 when none runs."""
        running = self._running
        return time.monotonic() - running.started if running else 0.0

    @property
    def runs_for(self) -> Literal["human", "agent"] | None:
        """Whose command runs."""
        running = self._running
        return running.by if running else None

    @property
    def expects(self) -> bool:
        """A line of the agent was typed and has not begun; one that never begins is forgotten after a while."""
        expected = self._expected
        if expected is not None and time.monotonic() - expected.started > _EXPECTED_S:
            self.withdraw(expected.serial)
        return self._expected is not None

    @property
    def command(self) -> str:
        """The command that runs, empty when none does."""
        running = self._running
        return running.command if running else ""

    def expect(self, command: str, *, spool: Path | None, cast_offset: int) -> int:
        """The agent types this line next; returns the serial under which it will finish."""
        with self._lock:
            self._serial += 1
            self._expected = _Expected(self._serial, command, spool, cast_offset)
            return self._serial

    def typed(self, serial: int) -> None:
        """The expected line has been typed whole."""
        with self._lock:
            if self._expected is not None and self._expected.serial == serial:
                self._expected.typed = True

    def withdraw(self, serial: int, *, if_typed: bool = True) -> bool:
        """The line did not begin; True when it was still expected.

        Args:
            serial: of the line.
            if_typed: also one that was typed whole; it may still begin.
        """
        with self._lock:
            if self._expected is None or self._expected.serial != serial:
                return False
            if self._expected.typed and not if_typed:
                return False
            self._expected = None
            return True

    def interrupt(self) -> None:
        """Ctrl-C was sent."""
        with self._lock:
            if self._running:
                self._running.interrupted = True
            elif self._expected:
                self._expected.interrupted = True

    def so_far(self, serial: int) -> Printed:
        """What the agent's command has printed by now; empty when it has not begun."""
        with self._lock:
            running = self._running
            if running is None or running.serial != serial:
                return Printed(b"", b"", 0)
            return running.window.kept()

    def text(self, raw: bytes) -> None:
        """The terminal printed."""
        with self._lock:
            if self._running is not None:
                if not self._running.exit_seen:
                    self._running.window.add(raw)
            elif self._expected is not None:
                self._expected.window.add(raw)

    def mark(self, mark: Mark, *, before: int, after: int) -> list[TrackerEvent]:
        """The shell spoke; offsets of the recording before and after the mark."""
        with self._lock:
            if mark.cwd is not None:
                self.cwd = mark.cwd
            if mark.version is not None:
                self.version = mark.version
            match mark.kind:
                case "C":
                    return self._began(mark, after)
                case "D":
                    return self._exited(mark, before)
                case "B":
                    return self._prompted(before)
                case "A" | "P" | "forged":
                    return []

    def settle(self, count: int) -> list[TrackerEvent]:
        """The prompt after the exit with this count did not come in time: take it as shown."""
        with self._lock:
            if self._running is None or not self._running.exit_seen or self._exits != count:
                return []
            return self._prompted(self._running.cast_to)

    def give_up(self, cast_offset: int) -> list[TrackerEvent]:
        """Without hooks: the shell is back at its prompt without its sentinel, for Ctrl-C drops the rest of a line."""
        with self._lock:
            if (running := self._running) is None or not self.plain:
                return []
            running.cast_to = cast_offset
            running.exit_code = 130 if running.interrupted else None
            running.exit_seen = True
            return self._prompted(cast_offset, hooked=False)

    def abandon(self, cast_offset: int) -> list[TrackerEvent]:
        """The shell is gone: what ran ends with an unknown exit code."""
        with self._lock:
            self.phase = "running"
            if self._running is None and self._expected is not None:
                self._run_expected(self._expected.cast_from)
            if self._running is None:
                return []
            if not self._running.exit_seen:
                self._running.cast_to = cast_offset
            return [replace(self._finish(self._running), lost=True)]

    def _began(self, mark: Mark, after: int) -> list[TrackerEvent]:
        self.phase = "running"
        if (running := self._running) is not None:
            # The next line of one pasted block.
            if running.serial == 0 and mark.command:
                running.command = f"{running.command}\n{mark.command}" if running.command else mark.command
            running.exit_seen = False
            return []
        if self._expected is not None:
            running = self._run_expected(after)
        else:
            by: Literal["human", "agent"] = "agent" if self._owner() == "agent" else "human"
            window = OutputWindow(limit=AGENT_WINDOW if by == "agent" else HUMAN_WINDOW)
            running = self._running = _Running(0, by, mark.command or "", window, None, after, after)
        return [Began(running.by, running.command)]

    def _run_expected(self, cast_from: int) -> _Running:
        expected = self._expected
        assert expected is not None
        self._expected = None
        window = OutputWindow(limit=AGENT_WINDOW, spool=expected.spool)
        self._running = _Running(
            expected.serial, "agent", expected.command, window, expected.spool, cast_from, cast_from
        )
        self._running.interrupted = expected.interrupted
        return self._running

    def _exited(self, mark: Mark, before: int) -> list[TrackerEvent]:
        self._exits += 1
        running = self._running
        if running is None:
            return self._refused(mark, before)
        running.exit_code = mark.exit_code
        running.exit_seen = True
        running.cast_to = before
        running.ended = time.monotonic()
        return self._prompted(before, hooked=False) if self.plain else [ExitRead(self._exits)]

    def _refused(self, mark: Mark, before: int) -> list[TrackerEvent]:
        """A prompt cycle without a command: an empty line, or the agent's line that the shell did not run."""
        expected, self._expected = self._expected, None
        if expected is None:
            return []
        now = time.monotonic()
        return [
            RawFinished(
                expected.serial, "agent", expected.command, expected.window.close(), mark.exit_code, self.cwd,
                now - expected.started, expected.cast_from, before, interrupted=expected.interrupted, spool=None,
                echoed=True,
            )
        ]  # fmt: skip

    def _prompted(self, before: int, *, hooked: bool = True) -> list[TrackerEvent]:
        events: list[TrackerEvent] = []
        if (running := self._running) is not None:
            if not running.exit_seen:
                running.cast_to = before
                events.append(HooksLost())
            events.append(self._finish(running))
        # While the agent's line is being drawn, fish repaints the prompt with every key.
        if self._expected is None:
            self.phase = "prompt"
            events.append(PromptShown(hooked))
        return events

    def _finish(self, running: _Running) -> RawFinished:
        self._running = None
        whole = running.spool if running.spool and not running.window.spool_problem else None
        return RawFinished(
            running.serial, running.by, running.command, running.window.close(), running.exit_code, self.cwd,
            (running.ended or time.monotonic()) - running.started, running.cast_from, max(running.cast_from,
            running.cast_to), running.interrupted, whole,
        )  # fmt: skip

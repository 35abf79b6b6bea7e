"""The shell's state over time: marks tell of prompts at once, the kernel is asked while something runs.

Nothing is asked while the shell sits at its prompt; while a program runs, at most ten times a second, and down to
once a second when nothing changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

from limi_sessions.pty.bell import Bell
from limi_sessions.pty.hooks import HEAL_KEY
from limi_sessions.pty.process import Ended
from limi_sessions.pty.proctable import program_name
from limi_sessions.pty.waiting import Foreground, ShellState, foreground, waiting_state

if TYPE_CHECKING:
    from limi_sessions.pty.core import ShellCore

PASSWORD_REASON = "a password is asked for: only the expert types it"
_FRESH_S = 0.05
"""A sample is good for this long."""
_YOUNG_S = 0.05
"""A command that began just now runs; the kernel would still show the shell."""
_OWN_S = 0.15
"""The shell itself reads keys for this long: a builtin such as `read`, and not a prompt whose mark is on its way."""
_FASTEST_S = 0.1
_SLOWEST_S = 1.0


class StateWatcher:
    """Samples, remembers since when, tells the listener."""

    heal_key = HEAL_KEY

    def __init__(self, core: ShellCore) -> None:
        self._core = core
        self._state: ShellState = "starting"
        self._sampled = 0.0
        self._since = time.monotonic()
        self._told: ShellState = "starting"
        self._bell = Bell()
        self._delay = _FASTEST_S
        self._task: asyncio.Task[None] | None = None
        self._identity: bytes | None = None
        self._own_since = 0.0

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._run(), name="limi-shell-state")

    async def stop(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def state(self) -> ShellState:
        """The present state; asks the kernel when the last answer is old."""
        known = self._by_marks()
        if known is not None:
            self._own_since = 0.0
        else:
            now = time.monotonic()
            if now - self._sampled < _FRESH_S and self._state not in ("prompt", "starting"):
                return self._state
            self._sampled = now
            known = self._sample()
        if known != self._state:
            self._state = known
            self._since = time.monotonic()
        return known

    @property
    def unchanged_s(self) -> float:
        """For how long the state has been what it is."""
        return time.monotonic() - self._since

    @property
    def program(self) -> str:
        """Name of the foreground program; empty when unknown."""
        now = foreground(self._core.child.descriptor) if not self._core.lost else None
        return program_name(now.group) if now else ""

    def look_now(self) -> None:
        """A mark came: tell a changed state and go on quickly."""
        self._sampled = 0.0
        self._tell()
        self.look_soon()

    def look_soon(self) -> None:
        """Something was typed: the state may change soon."""
        self._delay = _FASTEST_S
        self._bell.ring()

    def know_shell(self) -> None:
        """Remember who the shell is, to notice when it replaces itself."""
        self._core.child.know_shell()
        self._identity = self._who()
        self._sampled = 0.0

    def _by_marks(self) -> ShellState | None:
        core = self._core
        if core.lost:
            return "lost"
        tracker = core.tracker
        if tracker.phase == "prompt" and not tracker.expects and not tracker.plain:
            return "prompt"
        return "running" if tracker.runs and tracker.began_s < _YOUNG_S else None

    def _sample(self) -> ShellState:
        core = self._core
        now = foreground(core.child.descriptor)
        if now is None:
            return "running"
        tracker = core.tracker
        own = core.child.owns(now.group)
        if own:
            if self._identity is not None and self._who() not in (self._identity, b""):
                core.lose(Ended())
                return "lost"
            if tracker.plain and not tracker.expects and not tracker.runs and not self._asks(now):
                return "prompt"
            if tracker.expects or (tracker.phase == "running" and not tracker.runs):
                return "running"
        with core.engine_lock:
            alternate = core.engine.modes.alternate_screen
        state = waiting_state(now, alternate_screen=alternate)
        if not own:
            return state
        state = self._own(state)
        if tracker.plain and tracker.runs and state == "needs_input" and not now.line_mode:
            core.give_up()
            return "prompt"
        return state

    def _asks(self, now: Foreground) -> bool:
        """Without hooks: the shell reads a line without its editor, as start-up files do with `read`."""
        starting = self._core.tracker.phase == "starting"
        return starting and now.line_mode and program_name(self._core.child.shell) in ("bash", "zsh", "fish")

    def _own(self, state: ShellState) -> ShellState:
        """A state of the shell's own process group, believed when it lasts."""
        if state == "running":
            self._own_since = 0.0
            return state
        now = time.monotonic()
        self._own_since = self._own_since or now
        if now - self._own_since < _OWN_S:
            return "running"
        return "needs_input" if state == "repl" else state

    def _who(self) -> bytes:
        """The shell's executable and arguments; empty when they cannot be read."""
        pid = self._core.child.shell
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as stream:  # noqa: PTH123 - a hot path
                executable = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115 - a hot path
                # Empty while the process is being torn down.
                if arguments := stream.read(4096):
                    return os.fsencode(executable) + b"\0" + arguments
        return b""

    def _tell(self) -> None:
        state = self.state()
        if state == self._told:
            return
        self._told = state
        self._delay = _FASTEST_S
        core = self._core
        if state == "needs_password" and core.lease.owner == "agent":
            core.lease.release(core.lease.epoch, PASSWORD_REASON)
        core.listener.state_changed(state)
        core.bell.ring()

    async def _run(self) -> None:
        while not self._core.lost:
            if self._by_marks() == "prompt":
                await self._bell.wait()
            elif not await self._bell.wait(self._delay):
                self._delay = min(self._delay * 1.5, _SLOWEST_S)
            self._tell()

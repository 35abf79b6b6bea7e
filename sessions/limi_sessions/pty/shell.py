"""One shell on one pty that a person and an agent share: the face of this package.

All methods belong to the event loop's thread. A shell that ended is not restarted: its owner closes it and starts
another one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from limi_sessions.pty.core import ShellCore
from limi_sessions.pty.errors import LeaseLost, LeaseRefused, ShellMissing, ShellStartFailed
from limi_sessions.pty.hands import AgentHands
from limi_sessions.pty.lease import Lease
from limi_sessions.pty.origin import not_typed_because
from limi_sessions.pty.outbound import Unit
from limi_sessions.pty.starting import first_prompt, spawned
from limi_sessions.pty.values import (
    CommandOutcome,
    FinishedCommand,
    ScreenReading,
    ShellConfig,
    ShellListener,
    Typed,
    Until,
)
from limi_sessions.pty.waiting import ShellState
from limi_sessions.terminal.engine import TermEngine

__all__ = [
    "CommandOutcome", "FinishedCommand", "LeaseLost", "LeaseRefused", "ScreenReading", "SharedShell", "ShellConfig",
    "ShellListener", "ShellMissing", "ShellStartFailed", "ShellState",
]  # fmt: skip

_RESIZE_S = 0.04


class SharedShell:
    """A running shell; made by `start`."""

    def __init__(self, core: ShellCore) -> None:
        self._core = core
        self._hands = AgentHands(core)
        self._resize_timer: asyncio.TimerHandle | None = None
        self._hinted_epoch = -1

    @classmethod
    async def start(
        cls, config: ShellConfig, listener: ShellListener, *, engine: TermEngine | None = None
    ) -> SharedShell:
        """Start a shell; returns at its first prompt.

        When its hooks have not spoken within ``config.start_timeout_s``, or its start-up files wait for keys, the
        shell is returned with ``marks == "plain"``; that changes to ``osc133`` should they speak later.

        Args:
            config: how.
            listener: told what happens, from before the first prompt on.
            engine: a terminal that already holds a session's scrollback; None: a new one.

        Raises:
            ShellMissing: the shell is not installed.
            ShellStartFailed: it could not be spawned, or ended at once.
        """
        core, hooked = await spawned(config, listener, engine)
        try:
            await first_prompt(core, hooked)
        except BaseException:
            await core.close()
            raise
        return cls(core)

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> TermEngine:
        """The screen; whoever touches it holds `engine_lock`."""
        return self._core.engine

    @property
    def engine_lock(self) -> threading.Lock:
        """Guards `engine` against the reading thread."""
        return self._core.engine_lock

    @property
    def lease(self) -> Lease:
        """Who may type."""
        return self._core.lease

    @property
    def nonce(self) -> str:
        """The secret of this shell's marks."""
        return self._core.nonce

    @property
    def pid(self) -> int:
        """The shell's process id."""
        return self._core.child.shell

    @property
    def version(self) -> str:
        """The shell's version as it says itself; empty without hooks."""
        return self._core.tracker.version

    @property
    def marks(self) -> Literal["osc133", "plain"]:
        """``plain``: without hooks; commands end at a sentinel, and the person's commands are not noticed."""
        return self._core.marks

    @property
    def cwd(self) -> Path | None:
        """The working directory at the last prompt; None: unknown."""
        known = self._core.tracker.cwd
        return Path(known) if known else None

    @property
    def state(self) -> ShellState:
        """What the shell does now, asked of the kernel when no mark says it."""
        return self._core.state

    @property
    def program(self) -> str:
        """Name of the foreground program, empty when unknown."""
        return self._core.watcher.program

    @property
    def cast_offset(self) -> int:
        """Bytes of the recording so far."""
        return self._core.cast.offset

    async def record(self, path: Path | None) -> None:
        """From now on, record into another file, which must not exist, or nowhere.

        Raises:
            FileExistsError: there is such a file; the recording goes on as before.
        """
        await self._core.record(path)

    def not_typed_because(self, pid: int) -> str:
        """Why a process is no part of the command that the person typed and that has the terminal; empty: it is.

        May be called from any thread.
        """
        return not_typed_because(self._core, pid)

    # -- the person's hands -------------------------------------------------------------------------------------------

    def type_human(self, data: bytes) -> Typed:
        """Type one key (or another unit that must not be split); Ctrl-C passes whoever holds the lease."""
        core = self._core
        if core.lost:
            return "lost"
        if data == b"\x03":
            core.line.typed(data)
            core.interrupt()
            return "typed"
        return self._human(data, keys=1)

    def paste_human(self, text: str) -> Typed:
        """Paste text, as the running program wants pastes."""
        core = self._core
        if core.lost:
            return "lost"
        with core.engine_lock:
            payload = core.engine.encode_paste(text)
        return self._human(payload, keys=len(text))

    def _human(self, payload: bytes, *, keys: int) -> Typed:
        core = self._core
        with core.lease.human() as may_type:
            if not may_type:
                if self._hinted_epoch != core.lease.epoch:
                    self._hinted_epoch = core.lease.epoch
                    core.listener.key_swallowed()
                return "swallowed"
            if core.tracker.phase == "prompt":
                core.line.typed(payload)
            core.outbound.put(Unit(payload, "human", keys=keys))
        core.watcher.look_soon()
        return "typed"

    # -- the agent's hands --------------------------------------------------------------------------------------------

    async def wait_for_lease(self, reason: str, *, timeout_s: float | None = None) -> int:
        """Acquire the lease for the agent as soon as nobody is in the way; returns its epoch.

        Raises:
            LeaseRefused: somebody still was when the time was up, or the shell has ended.
        """
        loop = asyncio.get_running_loop()
        deadline = None if timeout_s is None else loop.time() + timeout_s
        while True:
            try:
                return self.lease.acquire_agent(reason)
            except LeaseRefused:
                left = None if deadline is None else deadline - loop.time()
                if self._core.lost or (left is not None and left <= 0):
                    raise
            await self._core.bell.wait(left)

    async def run_command(
        self,
        command: str,
        *,
        epoch: int,
        wait_s: float = 30,
        background: bool = False,
        spool: Path | None = None,
    ) -> CommandOutcome:
        """Type a command at the prompt and wait until it ends, waits for keys, or the time is up.

        Nothing is typed (status ``error``, with the reason as output) when the shell cannot parse the command, when
        it holds control characters, or when a program has the terminal.

        Args:
            command: one or more lines.
            epoch: the agent's lease.
            wait_s: how long at most; the command runs on after that.
            background: start it as a job.
            spool: a file that gets every byte printed, control sequences included.

        Raises:
            LeaseLost: the epoch is stale, or became so while the command ran (which it still does).
        """
        return await self._hands.run_command(command, epoch=epoch, wait_s=wait_s, background=background, spool=spool)

    async def send(self, *, epoch: int, text: str = "", keys: Sequence[str] = (), wait_s: float = 2) -> ScreenReading:
        """Type text, then keys, as one unit; returns when the program has answered and waits again, or the time is up.

        At a password prompt nothing is typed and the lease is dropped.

        Args:
            epoch: the agent's lease.
            text: newlines become the Enter key.
            keys: prompt_toolkit's names or single characters.
            wait_s: how long at most.

        Raises:
            LeaseLost: the epoch is stale.
            ValueError: a key's name is unknown.
        """
        return await self._hands.send(epoch=epoch, text=text, keys=keys, wait_s=wait_s)

    async def read_screen(self, lines: int = 40) -> ScreenReading:
        """The last lines of the screen, with scrollback above it where they are more than its rows."""
        return self._hands.read(lines)

    async def wait_until(
        self, until: Until, *, text: str | None = None, idle_s: float = 1.0, timeout_s: float = 30
    ) -> ScreenReading:
        """Wait for the prompt, a text on the screen, silence, or the end of the running command.

        Raises:
            ValueError: ``text`` is missing.
        """
        return await self._hands.wait_until(until, text=text, idle_s=idle_s, timeout_s=timeout_s)

    async def all_told(self) -> None:
        """Ends when the listener was told of every command that has ended by now."""
        core, told = self._core, asyncio.Event()
        # Behind what the reading thread has announced already; a finisher that is being stopped takes nothing more.
        core.loop.call_soon(lambda: told.set() if core.closing else core.finisher.then(told.set))
        await told.wait()

    async def interrupt(self) -> None:
        """Ctrl-C to the foreground job; needs no lease."""
        await self._hands.interrupt()

    # -- both ---------------------------------------------------------------------------------------------------------

    def resize(self, cols: int, rows: int) -> None:
        """Change the size in cells, once the sizes stop changing."""
        if self._resize_timer is not None:
            self._resize_timer.cancel()
        self._resize_timer = self._core.loop.call_later(_RESIZE_S, self._resize, max(1, cols), max(1, rows))

    def _resize(self, cols: int, rows: int) -> None:
        core = self._core
        if core.lost or (core.engine.cols, core.engine.rows) == (cols, rows):
            return
        with core.engine_lock:
            core.engine.resize(cols, rows)
        core.child.resize(cols, rows)
        core.cast.resized(cols, rows)
        core.listener.output_read()

    async def close(self) -> None:
        """Hang up, then kill everything that was started here, and finish the recording; may be called again."""
        if self._resize_timer is not None:
            self._resize_timer.cancel()
        await self._core.close()

"""The shell of a live session: its starts and restarts, its lease, and what of it is recorded.

Turns what the pty layer reports into payloads. Knows nothing of models and screens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from limi_sessions.masking import Masker, mask_histories
from limi_sessions.paths import SessionPaths
from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.errors import LeaseRefused, ShellError
from limi_sessions.pty.shell import FinishedCommand, SharedShell, ShellConfig
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import (
    DegradedMode,
    HumanRan,
    LeaseChanged,
    LeaseOwner,
    MarkForged,
    Payload,
    SecretTyped,
    ShellLost,
    ShellName,
    ShellStarted,
)
from limi_sessions.terminal.engine import TermEngine
from limi_sessions.terminal.handover import engine_showing, make_ready

MOST_OUTPUT = 30_000
"""Characters of a human command's output that are told to the agent."""
_MOST_RESTARTS = 3


class ShellWatcher(Protocol):
    """Who shows the shell; calls come on the event loop and must return at once."""

    def shell_attached(self, shell: SharedShell) -> None:
        """A shell was started: show this one from now on."""
        ...

    def output_read(self) -> None:
        """New output was fed to the engine."""
        ...

    def shell_state_changed(self, state: ShellState) -> None:
        """The shell waits for something else than before."""
        ...

    def lease_changed(self, owner: LeaseOwner, reason: str) -> None:
        """Somebody else may type now."""
        ...

    def key_swallowed(self) -> None:
        """A person typed while the agent holds the lease; the first key is dropped."""
        ...


@dataclass(frozen=True, kw_only=True)
class ShellPlan:
    """What every shell of a session is started with."""

    shell: ShellName
    cols: int
    rows: int
    environ: Mapping[str, str]
    """The environment that limi itself was started with."""
    session_id: str
    limi_home: Path
    """So that `limi` verbs typed in the shell find the same store."""


class LiveShell:
    """One shell at a time; its listener. All methods are called on the event loop."""

    def __init__(
        self,
        plan: ShellPlan,
        paths: SessionPaths,
        *,
        masker: Masker,
        post: Callable[[Payload, str], None],
        actor: Callable[[], str],
        watcher: ShellWatcher,
    ) -> None:
        """Nothing is started yet.

        Args:
            plan: what to start.
            paths: where recordings and rc shims go.
            masker: its known values are masked in recordings.
            post: queues a payload for recording under an actor.
            actor: the handle of the person who types now.
            watcher: told of what changes.
        """
        self._plan, self._paths, self._masker = plan, paths, masker
        self._post, self._actor, self._watcher = post, actor, watcher
        self._changed = asyncio.Event()
        self._size = (plan.cols, plan.rows)
        self._losses_in_row = 0
        self.shell: SharedShell | None = None
        self.epoch = -1
        """The epoch under which the agent may type; stale when somebody took over."""

    async def start(self, cwd: Path, *, engine: TermEngine | None = None) -> None:
        """Start a shell and record that.

        Args:
            cwd: its directory.
            engine: the screen that an earlier shell left, made ready; None: an empty one.

        Raises:
            ShellError: it could not be started; the message says what to do.
        """
        await asyncio.to_thread(mask_histories, self._paths.shell_home, self._masker)
        number = len(list(self._paths.root.glob("shell-*.cast")))
        cast = self._paths.cast(number)
        config = ShellConfig(
            shell=self._plan.shell,
            cwd=cwd,
            cols=self._size[0],
            rows=self._size[1],
            cast_path=cast,
            home=self._paths.shell_home,
            environment=shell_environment(
                self._plan.environ,
                session_id=self._plan.session_id,
                limi_home=self._plan.limi_home,
                secrets=self._masker.secrets,
            ),
            secrets=self._masker.secrets,
        )
        shell = await SharedShell.start(config, self, engine=engine)
        self.shell = shell
        self._post(
            ShellStarted(
                shell=self._plan.shell,
                version=shell.version,
                pid=shell.pid,
                cols=self._size[0],
                rows=self._size[1],
                cast=cast.name,
                marks=shell.marks,
            ),
            "system",
        )
        self._watcher.shell_attached(shell)

    async def start_below(self, printed: bytes, cwd: Path) -> None:
        """Start a shell under what an earlier one printed; see `start`."""
        cols, rows = self._size
        engine = await asyncio.to_thread(engine_showing, printed, cols=cols, rows=rows) if printed else None
        await self.start(cwd, engine=engine)

    async def restart(self) -> bool:
        """Start a new shell after one died, in its last directory; False when that does not work (any more)."""
        self._losses_in_row += 1
        if self._losses_in_row > _MOST_RESTARTS:
            return False
        old, self.shell = self.shell, None
        cwd = old.cwd if old is not None else None
        if old is not None:
            await old.close()
            make_ready(old.engine)
        try:
            await self.start(
                cwd if cwd is not None and cwd.is_dir() else Path.home(), engine=None if old is None else old.engine
            )
        except ShellError as error:
            self._post(DegradedMode(part="shell_marks", reason=str(error)), "system")
            return False
        return True

    def forgive_losses(self) -> None:
        """Let `restart` try again after it has given up: a person wants it."""
        self._losses_in_row = 0

    async def lease(self, cancel: asyncio.Event) -> bool:
        """Wait until the agent may type; False when `cancel` was set or there is no shell.

        A shell that has died needs no waiting for: the tool that meets it says so, and a new one is started.
        """
        while self.shell is not None and not cancel.is_set():
            lease = self.shell.lease
            if self.shell.state == "lost":
                return True
            if lease.owner == "agent":
                self.epoch = lease.epoch
                return True
            self._changed.clear()
            try:
                self.epoch = lease.acquire_agent("the agent works")
            except LeaseRefused:
                await self._change_or(cancel)
                continue
            return True
        return False

    def give_up_lease(self) -> None:
        """The agent's turn is over."""
        if self.shell is not None and self.shell.lease.owner == "agent":
            self.shell.lease.release(self.epoch)

    async def close(self) -> None:
        """End the shell and everything it started."""
        shell, self.shell = self.shell, None
        if shell is not None:
            await shell.close()
        await asyncio.to_thread(mask_histories, self._paths.shell_home, self._masker)

    def resize(self, cols: int, rows: int) -> None:
        """Change the size in cells."""
        self._size = (cols, rows)
        if self.shell is not None:
            self.shell.resize(cols, rows)

    async def _change_or(self, cancel: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(self._changed.wait()), asyncio.ensure_future(cancel.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # What the pty layer reports (ShellListener).

    def output_read(self) -> None:
        """New output was fed to the engine."""
        self._watcher.output_read()

    def command_finished(self, command: FinishedCommand) -> None:
        """Record what a person ran; what the agent ran is recorded by its tool."""
        self._losses_in_row = 0
        self._changed.set()
        if command.by != "human":
            return
        output = self._masker.text(command.output)
        cut = max(0, len(output) - MOST_OUTPUT)
        if cut:
            half = MOST_OUTPUT // 2
            output = f"{output[:half]}\n[... {cut} characters cut here ...]\n{output[-half:]}"
        self._post(
            HumanRan(
                command=command.command,
                output=output,
                exit_code=command.exit_code,
                cwd=command.cwd,
                duration_ms=command.duration_s * 1000,
                truncated_chars=cut + command.truncated_bytes,
                cast_from=command.cast_from,
                cast_to=command.cast_to,
            ),
            self._actor(),
        )

    def state_changed(self, state: ShellState) -> None:
        """The shell waits for something else than before."""
        self._changed.set()
        self._watcher.shell_state_changed(state)

    def lease_changed(self, owner: LeaseOwner, epoch: int, reason: str) -> None:
        """Record who may type now."""
        self._changed.set()
        self._post(LeaseChanged(owner=owner, epoch=epoch, reason=reason), "system")
        self._watcher.lease_changed(owner, reason)

    def secret_typed(self, keys: int) -> None:
        """Record that something was typed without echo, and nothing of it."""
        self._post(SecretTyped(keys=keys), self._actor())

    def mark_forged(self, count: int, sample: str) -> None:
        """Record marks that were not ours."""
        self._post(MarkForged(count=count, sample=sample), "system")

    def shell_lost(self, exit_code: int | None, signal: int | None) -> None:
        """Record the death of the shell."""
        self._changed.set()
        self._post(ShellLost(exit_code=exit_code, signal=signal), "system")
        self._watcher.shell_state_changed("lost")

    def key_swallowed(self) -> None:
        """A person typed while the agent holds the lease."""
        self._watcher.key_swallowed()

    def cast_failed(self, reason: str) -> None:
        """Record that the recording is incomplete from here on."""
        with contextlib.suppress(RuntimeError):
            self._post(DegradedMode(part="cast", reason=reason), "system")

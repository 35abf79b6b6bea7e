"""The shell of a live session: its starts and restarts, its network, its lease, and what of it is recorded.

Turns what the pty layer reports into payloads. Knows nothing of models and screens.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from limi_sessions.confinement import Confinement
from limi_sessions.masking import mask_histories
from limi_sessions.pty.errors import LeaseRefused, ShellBusy, ShellError, ShellStartFailed
from limi_sessions.pty.shell import FinishedCommand, SharedShell
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import (
    DegradedMode,
    LeaseChanged,
    LeaseOwner,
    MarkForged,
    NetworkMode,
    SecretTyped,
    ShellLost,
)
from limi_sessions.sandbox.protocol import SandboxMissing
from limi_sessions.sandbox.proxy import AllowListProxy
from limi_sessions.shell_plan import ShellPlan, ShellRecording, ShellWatcher
from limi_sessions.shell_record import human_ran, shell_started
from limi_sessions.terminal.engine import TermEngine
from limi_sessions.terminal.handover import engine_showing, make_ready

_MOST_RESTARTS = 3


class LiveShell:
    """One shell at a time; its listener. All methods are called on the event loop."""

    def __init__(
        self,
        plan: ShellPlan,
        recording: ShellRecording,
        *,
        watcher: ShellWatcher,
        ran: Callable[[str], None],
    ) -> None:
        """Nothing is started yet.

        Args:
            plan: what to start.
            recording: how what happens is recorded.
            watcher: told of what changes.
            ran: told of each command of either hand that ended; empty when the shell did not say which.
        """
        self._plan, self._watcher, self._ran = plan, watcher, ran
        self._paths, self._masker = recording.paths, recording.masker
        self._post, self._actor = recording.post, recording.actor
        self._changed = asyncio.Event()
        self._size = (plan.cols, plan.rows)
        self._losses_in_row = 0
        self.confinement = plan.confinement
        """What confines the present shell, and the next one."""
        self.proxy: AllowListProxy | None = None
        """What lets the shell through to the allowed hosts; None until the network is ``allow-list``."""
        self.host_refused: Callable[[str, int], None] = lambda _host, _port: None
        """Told once of each host and port that the shell wanted and the list lacks."""
        self.shell: SharedShell | None = None
        self.epoch = -1
        """The epoch under which the agent may type; stale when somebody took over."""

    async def start(self, cwd: Path, *, engine: TermEngine | None = None) -> None:
        """Start a shell and record that.

        Args:
            cwd: its directory.
            engine: the screen that an earlier shell left, made ready; None: an empty one.

        Raises:
            ShellError: it, or its sandbox, could not be started; the message says what to do.
        """
        await asyncio.to_thread(mask_histories, self._paths.shell_home, self._masker)
        number = len(list(self._paths.root.glob("shell-*.cast")))
        cast = self._paths.cast(number)
        confinement = self.confinement = await self._with_proxy(self.confinement)
        config = self._plan.shared(self._paths, confinement, masker=self._masker, cwd=cwd, size=self._size, cast=cast)
        try:
            shell = await SharedShell.start(config, self, engine=engine)
        except SandboxMissing as error:
            raise ShellStartFailed(str(error)) from error
        self.shell = shell
        name, network = confinement.name, confinement.network
        self._post(shell_started(shell, self._plan.shell, cast=cast.name, sandbox=name, network=network), "system")
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
        try:
            await self._replace()
        except ShellError as error:
            self._post(DegradedMode(part="shell_marks", reason=str(error)), "system")
            return False
        return True

    async def change_network(self, network: NetworkMode) -> None:
        """Start a new shell that reaches another part of the network, in place of the one at its prompt.

        Variables and jobs of the old one are lost.

        Raises:
            SandboxMissing: the sandbox cannot do that; the shell goes on as it was.
            ShellBusy: a program has the terminal; the shell goes on as it was.
            ShellError: the new shell could not be started; there is none.
        """
        if self.confinement.name == "none":
            raise SandboxMissing("nothing confines the shell: its network cannot be changed. Start with a sandbox.")
        changed = await self._with_proxy(self.confinement.with_network(network))
        await asyncio.to_thread(changed.wrapped, ["true"])
        if self.shell is not None and self.shell.state not in ("prompt", "lost"):
            program = self.shell.program or "a program"
            raise ShellBusy(f"the network was not changed: {program} has the terminal. End it first.")
        self.confinement = changed
        await self._replace()

    async def _with_proxy(self, confinement: Confinement) -> Confinement:
        """The same; its allow-list's proxy is there.

        Raises:
            ShellStartFailed: the proxy cannot be started.
        """
        if confinement.network != "allow-list":
            return confinement
        if self.proxy is None:
            proxy = AllowListProxy(
                self._paths.sockets / "proxy.sock",
                self._plan.allowed_hosts,
                refused=lambda host, port: self.host_refused(host, port),
            )
            try:
                await proxy.start()
            except OSError as error:
                raise ShellStartFailed(f"cannot listen for the allowed hosts: {error.strerror or error}") from error
            self.proxy = proxy
        return confinement.with_network("allow-list", proxy=self.proxy.place)

    async def _replace(self) -> None:
        """Start a new shell where the old one was, below what that one printed.

        Raises:
            ShellError: it could not be started.
        """
        old, self.shell = self.shell, None
        cwd = old.cwd if old is not None else None
        if old is not None:
            await old.close()
            make_ready(old.engine)
        engine = None if old is None else old.engine
        await self.start(cwd if cwd is not None and cwd.is_dir() else self._plan.workspace, engine=engine)

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
        proxy, self.proxy = self.proxy, None
        if proxy is not None:
            await proxy.close()
        await asyncio.to_thread(self._tidy)

    def _tidy(self) -> None:
        mask_histories(self._paths.shell_home, self._masker)
        # Made by commands: as deep as they wished.
        with contextlib.suppress(RecursionError):
            shutil.rmtree(self.confinement.policy.scratch, ignore_errors=True)

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
        self._ran(command.command)
        self._changed.set()
        if command.by != "human":
            return
        self._post(human_ran(command, self._masker), self._actor())

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

    def shell_lost(self, exit_code: int | None, signal: int | None, reason: str) -> None:
        """Record the death of the shell."""
        self._changed.set()
        self._post(ShellLost(exit_code=exit_code, signal=signal, reason=reason), "system")
        self._watcher.shell_state_changed("lost")

    def key_swallowed(self) -> None:
        """A person typed while the agent holds the lease."""
        self._watcher.key_swallowed()

    def cast_failed(self, reason: str) -> None:
        """Record that the recording is incomplete from here on."""
        with contextlib.suppress(RuntimeError):
            self._post(DegradedMode(part="cast", reason=reason), "system")

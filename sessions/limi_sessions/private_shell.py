"""The person's own shell beside the shared one: not confined, unknown to the agent, recorded only on request.

Started when it is first wanted. Its lease belongs to the person for ever. What it needs on the disk, its history too,
is removed with it. Knows nothing of models and screens.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from pathlib import Path

from limi_sessions.pty.errors import ShellError
from limi_sessions.pty.shell import FinishedCommand, SharedShell, ShellConfig
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import DegradedMode, LeaseOwner, SecretTyped
from limi_sessions.shell_plan import ShellPlan, ShellRecording, ShellWatcher
from limi_sessions.shell_record import human_ran, shell_started

PRIVATE_HOME = "private-home-"
"""Begins the name of the directory for its start-up files and history, which goes when it ends."""


class PrivateShell:
    """One shell at a time; its listener. All methods are called on the event loop."""

    def __init__(self, plan: ShellPlan, recording: ShellRecording, *, watcher: ShellWatcher) -> None:
        """Nothing is started yet.

        Args:
            plan: of the session's shells; its confinement is not used.
            recording: how what happens is recorded, when it is.
            watcher: told of what changes.
        """
        self._plan, self._watcher = plan, watcher
        self._paths, self._masker = recording.paths, recording.masker
        self._post, self._actor = recording.post, recording.actor
        self._starting = asyncio.Lock()
        self._size = (plan.cols, plan.rows)
        self._home: Path | None = None
        self._began_before = False
        self.shell: SharedShell | None = None
        """None until `open`."""
        self.recording: Path | None = None
        """The file that is recorded into; None: nothing is recorded."""

    async def open(self) -> SharedShell:
        """The running shell: the present one, or a new one in the workspace when there is none or it has ended.

        Raises:
            ShellError: it could not be started; the message says what to do.
        """
        async with self._starting:
            shell = self.shell
            if shell is not None and shell.state != "lost":
                return shell
            cwd = shell.cwd if shell is not None else None
            await self._end()
            return await self._start(cwd if cwd is not None and cwd.is_dir() else self._plan.workspace)

    async def record(self, *, wanted: bool) -> None:
        """Record from now on, or no more; what was typed and printed before is not kept.

        Raises:
            ShellError: there is no running shell to record.
            FileExistsError: the recording's name was taken meanwhile.
        """
        shell = self.shell
        if wanted == (self.recording is not None):
            return
        if not wanted:
            self.recording = None
            if shell is not None:
                await shell.record(None)
            return
        if shell is None or shell.state == "lost":
            raise ShellError("your own shell does not run: open it first.")
        # A command that runs already has printed what was not to be kept.
        self._began_before = shell.state != "prompt"
        path = self._next_cast()
        await shell.record(path)
        self._say_recorded(shell, path)

    def resize(self, cols: int, rows: int) -> None:
        """Change the size in cells."""
        self._size = (cols, rows)
        if self.shell is not None:
            self.shell.resize(cols, rows)

    async def close(self) -> None:
        """End the shell and everything it started; `open` starts another one."""
        async with self._starting:
            await self._end()

    async def _start(self, cwd: Path) -> SharedShell:
        self._home = self._paths.root / f"{PRIVATE_HOME}{secrets.token_hex(4)}"
        path = self._next_cast() if self.recording is not None else None
        config = ShellConfig(
            shell=self._plan.shell,
            cwd=cwd,
            cols=self._size[0],
            rows=self._size[1],
            cast_path=path,
            home=self._home,
            environment=self._plan.environment(self._masker),
            secrets=self._masker.secrets,
            most_processes=self._plan.confinement.most_processes,
        )
        self._began_before = False
        shell = await SharedShell.start(config, self)
        shell.lease.take_over("this shell is the expert's own")
        self.shell = shell
        if path is not None:
            self._say_recorded(shell, path)
        self._watcher.shell_attached(shell)
        return shell

    async def _end(self) -> None:
        shell, self.shell = self.shell, None
        if shell is not None:
            await shell.close()
        home, self._home = self._home, None
        if home is not None:
            await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)

    def _next_cast(self) -> Path:
        return self._paths.private_cast(len(list(self._paths.root.glob("private-*.cast"))))

    def _say_recorded(self, shell: SharedShell, path: Path) -> None:
        self.recording = path
        self._post(shell_started(shell, self._plan.shell, cast=path.name, private=True), self._actor())

    # What the pty layer reports (ShellListener).

    def output_read(self) -> None:
        """New output was fed to the engine."""
        self._watcher.output_read()

    def command_finished(self, command: FinishedCommand) -> None:
        """Record a command, where the person wants that and it began after they said so."""
        began_before, self._began_before = self._began_before, False
        if self.recording is not None and not began_before:
            self._post(human_ran(command, self._masker, reached_model=False), self._actor())

    def state_changed(self, state: ShellState) -> None:
        """The shell waits for something else than before."""
        self._watcher.shell_state_changed(state)

    def lease_changed(self, owner: LeaseOwner, epoch: int, reason: str) -> None:
        """Nobody else ever types here."""

    def secret_typed(self, keys: int) -> None:
        """Record that something was typed without echo, where the person has it recorded, and nothing of it."""
        if self.recording is not None:
            self._post(SecretTyped(keys=keys), self._actor())

    def mark_forged(self, count: int, sample: str) -> None:
        """Of no concern: no agent reads this shell's marks."""

    def shell_lost(self, exit_code: int | None, signal: int | None, reason: str) -> None:
        """The shell has ended; `open` starts another one."""
        self._watcher.shell_state_changed("lost")

    def key_swallowed(self) -> None:
        """Never: the lease is the person's."""

    def cast_failed(self, reason: str) -> None:
        """Record that the recording is incomplete from here on."""
        with contextlib.suppress(RuntimeError):
            self._post(DegradedMode(part="cast", reason=reason), "system")

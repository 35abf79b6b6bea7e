"""A shell that nobody listens to, and a base for those who listen to a part of it."""

from __future__ import annotations

from limi_sessions.pty.values import FinishedCommand
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import LeaseOwner


class Unheard:
    """A `ShellListener` that does nothing."""

    def output_read(self) -> None:
        """Not heard."""

    def command_finished(self, command: FinishedCommand) -> None:
        """Not heard."""

    def state_changed(self, state: ShellState) -> None:
        """Not heard."""

    def lease_changed(self, owner: LeaseOwner, epoch: int, reason: str) -> None:
        """Not heard."""

    def secret_typed(self, keys: int) -> None:
        """Not heard."""

    def mark_forged(self, count: int, sample: str) -> None:
        """Not heard."""

    def shell_lost(self, exit_code: int | None, signal: int | None, reason: str) -> None:
        """Not heard."""

    def key_swallowed(self) -> None:
        """Not heard."""

    def cast_failed(self, reason: str) -> None:
        """Not heard."""

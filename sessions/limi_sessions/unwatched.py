"""A live session that nobody looks at: what a headless run has, and a base for those who watch a part."""

from __future__ import annotations

from limi_sessions.agent.ports import Activity
from limi_sessions.agent.stream import Delta
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import LeaseOwner


class Unwatched:
    """A `LoopObserver` and `ShellWatcher` that does nothing."""

    def delta_arrived(self, request_id: str, delta: Delta) -> None:
        """Not watched."""

    def activity_changed(self, activity: Activity) -> None:
        """Not watched."""

    def shell_attached(self, shell: SharedShell) -> None:
        """Not watched."""

    def output_read(self) -> None:
        """Not watched."""

    def shell_state_changed(self, state: ShellState) -> None:
        """Not watched."""

    def lease_changed(self, owner: LeaseOwner, reason: str) -> None:
        """Not watched."""

    def key_swallowed(self) -> None:
        """Nobody types."""

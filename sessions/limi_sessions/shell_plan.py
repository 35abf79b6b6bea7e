"""What the shells of a session are started with, and who shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from limi_sessions.confinement import Confinement
from limi_sessions.masking import Masker
from limi_sessions.paths import SessionPaths
from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.shell import SharedShell, ShellConfig
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.payload import LeaseOwner, Payload, ShellName


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
class ShellRecording:
    """How what happens in a session's shells is recorded."""

    paths: SessionPaths
    """Where recordings go."""
    masker: Masker
    """Its known values are masked in recordings."""
    post: Callable[[Payload, str], None]
    """Queues a payload for recording under an actor."""
    actor: Callable[[], str]
    """The handle of the person who types now."""


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
    workspace: Path
    actor: str = ""
    """Handle of the person who works here."""
    confinement: Confinement
    """Of the shared shell; the person's own shell is not confined."""
    allowed_hosts: tuple[str, ...] = ()
    """With network ``allow-list``."""

    def environment(self, masker: Masker) -> dict[str, str]:
        """What an unconfined shell starts with; no known secret is in it."""
        return shell_environment(
            self.environ,
            session_id=self.session_id,
            limi_home=self.limi_home,
            handle=self.actor,
            secrets=masker.secrets,
        )

    def shared(
        self,
        paths: SessionPaths,
        confinement: Confinement,
        *,
        masker: Masker,
        cwd: Path,
        size: tuple[int, int],
        cast: Path,
    ) -> ShellConfig:
        """How the shell is started that the person and the agent share.

        Args:
            paths: of the session.
            confinement: what confines this one.
            masker: its known values are masked in the recording.
            cwd: its directory.
            size: columns and rows.
            cast: the recording; must not exist.
        """
        is_confined = confinement.name != "none"
        return ShellConfig(
            shell=self.shell,
            cwd=cwd,
            cols=size[0],
            rows=size[1],
            cast_path=cast,
            home=paths.shell_home,
            environment=confinement.environment(self.environment(masker)),
            secrets=masker.secrets,
            wrap=confinement.wrapped if is_confined else None,
            most_processes=confinement.most_processes,
        )

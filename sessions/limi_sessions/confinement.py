"""What confines the shell of one session: which paths, sockets and hosts it may reach, made from the session's places.

Knows nothing of how a sandbox enforces it, and of shells only their environment.
"""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from limi_sessions.paths import STORE_SOCKET_VARIABLE, SessionPaths, fits_socket
from limi_sessions.records.terms import NetworkMode, SandboxName
from limi_sessions.sandbox.masked import default_masked
from limi_sessions.sandbox.own_program import own_program
from limi_sessions.sandbox.policy import ResourceLimits, SandboxPolicy, SocketBinding
from limi_sessions.sandbox.protocol import Sandbox

STORE_INSIDE = Path("/run/limi/store.sock")
"""Where the store's socket is found inside a sandbox that can move paths."""
_FEWEST_PROCESSES = 2048
_PROCESSES_PER_CORE = 256
"""Threads of numerical programs count too. A machine of two cores takes seconds to end 4000 forks of a bash."""
_GIT_RUNS = ("hooks", "config", "config.worktree")
"""What makes git, run by a person outside of the sandbox, run programs; commit, switch, branch, push work without."""
_MOST_SUBMODULES = 50
_SOCKET_NAME = 36
"""Characters that programs use for a socket below TMPDIR; Python's multiprocessing does 31."""


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """A sandbox and what it is to allow."""

    sandbox: Sandbox
    policy: SandboxPolicy

    @property
    def name(self) -> SandboxName:
        """The sandbox."""
        return self.sandbox.name

    @property
    def network(self) -> NetworkMode:
        """What of the network is reached, which without a sandbox is all of it."""
        return network_in_force(self.sandbox, self.policy.network)

    @property
    def most_processes(self) -> int | None:
        """Processes and threads at which a shell counts as running a fork bomb."""
        return self.policy.limits.bomb

    def wrapped(self, argv: list[str]) -> list[str]:
        """The command that runs ``argv`` confined; see `Sandbox.wrapped`."""
        return self.sandbox.wrapped(argv, self.policy)

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of a confined shell.

        Args:
            base: of an unconfined one.
        """
        changes = self.sandbox.environment(self.policy)
        chosen = {name: value for name, value in base.items() if name not in changes}
        chosen |= {name: value for name, value in changes.items() if value is not None}
        for binding in self.policy.sockets:
            chosen[STORE_SOCKET_VARIABLE] = str(binding.inside)
        return chosen

    def with_network(self, network: NetworkMode, *, proxy: Path | None = None) -> Confinement:
        """The same with another network.

        Args:
            network: what may be reached.
            proxy: the socket of the allow-list's proxy; only with ``allow-list``.
        """
        return replace(self, policy=replace(self.policy, network=network, proxy=proxy))


def network_in_force(sandbox: Sandbox, wanted: NetworkMode) -> NetworkMode:
    """What of the network can be reached in a sandbox that was asked for this."""
    return "on" if sandbox.name == "none" else wanted


def session_confinement(
    sandbox: Sandbox,
    paths: SessionPaths,
    *,
    workspace: Path,
    limi_home: Path,
    environ: Mapping[str, str],
    network: NetworkMode,
    hidden: Iterable[str] = (),
    store_socket: Path | None = None,
) -> Confinement:
    """What confines a session's shell. Looks at some hundred paths: a few milliseconds.

    Args:
        sandbox: what enforces it.
        paths: the session's places.
        workspace: where the shell works.
        limi_home: hidden.
        environ: the environment that limi was started with: says where the person's home and secrets are.
        network: what may be reached; the allow-list's proxy is named later, see `Confinement.with_network`.
        hidden: further paths to hide, as the settings name them.
        store_socket: where the store listens for this session's shell; None: nowhere.
    """
    home = _home(environ)
    workspace = workspace.resolve()
    inside = STORE_INSIDE if sandbox.name == "bubblewrap" else store_socket
    sockets = () if store_socket is None or inside is None else (SocketBinding(outside=store_socket, inside=inside),)
    policy = SandboxPolicy(
        workspace=workspace,
        home=home,
        private_home=paths.private_home,
        scratch=_scratch(sandbox, paths),
        writable=(paths.shell_home,),
        masked=_masked(home, environ, limi_home, hidden),
        read_only=tuple(_kept_from_writing(workspace)),
        sockets=sockets,
        network=network,
        limits=ResourceLimits(processes=max(_FEWEST_PROCESSES, _PROCESSES_PER_CORE * (os.cpu_count() or 1))),
    )
    return Confinement(sandbox=sandbox, policy=policy)


def _masked(home: Path, environ: Mapping[str, str], limi_home: Path, hidden: Iterable[str]) -> tuple[Path, ...]:
    """What is hidden in the home that the environment names, and in the one that the system knows."""
    masked = default_masked(home, environ, limi_home, extra=hidden)
    try:
        login = Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    except (KeyError, OSError):
        return masked
    return masked if login == home else tuple(dict.fromkeys((*masked, *default_masked(login, {}, limi_home))))


def _scratch(sandbox: Sandbox, paths: SessionPaths) -> Path:
    # Where it is not moved to /tmp, programs make sockets below its own path.
    if sandbox.name != "landlock" or fits_socket(paths.scratch / ("x" * _SOCKET_NAME)):
        return paths.scratch
    return Path(tempfile.mkdtemp(prefix="limi-", dir="/tmp"))


def _home(environ: Mapping[str, str]) -> Path:
    named = Path(environ.get("HOME") or "")
    return (named if named.is_absolute() else Path.home()).resolve()


def _kept_from_writing(workspace: Path) -> Iterator[Path]:
    """What lies in the workspace and is run outside of the sandbox: limi itself, and what git is told to run."""
    for path in own_program():
        if path != workspace and path.is_relative_to(workspace):
            yield path
    git = workspace / ".git"
    for directory in (git, *islice(git.glob("modules/*"), _MOST_SUBMODULES)):
        for path in (directory / name for name in _GIT_RUNS):
            if path.exists() and path.resolve() == path:
                yield path

"""One-shot commands in a container of docker or podman, where a daemon answers.

The container sees its image and the workspace, nothing else of this machine, so nothing needs masking outside of the
workspace. Its processes belong to the daemon, not to us: it is removed by its name when the command has ended, however.
Knows nothing of images but the name.

Source: docker-run(1), podman-run(1); both exit with 125 when the container could not be started.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limi_sessions.sandbox.oneshot import MOST_OUTPUT, Cancellation, ConfinedRun, run_confined
from limi_sessions.sandbox.policy import ResourceLimits, SandboxPolicy
from limi_sessions.sandbox.protocol import SandboxMissing

ContainerKind = Literal["docker", "podman"]
_VERSION = {"docker": "{{.ServerVersion}}", "podman": "{{.Version.Version}}"}
_REMOVE_S = 20.0


@dataclass(frozen=True)
class Container:
    """A program that runs containers, and answers."""

    kind: ContainerKind
    program: str
    """Its path."""
    version: str

    def run(
        self,
        policy: SandboxPolicy,
        argv: Sequence[str],
        *,
        image: str,
        cwd: Path,
        environment: Mapping[str, str],
        timeout_s: float,
        stdin: bytes = b"",
        most_output: int = MOST_OUTPUT,
        cancellation: Cancellation | None = None,
    ) -> ConfinedRun:
        """Run a command in a new container of an image that is there already; blocks, so call it in a thread.

        Args:
            policy: the workspace, `writable` and `sockets` are seen under their own paths, as the same user.
            argv: the program, of the image or of the workspace, and its arguments.
            image: name or id; it is not fetched.
            cwd: in the workspace.
            environment: added to the image's.
            timeout_s: seconds until the container is killed.
            stdin: what it reads.
            most_output: bytes kept of each stream.
            cancellation: kills the container when cancelled.

        Returns:
            Exit code 125 when the container could not be started; standard error then says why.

        Raises:
            SandboxMissing: the policy asks for what a container cannot do.
            ConfinedRunFailed: the program cannot be started.
        """
        name = f"limi-{uuid.uuid4().hex}"
        options = list(_options(self.kind, policy, name=name, cwd=cwd, environment=environment))
        started = _Started([self.program, "run", *options, image])
        try:
            return run_confined(
                started,
                policy,
                argv,
                cwd=policy.workspace,
                environment=os.environ,
                timeout_s=timeout_s,
                stdin=stdin,
                most_output=most_output,
                cancellation=cancellation,
            )
        finally:
            self._remove(name)

    def words(self, policy: SandboxPolicy) -> tuple[str, ...]:
        """What it allows, for people."""
        network = "The network is open to it." if policy.network == "on" else "It has no network."
        return (f"{self.kind} {self.version}: the command sees its image and {policy.workspace} only.", network)

    def _remove(self, name: str) -> None:
        """Kill what may be left; a container that ended is gone already."""
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(
                [self.program, "rm", "--force", "--volumes", name], capture_output=True, check=False, timeout=_REMOVE_S
            )


def find_container(*, timeout_s: float = 2.0) -> Container:
    """The first of docker and podman that answers.

    Args:
        timeout_s: seconds that each may take.

    Raises:
        SandboxMissing: neither does; the message says why.
    """
    reasons: list[str] = []
    for kind in ("docker", "podman"):
        if (program := shutil.which(kind)) is None:
            reasons.append(f"{kind} is not installed")
            continue
        try:
            asked = _asked(program, _VERSION[kind], timeout_s)
        except subprocess.TimeoutExpired:
            reasons.append(f"{kind} does not answer within {timeout_s:g} s")
            continue
        except OSError as error:
            reasons.append(f"{kind} cannot be run: {error.strerror or error}")
            continue
        if asked.returncode == 0 and (version := asked.stdout.strip()):
            return Container(kind, program, version)
        said = asked.stderr.strip().splitlines()
        reasons.append(f"{kind} does not work: {said[0] if said else 'no daemon answers'}")
    raise SandboxMissing(f"cannot run containers: {'; '.join(reasons)}. Start a daemon, or choose another sandbox.")


def _asked(program: str, wanted: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    command = [program, "info", "--format", wanted]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)


@dataclass(frozen=True)
class _Started:
    """The command line of one container, up to what runs in it."""

    prefix: list[str]

    def wrapped(self, argv: Sequence[str], policy: SandboxPolicy) -> list[str]:
        return [*self.prefix, *argv]

    def environment(self, policy: SandboxPolicy) -> dict[str, str | None]:
        return {}


def _options(
    kind: ContainerKind, policy: SandboxPolicy, *, name: str, cwd: Path, environment: Mapping[str, str]
) -> Iterator[str]:
    yield from ("--rm", "--interactive", "--pull=never", f"--name={name}", f"--workdir={cwd}")
    yield from ("--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only")
    yield f"--user={os.getuid()}:{os.getgid()}"
    yield from ("--tmpfs=/tmp:rw,nosuid,nodev,exec,mode=1777", f"--network={_network(policy)}")
    if kind == "docker":
        # Reaps orphans; podman may be installed without its own.
        yield "--init"
    elif os.getuid() != 0:
        yield "--userns=keep-id"
    yield from _ceilings(policy.limits)
    yield from _mounts(kind, policy)
    for variable, value in environment.items():
        yield f"--env={variable}={value}"


def _network(policy: SandboxPolicy) -> str:
    if policy.network == "allow-list":
        raise SandboxMissing(
            "cannot run a container with network `allow-list`: letting some hosts through needs bubblewrap. "
            "Choose network `off` or `on`."
        )
    return "bridge" if policy.network == "on" else "none"


def _ceilings(limits: ResourceLimits) -> Iterator[str]:
    wanted = {"core": 0, "nofile": limits.open_files, "fsize": limits.file_bytes}
    # podman sets it as this user, who may not go beyond the own one.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limits.open_files is not None and hard != resource.RLIM_INFINITY:
        wanted["nofile"] = min(limits.open_files, hard)
    yield from (f"--ulimit={name}={most}:{most}" for name, most in wanted.items() if most is not None)
    if limits.processes is not None:
        yield f"--pids-limit={limits.processes}"


def _mounts(kind: ContainerKind, policy: SandboxPolicy) -> Iterator[str]:
    """The mounts, outer directories first; what is masked elsewhere is not there anyway."""
    shown = (policy.workspace, *policy.writable)
    mounts = {path: _bind(path, path) for path in shown}
    for path in (path for path in policy.read_only if _is_part(path, shown)):
        mounts[path] = f"{_bind(path, path)},readonly"
    # podman would first copy what it is to hide.
    empty = "type=tmpfs" if kind == "docker" else "type=tmpfs,notmpcopyup"
    for path in (path for path in policy.masked if _is_part(path, shown)):
        # What is written into such a directory is lost with the container.
        nothing = f"{_bind(Path('/dev/null'), path)},readonly"
        mounts[path] = f"{empty},destination={_plain(path)}" if path.is_dir() else nothing
    for binding in policy.sockets:
        mounts[binding.inside] = _bind(binding.outside, binding.inside)
    yield from (f"--mount={mounts[path]}" for path in sorted(mounts, key=lambda path: len(path.parts)))


def _is_part(path: Path, places: Sequence[Path]) -> bool:
    return path not in places and any(place in path.parents for place in places)


def _bind(outside: Path, inside: Path) -> str:
    return f"type=bind,source={_plain(outside)},destination={_plain(inside)}"


def _plain(path: Path) -> str:
    """A path as a mount option takes it.

    Raises:
        SandboxMissing: it cannot be written there.
    """
    if set(str(path)) & set(',"\n'):
        raise SandboxMissing(f"cannot show {path} in a container: its name has a comma, a quote or a line break.")
    return str(path)

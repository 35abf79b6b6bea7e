"""One command from start to end in a sandbox: verified replay, scoring, setting up a query.

The command has no terminal. The shell's keeper is its parent, so nothing that it starts outlives it: neither daemons
nor what hides in a session of its own. Knows nothing of why the command is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from limi_sessions.sandbox.piped import Cancellation, ConfinedRun, ConfinedRunFailed, PipedCommand
from limi_sessions.sandbox.policy import SandboxPolicy

__all__ = ("MOST_OUTPUT", "Cancellation", "ConfinedRun", "ConfinedRunFailed", "Wrapping", "run_confined")

MOST_OUTPUT = 1 << 20
"""Bytes kept of each stream unless told otherwise."""


class Wrapping(Protocol):
    """The part of a `Sandbox` that a single command needs."""

    def wrapped(self, argv: Sequence[str], policy: SandboxPolicy) -> list[str]:
        """The command that runs ``argv`` confined."""
        ...

    def environment(self, policy: SandboxPolicy) -> dict[str, str | None]:
        """What its environment needs changed; None removes a variable."""
        ...


def run_confined(
    sandbox: Wrapping,
    policy: SandboxPolicy,
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    stdin: bytes = b"",
    most_output: int = MOST_OUTPUT,
    cancellation: Cancellation | None = None,
) -> ConfinedRun:
    """Run a command to its end; blocks, so call it in a thread.

    Args:
        sandbox: what confines it.
        policy: what it may reach.
        argv: the program and its arguments; no shell reads them.
        cwd: absolute; what the sandbox shows under this path inside.
        environment: all of the environment; the sandbox's changes are made to it.
        timeout_s: seconds until everything is killed.
        stdin: what it reads; the end follows.
        most_output: bytes kept of each stream, half from the start and half from the end.
        cancellation: kills everything when cancelled.

    Returns:
        Exit code 125 is the sandbox's when it could not be set up; 127 when the program is not there.

    Raises:
        SandboxMissing: the policy asks for what this sandbox cannot do.
        ConfinedRunFailed: the command cannot be started.
        OSError: a directory of the policy cannot be made.
    """
    variables = dict(environment)
    for name, value in sandbox.environment(policy).items():
        variables.pop(name, None)
        if value is not None:
            variables[name] = value
    run = PipedCommand(most_output, cancellation)
    run.start(sandbox.wrapped(argv, policy), cwd=cwd, environment=variables, processes=policy.limits.bomb)
    try:
        run.feed_and_read(stdin, timeout_s)
    finally:
        run.end()
    return run.outcome()

"""What every sandbox offers, and the one that confines nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from limi_sessions.records.terms import SandboxName
from limi_sessions.sandbox.policy import SandboxPolicy


class SandboxMissing(RuntimeError):
    """A sandbox, or a part of its policy, cannot be had here; the message says which, why and what to do."""


class Sandbox(Protocol):
    """A way to run a command so that it reaches only what a policy allows."""

    name: SandboxName

    def wrapped(self, argv: Sequence[str], policy: SandboxPolicy) -> list[str]:
        """The command that runs ``argv`` confined, in the working directory that it is started in.

        The command may be run on a terminal: job control and Ctrl-C reach ``argv`` as if it were run by itself.
        It exits with ``argv``'s exit code, and with 125 when the sandbox could not be set up.

        Raises:
            SandboxMissing: the policy asks for what this sandbox cannot do.
            OSError: a directory of the policy cannot be made.
        """
        ...

    def environment(self, policy: SandboxPolicy) -> dict[str, str | None]:
        """What the confined command's environment needs changed; None removes a variable."""
        ...

    def words(self, policy: SandboxPolicy) -> tuple[str, ...]:
        """What it allows and what it cannot prevent, for people: one sentence each."""
        ...


class Unconfined:
    """No sandbox: a command may do whatever the user may."""

    name: SandboxName = "none"

    def wrapped(self, argv: Sequence[str], policy: SandboxPolicy) -> list[str]:
        """The command itself."""
        return list(argv)

    def environment(self, policy: SandboxPolicy) -> dict[str, str | None]:
        """Nothing changes."""
        return {}

    def words(self, policy: SandboxPolicy) -> tuple[str, ...]:
        """That nothing is confined."""
        return ("Nothing is confined: a command may do whatever you may do yourself.",)

"""What happens in the shared shell, the agent's calls apart."""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.terms import LeaseOwner, NetworkMode, SandboxName, ShellName
from limi_sessions.records.value import Value


class ShellStarted(Value):
    """A shell process was spawned."""

    kind: Literal["shell_started"] = "shell_started"
    shell: ShellName
    version: str
    pid: int
    cols: int
    rows: int
    cast: str
    """File name of the recording, relative to the session's directory."""
    marks: Literal["osc133", "plain"]
    """``plain``: the hooks did not come up; commands are delimited by a sentinel."""
    sandbox: SandboxName = "none"
    network: NetworkMode = "on"
    private: bool = False
    """The person's own shell beside the shared one, recorded because they asked for it."""


class ShellLost(Value):
    """The shell died or replaced itself."""

    kind: Literal["shell_lost"] = "shell_lost"
    exit_code: int | None
    signal: int | None = None
    restarted: bool = False
    reason: str = ""
    """Why limi ended it; empty when it ended by itself."""


class HumanRan(Value):
    """The expert ran a command in the shared shell."""

    kind: Literal["human_ran"] = "human_ran"
    command: str
    output: str
    """Plain text as shown, capped."""
    exit_code: int | None
    cwd: str | None
    duration_ms: float
    truncated_chars: int = 0
    cast_from: int | None = None
    cast_to: int | None = None
    reached_model: bool = True
    """Whether the agent is told of it with its next request; False for what was run in the person's own shell."""


class LeaseChanged(Value):
    """Who may type changed."""

    kind: Literal["lease_changed"] = "lease_changed"
    owner: LeaseOwner
    epoch: int
    reason: str


class SecretTyped(Value):
    """Keys were typed while echo was off; they are recorded nowhere."""

    kind: Literal["secret_typed"] = "secret_typed"
    keys: int


class MarkForged(Value):
    """The stream held OSC 133 marks without this session's nonce; they were ignored."""

    kind: Literal["mark_forged"] = "mark_forged"
    count: int
    sample: str
    """The first forged mark, control characters made visible."""

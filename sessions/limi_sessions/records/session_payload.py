"""What happens to a session as a whole: start, end, settings, snapshot, and what could not be kept."""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.message import Sampling, ToolSchema
from limi_sessions.records.terms import ApprovalMode, NetworkMode, ProfileName, SandboxName, SessionStatus, ShellName
from limi_sessions.records.value import JsonObject, Value


class SessionStarted(Value):
    """A session began: everything fixed at its start."""

    kind: Literal["session_started"] = "session_started"
    limi_version: str
    query: str
    """Empty when the expert has not typed one yet."""
    workspace: str
    model: str
    provider: JsonObject = {}
    """Endpoint facts without secrets: api_base, and for the demo model gguf_sha256."""
    demo: bool = False
    profile: ProfileName = "limi"
    shell: ShellName = "bash"
    mode: ApprovalMode = "ask"
    sampling: Sampling = Sampling()
    limits: JsonObject = {}
    """max_turns, max_cost_usd, max_tokens; absent = none."""
    system_prompt: str = ""
    tools: tuple[ToolSchema, ...] = ()
    tool_set_sha256: str = ""
    sandbox: SandboxName = "none"
    """What confines the session's shell; each `shell_started` says what confined it."""
    network: NetworkMode = "on"
    source: str = "session"
    """``session`` for live ones; importers use the name of their format."""
    parent_session_id: str | None = None
    hostname: str = ""
    platform: str = ""


class SessionResumed(Value):
    """An ended or killed session went on."""

    kind: Literal["session_resumed"] = "session_resumed"
    limi_version: str
    cwd: str
    """Where the new shell was placed."""
    interrupted_calls: tuple[str, ...] = ()
    """Ids of tool calls that had no result when the session was cut off."""


class SessionFinished(Value):
    """A session ended; a later `session_resumed` may follow."""

    kind: Literal["session_finished"] = "session_finished"
    status: SessionStatus
    reason: str = ""
    outcome: Literal["success", "partial", "failure", "unjudged"] = "unjudged"
    """The expert's verdict on the finish card."""
    note: str = ""


class SettingsChanged(Value):
    """Model, mode, effort, sampling or allowed hosts changed in mid-session."""

    kind: Literal["settings_changed"] = "settings_changed"
    model: str | None = None
    """None, here and below: unchanged."""
    provider: JsonObject | None = None
    demo: bool | None = None
    mode: ApprovalMode | None = None
    sampling: Sampling | None = None
    allowed_host: str | None = None
    """A host that was added to those that the confined shell may reach."""


SnapshotCause = Literal["start", "turn", "call", "human", "asked"]
"""When a snapshot was taken: as the session began or went on, before a turn of the agent, after one of its calls, after
a command of the expert, because somebody asked for it."""


class WorkspaceSnapshotTaken(Value):
    """A state of the workspace was kept, or why not; after the first, only a state unlike the one before."""

    kind: Literal["workspace_snapshot"] = "workspace_snapshot"
    tree: str | None
    """Git tree id of the files in the session's ``workspace.git``; None when skipped."""
    checkpoint: str | None = None
    """Id of the whole state (files, modes, empty directories) by which it is restored; None when skipped."""
    cause: SnapshotCause = "start"
    call_id: str | None = None
    """The call of the agent after which it was taken; None: no call."""
    files: int = 0
    size_bytes: int = 0
    skipped: str = ""
    """Why no snapshot was taken; empty when one was."""
    withheld: tuple[str, ...] = ()
    """Files left out because they hold a known secret; relative to the workspace."""
    left_out: tuple[str, ...] = ()
    """Other files left out, each as ``path: why``."""


class WorkspaceRestored(Value):
    """The workspace's files were brought back to an earlier, or undone, state."""

    kind: Literal["workspace_restored"] = "workspace_restored"
    cause: Literal["undo", "redo", "rewind"]
    checkpoint: str
    """The state that was restored."""
    before: str | None
    """The state just before; None when it could not be kept."""
    paths: tuple[str, ...] = ()
    """Files that changed, at most the first 200."""
    changed: int = 0
    problems: tuple[str, ...] = ()
    """What could not be restored, each as ``path: why``."""
    reached_model: bool = True
    """Whether the agent is told of it with its next request."""


class Rewound(Value):
    """The conversation went back: what followed stays as an abandoned branch, a new branch begins.

    The new branch begins after the first ``to_turn`` turns on the path of ``to_branch``.
    """

    kind: Literal["rewound"] = "rewound"
    branch: str
    """Name of the new branch; the first one of a session is ``main``."""
    from_branch: str
    """Where the conversation stood."""
    from_turn: int
    """How many turns it had there."""
    to_branch: str
    to_turn: int
    retry: bool = False
    """The agent is asked again at once."""


class SessionForked(Value):
    """The events before this one are copies of another session's; from here on this session goes its own way."""

    kind: Literal["session_forked"] = "session_forked"
    parent_session_id: str
    parent_branch: str
    at_turn: int
    """How many of its turns were copied."""


class TodoWritten(Value):
    """The agent replaced its list of steps."""

    kind: Literal["todo_written"] = "todo_written"
    todos: tuple[JsonObject, ...]


class DegradedMode(Value):
    """Something that should be kept could not be; the session goes on."""

    kind: Literal["degraded"] = "degraded"
    part: Literal["store", "cast", "snapshot", "shell_marks"]
    reason: str

"""What can happen in a session: one frozen payload a kind, each named by its ``kind``.

An event of the journal is an envelope (`limi_sessions.records.event`) around one of these. A payload says what became
true, in the past tense; nothing here is ever rewritten.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limi_sessions.records.message import Completion, Message, Sampling, ToolCall, ToolSchema
from limi_sessions.records.value import JsonObject, Value

SessionStatus = Literal["done", "failed", "limit", "interrupted", "shell_lost"]
ApprovalMode = Literal["ask", "yolo"]
ShellName = Literal["bash", "zsh", "fish"]
ProfileName = Literal["limi", "bash-only", "none"]
ToolStatus = Literal[
    "done", "running", "needs_input", "needs_password", "interrupted", "denied", "taken_over", "shell_lost", "error"
]
LeaseOwner = Literal["human", "agent", "free"]


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
    sandbox: str = "none"
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
    """Model, mode, effort or sampling changed in mid-session."""

    kind: Literal["settings_changed"] = "settings_changed"
    model: str | None = None
    """None, here and below: unchanged."""
    provider: JsonObject | None = None
    demo: bool | None = None
    mode: ApprovalMode | None = None
    sampling: Sampling | None = None


class WorkspaceSnapshotTaken(Value):
    """The starting workspace was kept, or why not."""

    kind: Literal["workspace_snapshot"] = "workspace_snapshot"
    tree: str | None
    """Git tree id in the session's ``workspace.git``; None when skipped."""
    files: int = 0
    size_bytes: int = 0
    skipped: str = ""
    """Why no snapshot was taken; empty when one was."""
    withheld: tuple[str, ...] = ()
    """Files left out because they hold a known secret; relative to the workspace."""


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


class ShellLost(Value):
    """The shell died or replaced itself."""

    kind: Literal["shell_lost"] = "shell_lost"
    exit_code: int | None
    signal: int | None = None
    restarted: bool = False


class UserMessage(Value):
    """The expert said something to the agent."""

    kind: Literal["user_message"] = "user_message"
    content: str


class ModelRequest(Value):
    """A request was sent to the model, kept whole.

    ``messages`` holds only what follows the first ``prefix`` messages of the request before it in this session;
    those are identical. The whole request is the chain of prefixes.
    """

    kind: Literal["model_request"] = "model_request"
    request_id: str
    model: str
    provider: JsonObject = {}
    prefix: int = 0
    """How many leading messages equal those of the previous request."""
    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...] | None
    """None: the same tools as in the previous request."""
    sampling: Sampling
    attempt: int = 1


class ModelRetried(Value):
    """A request failed before its first delta and is sent again."""

    kind: Literal["model_retried"] = "model_retried"
    request_id: str
    attempt: int
    """The attempt that failed, from 1."""
    error: str
    status_code: int | None = None
    wait_s: float


class ModelMessage(Value):
    """The model answered."""

    kind: Literal["model_message"] = "model_message"
    request_id: str
    completion: Completion
    demo: bool = False
    gguf_sha256: str | None = None
    tokens_per_s: float | None = None


class ModelFailed(Value):
    """A request failed for good."""

    kind: Literal["model_failed"] = "model_failed"
    request_id: str
    error: str
    error_kind: Literal["auth", "rate_limit", "server", "connection", "timeout", "bad_request", "malformed", "worker"]
    status_code: int | None = None
    partial: Completion | None = None


class ToolProposed(Value):
    """The agent proposed a call; ``request_id`` is the request whose answer held it."""

    kind: Literal["tool_proposed"] = "tool_proposed"
    request_id: str
    call: ToolCall
    problem: str = ""
    """Why the call cannot run (unknown tool, broken arguments); empty when it can."""


class ToolDecided(Value):
    """A call was accepted or rejected."""

    kind: Literal["tool_decided"] = "tool_decided"
    call_id: str
    decision: Literal["accept", "reject"]
    by: Literal["human", "mode", "nobody"]
    """``mode``: no question was asked; ``nobody``: no person was there."""
    reason: str = ""
    edited: ToolCall | None = None


class ToolFinished(Value):
    """A call ended with the text that the model sees."""

    kind: Literal["tool_finished"] = "tool_finished"
    call_id: str
    name: str
    status: ToolStatus
    result: str
    """Exactly what the model gets, status line included."""
    exit_code: int | None = None
    """None: unknown or not a command."""
    cwd: str | None = None
    duration_ms: float = 0.0
    truncated_chars: int = 0
    artifact: str | None = None
    """Path of the whole output, relative to the session's directory; None when nothing was cut."""
    cast_from: int | None = None
    """Byte offsets into the recording of what the call printed; None for tools without a shell."""
    cast_to: int | None = None


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
    """Whether the agent is told of it with its next request."""


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


class TodoWritten(Value):
    """The agent replaced its list of steps."""

    kind: Literal["todo_written"] = "todo_written"
    todos: tuple[JsonObject, ...]


class DegradedMode(Value):
    """Something that should be kept could not be; the session goes on."""

    kind: Literal["degraded"] = "degraded"
    part: Literal["store", "cast", "snapshot", "shell_marks"]
    reason: str


class SessionRenamed(Value):
    """Desk event: a session was given a title."""

    kind: Literal["session_renamed"] = "session_renamed"
    target: str
    title: str


class SessionTagged(Value):
    """Desk event: a session's tags changed."""

    kind: Literal["session_tagged"] = "session_tagged"
    target: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class SessionDeleted(Value):
    """Desk event: a session was moved to the bin (tombstone)."""

    kind: Literal["session_deleted"] = "session_deleted"
    target: str
    journal_sha256: str
    """Last hash of the chain at the time of deletion."""


class SessionRestored(Value):
    """Desk event: a deletion was taken back."""

    kind: Literal["session_restored"] = "session_restored"
    target: str


class BinEmptied(Value):
    """Desk event: the bin was emptied, disk freed."""

    kind: Literal["bin_emptied"] = "bin_emptied"
    targets: tuple[str, ...]


Payload = (
    SessionStarted
    | SessionResumed
    | SessionFinished
    | SettingsChanged
    | WorkspaceSnapshotTaken
    | ShellStarted
    | ShellLost
    | UserMessage
    | ModelRequest
    | ModelRetried
    | ModelMessage
    | ModelFailed
    | ToolProposed
    | ToolDecided
    | ToolFinished
    | HumanRan
    | LeaseChanged
    | SecretTyped
    | MarkForged
    | TodoWritten
    | DegradedMode
    | SessionRenamed
    | SessionTagged
    | SessionDeleted
    | SessionRestored
    | BinEmptied
)
"""Every payload, for introspection."""

AnyPayload = Annotated[Payload, Field(discriminator="kind")]
"""Every payload, for validation by ``kind``."""

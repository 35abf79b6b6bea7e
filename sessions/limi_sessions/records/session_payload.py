"""What happens to a session as a whole: start, end, settings, snapshot, and what could not be kept."""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.message import Sampling, ToolSchema
from limi_sessions.records.terms import ApprovalMode, ProfileName, SessionStatus, ShellName
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


class TodoWritten(Value):
    """The agent replaced its list of steps."""

    kind: Literal["todo_written"] = "todo_written"
    todos: tuple[JsonObject, ...]


class DegradedMode(Value):
    """Something that should be kept could not be; the session goes on."""

    kind: Literal["degraded"] = "degraded"
    part: Literal["store", "cast", "snapshot", "shell_marks"]
    reason: str

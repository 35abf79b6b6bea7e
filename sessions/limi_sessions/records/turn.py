"""Turns: what a session looks like when read as a conversation.

A turn is a read model, derived from events by `limi_sessions.trajectory.turns_of`; it is never stored in a journal.
"""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.message import FinishReason, Role, TokenCount, ToolCall, ToolSchema
from limi_sessions.records.payload import SessionStatus, ToolStatus
from limi_sessions.records.value import JsonObject, Value

TurnSource = Literal["expert", "agent", "shell", "tool", "system"]
"""``shell``: a command that the expert ran, told to the agent as an observation."""


class Turn(Value):
    """One message of a session with its origin and measures."""

    session_id: str
    branch: str = "main"
    turn_no: int
    """From 0 within a branch."""
    role: Role
    source: TurnSource
    actor: str
    ts: str
    event_id: str
    content: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None
    tool_status: ToolStatus | None = None
    exit_code: int | None = None
    cwd: str | None = None
    model: str | None = None
    finish_reason: FinishReason | None = None
    usage: TokenCount | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    extra: JsonObject = {}
    """Provider fields that go back to the model with this message."""
    demo: bool = False
    cast_from: int | None = None
    cast_to: int | None = None


class SessionSummary(Value):
    """One row of a list of sessions."""

    session_id: str
    title: str
    """Given by a person, else the first 60 characters of the query."""
    source: str
    status: SessionStatus | Literal["running", "cut_off"]
    """``running``: its process lives; ``cut_off``: it ended without a `session_finished`."""
    model: str
    turns: int
    tokens: int | None
    """Prompt tokens of the last request plus its completion; None when unknown."""
    cost_usd: float | None = None
    started_at: str
    updated_at: str = ""
    workspace: str = ""
    query: str = ""
    demo: bool = False
    tags: tuple[str, ...] = ()
    deleted: bool = False


class Trajectory(Value):
    """A session as a value: what exporters take."""

    summary: SessionSummary
    tools: tuple[ToolSchema, ...]
    tool_set_sha256: str = ""
    turns: tuple[Turn, ...]

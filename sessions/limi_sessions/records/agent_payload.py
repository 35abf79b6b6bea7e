"""What the expert says, what the model is asked and answers, and what becomes of its calls."""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.message import Completion, Message, Sampling, ToolCall, ToolSchema
from limi_sessions.records.terms import ApprovalMode, ToolStatus
from limi_sessions.records.value import JsonObject, Value


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
    by: Literal["human", "mode", "remembered", "nobody"]
    """``mode``: nobody was asked; ``remembered``: accepted for the session before; ``nobody``: no person was there."""
    mode: ApprovalMode | None = None
    """The mode in force; None: not recorded."""
    reason: str = ""
    """Why it was rejected, as the model is told."""
    reason_codes: tuple[str, ...] = ()
    """The ready-made reasons among it."""
    remembered: bool = False
    """Accepted for the rest of this session."""
    edited: ToolCall | None = None
    """What the expert made of the call before it ran; None: it ran as proposed."""


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

"""Pieces of a model's answer as they arrive, and what can go wrong with a request.

These are transient: the journal keeps the assembled `Completion`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from limi_sessions.records.message import Completion, Message, Sampling, ToolSchema

ErrorKind = Literal["auth", "rate_limit", "server", "connection", "timeout", "bad_request", "malformed", "worker"]
"""``worker``: our own child process died or could not start."""


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request to a model, whole."""

    request_id: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a proposed call; calls are told apart by ``index``."""

    index: int
    name: str
    """The whole name so far known, empty until it arrives."""
    arguments: str
    """The fragment, to be appended."""


Delta = TextDelta | ReasoningDelta | ToolCallDelta


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """A request failed before its first delta and will be sent again after ``wait_s`` seconds."""

    attempt: int
    error: str
    status_code: int | None
    wait_s: float


@dataclass(frozen=True, slots=True)
class Served:
    """How far a scripted model has been played."""

    answers: int = 0
    """Whole ones and parts."""
    errors: int = 0
    """HTTP errors since the last answer."""

    def with_answer(self) -> Served:
        """One answer further."""
        return Served(self.answers + 1)

    def with_error(self) -> Served:
        """One error further."""
        return Served(self.answers, self.errors + 1)


class ModelError(Exception):
    """A request failed for good; the message says what to do."""

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        status_code: int | None = None,
        partial: Completion | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.status_code = status_code
        self.partial = partial
        """What had arrived before the failure, None when nothing had."""

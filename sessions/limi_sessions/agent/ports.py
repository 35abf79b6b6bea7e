"""What the agent's loop reaches out to: a model, somebody who decides, somebody who watches, and its settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from limi_sessions.agent.conversation import Conversation
from limi_sessions.agent.stream import CompletionRequest, Delta, RetryNotice
from limi_sessions.records.event import Event
from limi_sessions.records.message import Completion, Sampling, ToolCall
from limi_sessions.records.payload import ApprovalMode, Payload, SessionStatus, SnapshotCause
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.tool import Preview, ToolContext
from limi_sessions.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from limi_sessions.approval.gate import Gate


class Completer(Protocol):
    """A model, reached somehow."""

    provider_facts: JsonObject

    async def complete(
        self,
        request: CompletionRequest,
        *,
        on_delta: Callable[[Delta], None],
        on_retry: Callable[[RetryNotice], None],
        cancel: asyncio.Event,
    ) -> Completion:
        """The whole answer to one request.

        Raises:
            ModelError: the request failed for good.
        """
        ...


def _no_problem(call: ToolCall) -> str:
    return ""


@dataclass(frozen=True)
class Proposal:
    """A call that waits for a decision."""

    request_id: str
    call: ToolCall
    preview: Preview
    demo: bool
    rememberable: str = ""
    """What "accept for this session" would cover, in words; empty when this call cannot be remembered."""
    not_rememberable: str = ""
    """Why it cannot, in words."""
    problem_of: Callable[[ToolCall], str] = _no_problem
    """What is wrong with an edited call, for the expert; empty when it can run."""


@dataclass(frozen=True)
class Decision:
    """What was decided about a proposal."""

    accept: bool
    reason: str = ""
    """Why not, as the model is told: the ready-made reasons in words and what the expert typed."""
    by: Literal["human", "mode", "remembered", "nobody"] = "human"
    reason_codes: tuple[str, ...] = ()
    remember: bool = False
    """Accept the same call for the rest of the session, unasked."""
    edited: ToolCall | None = None
    """The call as it is to run; None: as proposed. Keeps the proposal's ``call_id``."""


class Approver(Protocol):
    """Who decides about proposals."""

    async def decide(self, proposal: Proposal) -> Decision:
        """Wait for a decision."""
        ...


class LoopObserver(Protocol):
    """Who watches the loop; calls come on the event loop and must return at once."""

    def delta_arrived(self, request_id: str, delta: Delta) -> None:
        """More of the model's answer."""
        ...

    def activity_changed(self, activity: Activity) -> None:
        """What the agent is doing."""
        ...


Activity = Literal["idle", "thinking", "deciding", "running", "waiting for the shell"]


@dataclass(frozen=True)
class Limits:
    """Ceilings that stop the loop; None means none."""

    max_turns: int | None = None
    """Model requests in one run of the loop."""
    max_tokens: int | None = None
    """Prompt and completion tokens over the session."""
    max_cost_usd: float | None = None


@dataclass(frozen=True)
class LoopSettings:
    """What may change between two requests."""

    model: str
    completer: Completer
    sampling: Sampling
    mode: ApprovalMode
    demo: bool
    limits: Limits


@dataclass(frozen=True)
class LoopEnd:
    """Why the loop ended."""

    status: SessionStatus
    reason: str = ""


@dataclass(frozen=True)
class LoopPorts:
    """Everything the loop reaches out to."""

    record: Callable[[Payload], Awaitable[Event]]
    """Record what the agent did; ends when it is on disk."""
    conversation: Conversation
    toolbox: Toolbox
    context: Callable[[], ToolContext]
    """The tools' surroundings now: the shell may have been restarted."""
    lease: Callable[[asyncio.Event], Awaitable[bool]]
    """Wait for the right to type; False when the event was set first."""
    shell_lost: Callable[[], Awaitable[bool]]
    """Start a new shell after one died; False when that failed too."""
    keep_workspace: Callable[[SnapshotCause, str | None], Awaitable[None]]
    """Keep the workspace's present state, before a turn or after a call (its id)."""
    gate: Gate
    """Decides about calls."""
    observer: LoopObserver
    settings: Callable[[], LoopSettings]


class NobodyIsHere:
    """The approver of a run without a person: everything that would be asked is denied."""

    async def decide(self, proposal: Proposal) -> Decision:
        """Deny."""
        return Decision(accept=False, reason="nobody is here", by="nobody")

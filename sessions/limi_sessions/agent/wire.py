"""What the workstation and the model process say to each other: one JSON object a line.

Knows nothing of litellm and pipes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from limi_sessions.agent.stream import ErrorKind
from limi_sessions.records.value import JsonObject, Value

MODEL_KEY = "LIMI_MODEL_KEY"
"""Variable in the environment of the model process that holds the key to use; unset: litellm finds its own."""


class Ask(Value):
    """Parent to child: send one request to a provider."""

    op: Literal["ask"] = "ask"
    id: str
    """Unique for each attempt."""
    arguments: JsonObject
    """Keyword arguments of litellm's `acompletion`, the key not among them."""
    priced: bool = False
    """Whether litellm's price list applies to the endpoint."""


class Cancel(Value):
    """Parent to child: end a request now."""

    op: Literal["cancel"] = "cancel"
    id: str


class Warmed(Value):
    """Child to parent: the first request will be as fast as any other."""

    event: Literal["warmed"] = "warmed"
    context_limit: int | None = None
    """Tokens that the model reads at most, None when litellm does not know the model."""


class CallFragment(Value):
    """A piece of a tool call as the provider sent it."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Piece(Value):
    """Child to parent: more of an answer."""

    event: Literal["piece"] = "piece"
    id: str
    text: str = ""
    reasoning: str = ""
    calls: tuple[CallFragment, ...] = ()


class FinishSeen(Value):
    """Child to parent: the provider said why it stops; usage may still follow."""

    event: Literal["finish_seen"] = "finish_seen"
    id: str
    finish_reason: str


class Ended(Value):
    """Child to parent: the stream is over."""

    event: Literal["ended"] = "ended"
    id: str
    finish_reason: str | None
    """As the provider sent it; None: the stream ended without one."""
    prompt_tokens: int | None = None
    """From the provider's own usage, as are the next two; None when it sent none."""
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    model: str = ""
    raw: JsonObject = Field(default_factory=dict)
    extra: JsonObject = Field(default_factory=dict)


class Failed(Value):
    """Child to parent: the request failed."""

    event: Literal["failed"] = "failed"
    id: str
    kind: ErrorKind
    message: str
    status_code: int | None = None
    retry_after_s: float | None = None
    """What the provider asks to wait; None when it says nothing."""
    retriable: bool = False
    """Whether the same request may succeed a little later."""
    cut: bool = False
    """The answer had begun and was broken off; without this, it never began or is no answer."""


class Cancelled(Value):
    """Child to parent: the request was ended as asked, its connection closed."""

    event: Literal["cancelled"] = "cancelled"
    id: str


Command = Ask | Cancel
Reply = Piece | FinishSeen | Ended | Failed | Cancelled
"""What belongs to one request."""

COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Ask | Cancel, Field(discriminator="op")])
EVENT: TypeAdapter[Warmed | Reply] = TypeAdapter(
    Annotated[Warmed | Piece | FinishSeen | Ended | Failed | Cancelled, Field(discriminator="event")]
)

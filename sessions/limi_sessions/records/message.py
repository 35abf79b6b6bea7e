"""Messages as a model sees them: pure values without identity.

Source: the chat completions message shape, https://platform.openai.com/docs/api-reference/chat; `reasoning_content`
as in GLM-4.5 and DeepSeek.
"""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.value import JsonObject, Value

Role = Literal["system", "user", "assistant", "tool"]
CountMethod = str
"""How a token count was obtained: ``exact`` (provider usage) | ``tokenizer:<name>`` | ``estimate``."""


class ToolCall(Value):
    """One call that a model proposes."""

    call_id: str
    """Unique within the turn; made up by us where the provider sent none."""
    name: str
    arguments: str
    """The JSON text exactly as the model wrote it; may be broken JSON."""


class Message(Value):
    """One message of a conversation."""

    role: Role
    content: str = ""
    reasoning: str = ""
    """Reasoning text that came with an assistant message, empty when there was none."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    """On role ``tool``: the call that this message answers."""
    extra: JsonObject = {}
    """Provider fields that must be sent back verbatim (thinking signatures and the like)."""


class ToolSchema(Value):
    """A tool as shown to a model."""

    name: str
    description: str
    parameters: JsonObject
    """JSON schema with ``additionalProperties: false``."""


class Sampling(Value):
    """Sampling parameters; None leaves the provider's default."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    effort: Literal["low", "medium", "high"] | None = None


class TokenCount(Value):
    """Tokens of one model turn."""

    prompt: int
    completion: int
    reasoning: int | None = None
    """Part of ``completion`` spent on reasoning; None when the provider does not say."""
    method: CountMethod


FinishReason = Literal["stop", "tool_calls", "length", "content_filter", "truncated", "cancelled"]
"""``truncated``: the stream ended without a finish reason; ``cancelled``: stopped by a person or a limit."""


class Completion(Value):
    """A model's whole answer to one request."""

    content: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason
    usage: TokenCount | None = None
    """None when neither the provider nor a tokenizer gave a count."""
    cost_usd: float | None = None
    """None when the price is unknown."""
    latency_ms: float = 0.0
    """Request sent to last byte."""
    first_delta_ms: float | None = None
    """Request sent to first delta; None when nothing arrived."""
    response_model: str = ""
    """The model name the provider reported."""
    raw: JsonObject = {}
    """Provider fields beyond the standard ones: id, system fingerprint, usage as sent, thinking blocks."""
    extra: JsonObject = {}
    """What must be sent back with this message in later requests (copied to ``Message.extra``)."""

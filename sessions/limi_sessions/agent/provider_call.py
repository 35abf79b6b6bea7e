"""One request through litellm, as events; runs in the model process only.

litellm hides two facts that matter: it makes up a finish reason when a stream ends without one, and counts tokens
itself when the provider sent no usage. Both are read from the provider's own chunks on their way into litellm.
Source: litellm 1.106.2, `litellm_core_utils/streaming_handler.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast, runtime_checkable

from pydantic import JsonValue

from limi_sessions.agent.assembly import merged_thinking
from limi_sessions.agent.wire import Ask, CallFragment, Ended, FinishSeen, Piece, Reply
from limi_sessions.records.value import JsonObject

Emit = Callable[[Reply], None]
_CLOSE_S = 0.1
_REASONING_ESTIMATED = ("anthropic/", "bedrock/")
"""Providers that do not tell reasoning tokens; litellm estimates them."""
_RAW_FIELDS = ("id", "system_fingerprint", "service_tier", "provider", "timings")
"""`timings` is llama.cpp's, `provider` OpenRouter's."""


@runtime_checkable
class _Dumpable(Protocol):
    def model_dump(self, *, exclude_none: bool) -> dict[str, object]: ...


class Litellm(Protocol):
    """The few functions of litellm in use."""

    def acompletion(self, **arguments: object) -> Awaitable[object]:
        """Send a request."""
        ...

    def cost_per_token(
        self, *, model: str, prompt_tokens: int, completion_tokens: int, usage_object: object
    ) -> tuple[float, float]:
        """Prices of prompt and completion in USD."""
        ...

    def get_model_info(self, *, model: str) -> Mapping[str, object]:
        """What the price list says of a model."""
        ...


@dataclass(slots=True)
class _Seen:
    """What the provider itself sent."""

    finish_reason: str | None = None
    usage: JsonObject | None = None
    fields: JsonObject = field(default_factory=dict[str, JsonValue])
    next_index: int = 0
    litellm_usage: object = None
    model: str = ""
    thinking: list[JsonObject] = field(default_factory=list[JsonObject])
    reasoning_details: list[JsonObject] = field(default_factory=list[JsonObject])


async def call_provider(litellm: Litellm, ask: Ask, *, api_key: str | None, emit: Emit) -> None:
    """Stream one answer; the last event is `Ended`.

    Raises:
        Exception: whatever litellm raises; see `failure_of`.
    """
    seen = _Seen()
    arguments: dict[str, object] = {**ask.arguments, "stream": True, "num_retries": 0, "max_retries": 0}
    if api_key is not None:
        arguments["api_key"] = api_key
    stream, usage_refused = await _open(litellm, arguments)
    provider_stream = getattr(stream, "completion_stream", None)
    try:
        if hasattr(provider_stream, "__aiter__"):
            chunks = cast(AsyncIterator[object], provider_stream)
            stream.completion_stream = _watched(chunks, seen, ask=ask, emit=emit)  # pyright: ignore[reportAttributeAccessIssue]
        async for chunk in cast(AsyncIterator[object], stream):
            _take(chunk, seen, ask=ask, emit=emit)
        if not hasattr(provider_stream, "__aiter__"):
            seen.finish_reason = seen.finish_reason or "stop"
        emit(_ended(litellm, ask, seen, usage_refused=usage_refused))
    finally:
        await _close(provider_stream)


async def _open(litellm: Litellm, arguments: dict[str, object]) -> tuple[object, bool]:
    """The stream, and whether the provider refused to be asked for usage."""
    try:
        return await litellm.acompletion(**arguments, stream_options={"include_usage": True}), False
    except Exception as error:
        text = str(error)
        if getattr(error, "status_code", None) not in (400, 422) or not (
            "stream_options" in text or "include_usage" in text
        ):
            raise
    return await litellm.acompletion(**arguments), True


async def _close(provider_stream: object) -> None:
    """Close the connection, so that the provider stops generating."""
    close = getattr(provider_stream, "close", None) or getattr(provider_stream, "aclose", None)
    if close is None:
        return
    with contextlib.suppress(Exception):
        closing = close()
        if isinstance(closing, Awaitable):
            await asyncio.wait_for(cast(Awaitable[object], closing), _CLOSE_S)


async def _watched(chunks: AsyncIterator[object], seen: _Seen, *, ask: Ask, emit: Emit) -> AsyncIterator[object]:
    async for chunk in chunks:
        _note(chunk, seen)
        for choice in _sequence(_get(chunk, "choices")):
            for fragment in _sequence(_get(_get(choice, "delta"), "tool_calls")):
                _number(fragment, seen)
            reason = _get(choice, "finish_reason")
            if isinstance(reason, str) and reason and seen.finish_reason is None:
                seen.finish_reason = reason
                emit(FinishSeen(id=ask.id, finish_reason=reason))
        if (
            not _get(chunk, "choices")
            and _get(chunk, "is_finished")
            and isinstance(reason := _get(chunk, "finish_reason"), str)
        ):
            seen.finish_reason = reason or seen.finish_reason
        yield chunk


def _note(chunk: object, seen: _Seen) -> None:
    usage = _plain(_get(chunk, "usage"))
    if isinstance(usage, dict) and usage:
        seen.usage = {**(seen.usage or {}), **cast(JsonObject, usage)}
    for name in _RAW_FIELDS:
        value = _plain(_get(chunk, name))
        if value is not None:
            seen.fields[name] = cast(JsonObject, {"value": value})["value"]
    model = _get(chunk, "model")
    if isinstance(model, str) and model:
        seen.model = model


def _number(fragment: object, seen: _Seen) -> None:
    """Give a call without an index its own: litellm would call each of them 0."""
    index = _get(fragment, "index")
    if isinstance(index, int):
        seen.next_index = max(seen.next_index, index + 1)
        return
    if _get(_get(fragment, "function"), "name"):
        seen.next_index += 1
    number = max(seen.next_index - 1, 0)
    if isinstance(fragment, dict):
        fragment["index"] = number
    else:
        with contextlib.suppress(AttributeError, ValueError):
            setattr(fragment, "index", number)  # noqa: B010 - the type is the provider's


def _take(chunk: object, seen: _Seen, *, ask: Ask, emit: Emit) -> None:
    if (usage := _get(chunk, "usage")) is not None:
        seen.litellm_usage = usage
    for choice in _sequence(_get(chunk, "choices")):
        delta = _get(choice, "delta")
        seen.thinking.extend(_objects(_get(delta, "thinking_blocks")))
        provider_fields = _get(delta, "provider_specific_fields")
        seen.reasoning_details.extend(
            _objects(_get(delta, "reasoning_details") or _get(provider_fields, "reasoning_details"))
        )
        piece = Piece(
            id=ask.id,
            text=_text(_get(delta, "content")),
            reasoning=_text(_get(delta, "reasoning_content") or _get(delta, "reasoning")),
            calls=tuple(_fragment(call) for call in _sequence(_get(delta, "tool_calls"))),
        )
        if piece.text or piece.reasoning or piece.calls:
            emit(piece)


def _fragment(call: object) -> CallFragment:
    index, call_id, function = _get(call, "index"), _get(call, "id"), _get(call, "function")
    return CallFragment(
        index=index if isinstance(index, int) else None,
        id=_text(call_id) or None,
        name=_text(_get(function, "name")) or None,
        arguments=_text(_get(function, "arguments")),
    )


def _ended(litellm: Litellm, ask: Ask, seen: _Seen, *, usage_refused: bool) -> Ended:
    usage = seen.usage or {}
    prompt = _count(seen.litellm_usage, "prompt_tokens") if usage else None
    completion = _count(seen.litellm_usage, "completion_tokens") if usage else None
    if prompt is None:
        prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if seen.finish_reason is None and completion != _count(usage, "completion_tokens"):
        prompt = completion = None  # a cut stream: litellm counted what the provider had not yet
    details = _get(seen.litellm_usage, "completion_tokens_details") or usage.get("completion_tokens_details")
    told = bool(usage) and not str(ask.arguments["model"]).startswith(_REASONING_ESTIMATED)
    raw: JsonObject = {**seen.fields}
    if seen.usage is not None:
        raw["usage"] = seen.usage
    if usage_refused:
        raw["stream_options"] = "refused"
    extra: JsonObject = {}
    if seen.thinking:
        extra["thinking_blocks"] = [*merged_thinking(seen.thinking)]
        raw["thinking_blocks"] = extra["thinking_blocks"]
    if seen.reasoning_details:
        extra["reasoning_details"] = [*seen.reasoning_details]
    return Ended(
        id=ask.id,
        finish_reason=seen.finish_reason,
        prompt_tokens=prompt,
        completion_tokens=completion,
        reasoning_tokens=_count(details, "reasoning_tokens") if told else None,
        cost_usd=_cost(litellm, ask, usage, seen.litellm_usage),
        model=seen.model,
        raw=raw,
        extra=extra,
    )


def _cost(litellm: Litellm, ask: Ask, usage: Mapping[str, object], litellm_usage: object) -> float | None:
    """What the provider says it cost, else by litellm's price list where it applies."""
    said = usage.get("cost")
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    prompt, completion = _count(litellm_usage, "prompt_tokens"), _count(litellm_usage, "completion_tokens")
    if not ask.priced or not usage or prompt is None or completion is None:
        return None
    try:
        costs = litellm.cost_per_token(
            model=str(ask.arguments["model"]),
            prompt_tokens=prompt,
            completion_tokens=completion,
            usage_object=litellm_usage,
        )
    except Exception:  # noqa: BLE001 - a model without a price: the cost is unknown
        return None
    return sum(costs)


def _get(value: object, name: str) -> object:
    if isinstance(value, dict):
        return cast(dict[str, object], value).get(name)
    return cast(object, getattr(value, name, None))


def _sequence(value: object) -> list[object]:
    return list(cast(list[object], value)) if isinstance(value, list | tuple) else []


def _text(value: object) -> str:
    """A string that UTF-8 can hold: a model may write half of a surrogate pair."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _count(usage: object, name: str) -> int | None:
    value = _get(usage, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _plain(value: object) -> object:
    """A JSON value of a provider's object; None when it is none."""
    if isinstance(value, _Dumpable):
        value = value.model_dump(exclude_none=True)
    try:
        return cast(object, json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")))
    except (TypeError, ValueError):
        return None


def _objects(value: object) -> list[JsonObject]:
    return [cast(JsonObject, plain) for part in _sequence(value) if isinstance(plain := _plain(part), dict)]

"""An answer put together from its pieces, in the parent, so that a part survives the death of the model process.

Knows nothing of providers beyond the ways in which they number parallel tool calls.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from limi_sessions.agent.stream import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from limi_sessions.agent.wire import CallFragment, Piece
from limi_sessions.records.identity import uuid7
from limi_sessions.records.message import FinishReason, ToolCall
from limi_sessions.records.value import JsonObject

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "network_error": "truncated",
    "insufficient_system_resource": "truncated",
    "error": "truncated",
}
"""Reasons of providers that litellm passes on as they are; GLM's `sensitive` and `network_error` among them."""


@dataclass(slots=True)
class _Call:
    index: int | None
    id: str | None
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


class Assembly:
    """Takes the pieces of one answer in order."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_Call] = []

    @property
    def content(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return "".join(self._reasoning)

    @property
    def empty(self) -> bool:
        """Whether nothing has arrived."""
        return not (self._text or self._reasoning or self._calls)

    def add(self, piece: Piece) -> list[Delta]:
        """Take a piece; returns what it adds, in order."""
        deltas: list[Delta] = []
        if piece.reasoning:
            self._reasoning.append(piece.reasoning)
            deltas.append(ReasoningDelta(piece.reasoning))
        if piece.text:
            self._text.append(piece.text)
            deltas.append(TextDelta(piece.text))
        for fragment in piece.calls:
            number = self._number_of(fragment)
            call = self._calls[number]
            call.id = call.id or fragment.id
            if fragment.name and not call.name:
                call.name = fragment.name
            if fragment.arguments:
                call.arguments.append(fragment.arguments)
            deltas.append(ToolCallDelta(number, call.name, fragment.arguments))
        return deltas

    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls so far, each with an id of its own."""
        taken: set[str] = set()
        calls: list[ToolCall] = []
        for call in self._calls:
            if not call.name and not call.arguments:
                continue
            call_id = call.id if call.id and call.id not in taken else f"call_{uuid7()}"
            taken.add(call_id)
            calls.append(ToolCall(call_id=call_id, name=call.name, arguments="".join(call.arguments)))
        return tuple(calls)

    def _number_of(self, fragment: CallFragment) -> int:
        """Which call a fragment belongs to, by index, else by id, else by what is complete."""
        if fragment.index is not None:
            same = [number for number, call in enumerate(self._calls) if call.index == fragment.index]
        elif fragment.id:
            same = [number for number, call in enumerate(self._calls) if call.id == fragment.id]
        else:
            same = [len(self._calls) - 1] if self._calls else []
        # The last one: providers that number every call 0 tell them apart by id, or send each whole.
        if same and not self._begins_another(self._calls[same[-1]], fragment):
            return same[-1]
        self._calls.append(_Call(fragment.index, fragment.id))
        return len(self._calls) - 1

    @staticmethod
    def _begins_another(call: _Call, fragment: CallFragment) -> bool:
        if fragment.id and call.id:
            return fragment.id != call.id
        if not fragment.name or not call.name:
            return False
        return fragment.name != call.name or _is_json("".join(call.arguments))


def finish_of(provider_reason: str | None, *, has_calls: bool) -> FinishReason:
    """Our word for a provider's finish reason; None is ``truncated``, an unknown one counts as a normal end."""
    if provider_reason is None:
        return "truncated"
    known = _FINISH.get(provider_reason.lower(), "stop")
    if known == "stop" and has_calls:
        return "tool_calls"
    return known


def merged_thinking(fragments: list[JsonObject]) -> list[JsonObject]:
    """Whole thinking blocks from streamed ones: text until its signature; redacted blocks as they are.

    Source: Anthropic, extended thinking, streaming.
    """
    blocks: list[JsonObject] = []
    open_block = False
    for fragment in fragments:
        if fragment.get("type") == "redacted_thinking":
            blocks.append(fragment)
            open_block = False
            continue
        if not open_block:
            blocks.append({"type": "thinking", "thinking": "", "signature": ""})
            open_block = True
        block = blocks[-1]
        block["thinking"] = f"{block['thinking']}{fragment.get('thinking') or ''}"
        if signature := fragment.get("signature"):
            block["signature"] = signature
            open_block = False
    return blocks


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True

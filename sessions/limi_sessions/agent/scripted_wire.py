"""A scripted turn in the two wire formats of OpenAI-compatible servers: chat completions and Responses.

Knows nothing of HTTP. Sources: https://platform.openai.com/docs/api-reference/chat/streaming and
https://platform.openai.com/docs/api-reference/responses-streaming; `reasoning_content` as in DeepSeek and GLM-4.5.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from pydantic import JsonValue

from limi_sessions.agent.script import ScriptedCall, ScriptedTurn
from limi_sessions.records.identity import uuid7
from limi_sessions.records.value import JsonObject


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a turn as it is streamed."""

    kind: Literal["reasoning", "text", "call", "arguments"]
    """``call``: a tool call begins; ``arguments``: more of its arguments."""
    text: str = ""
    call: int = 0


def pieces_of(turn: ScriptedTurn) -> Iterator[Piece]:
    """The turn in pieces of at most ``chunk_chars``; arguments of parallel calls take turns. Stops at the cut."""
    left = turn.cut_after
    for piece in _all_pieces(turn):
        if left is None:
            yield piece
            continue
        if left <= 0:
            return
        yield Piece(piece.kind, piece.text[:left], piece.call)
        left -= len(piece.text)


def _all_pieces(turn: ScriptedTurn) -> Iterator[Piece]:
    yield from (Piece("reasoning", text) for text in _split(turn.reasoning, turn.chunk_chars))
    yield from (Piece("text", text) for text in _split(turn.text, turn.chunk_chars))
    yield from (Piece("call", call=number) for number in range(len(turn.tool_calls)))
    fragments = [_split(call.arguments_text, turn.chunk_chars) for call in turn.tool_calls]
    for row in zip_longest(*fragments):
        yield from (Piece("arguments", text, number) for number, text in enumerate(row) if text is not None)


def _split(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


class ChatWire:
    """One turn as a chat completion."""

    def __init__(self, turn: ScriptedTurn, *, model: str, with_usage: bool) -> None:
        self._turn = turn
        self._with_usage = with_usage
        self._ids = [call.id or f"call_{uuid7()[-12:]}" for call in turn.tool_calls]
        self._head: JsonObject = {
            "id": f"chatcmpl-{uuid7()}",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": "fp_scripted",
        }

    def opening(self) -> list[JsonObject]:
        """Chunks before the first piece."""
        return [self._chunk({"role": "assistant", "content": ""})]

    def chunks(self, piece: Piece) -> list[JsonObject]:
        """Chunks of a piece."""
        match piece.kind:
            case "reasoning":
                return [self._chunk({"reasoning_content": piece.text})]
            case "text":
                return [self._chunk({"content": piece.text})]
            case "call" | "arguments":
                return [self._chunk({"tool_calls": [self._fragment(piece)]})]

    def closing(self) -> list[JsonObject]:
        """Chunks after the last piece, `[DONE]` not among them."""
        chunks = [self._chunk({}, finish=self._turn.finish)]
        usage = self._usage()
        if usage is not None and self._with_usage:
            chunks.append({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        return chunks

    def whole(self) -> JsonObject:
        """The answer to a request without streaming."""
        turn = self._turn
        message: JsonObject = {"role": "assistant", "content": turn.text or None}
        if turn.reasoning:
            message["reasoning_content"] = turn.reasoning
        if turn.tool_calls:
            message["tool_calls"] = [
                {
                    "id": self._ids[number],
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments_text},
                }
                for number, call in enumerate(turn.tool_calls)
            ]
        answer: JsonObject = {
            **self._head,
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": turn.finish}],
        }
        if (usage := self._usage()) is not None:
            answer["usage"] = usage
        return answer

    def _chunk(self, delta: JsonObject, *, finish: str | None = None) -> JsonObject:
        choices: list[JsonObject] = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return {**self._head, "object": "chat.completion.chunk", "choices": [*choices]}

    def _fragment(self, piece: Piece) -> JsonObject:
        call: ScriptedCall = self._turn.tool_calls[piece.call]
        fragment: JsonObject = {} if "index" in call.omit else {"index": piece.call}
        if piece.kind == "call":
            if "id" not in call.omit:
                fragment["id"] = self._ids[piece.call]
            return {**fragment, "type": "function", "function": {"name": call.name, "arguments": ""}}
        return {**fragment, "function": {"arguments": piece.text}}

    def _usage(self) -> JsonObject | None:
        used = self._turn.usage
        if used is None:
            return None
        usage: JsonObject = {
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "total_tokens": used.prompt_tokens + used.completion_tokens,
        }
        if used.reasoning_tokens is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": used.reasoning_tokens}
        if used.cost is not None:
            usage["cost"] = used.cost
        return usage


class ResponsesWire:
    """One turn as a response: output items reasoning, message, function calls, in this order."""

    def __init__(self, turn: ScriptedTurn, *, model: str) -> None:
        self._turn = turn
        self._sequence = 0
        self._open: dict[str, int] = {}
        self._items = self._output_items()
        self._head: JsonObject = {
            "id": f"resp_{uuid7()}",
            "object": "response",
            "created_at": int(time.time()),
            "model": model,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "temperature": 1.0,
            "top_p": 1.0,
        }

    def opening(self) -> list[JsonObject]:
        """Events before the first piece."""
        begun: JsonObject = {**self._head, "status": "in_progress", "output": []}
        return [self._event("response.created", response=begun), self._event("response.in_progress", response=begun)]

    def chunks(self, piece: Piece) -> list[JsonObject]:
        """Events of a piece, the item that it opens included."""
        name = f"{piece.kind}{piece.call}" if piece.kind in ("call", "arguments") else piece.kind
        events = [] if piece.kind == "arguments" else self._begin(name.replace("arguments", "call"))
        if piece.kind == "call":
            return events
        index = self._open[name.replace("arguments", "call")]
        place: JsonObject = {"item_id": self._items[index]["id"], "output_index": index, "delta": piece.text}
        match piece.kind:
            case "reasoning":
                event = self._event("response.reasoning_summary_text.delta", summary_index=0, **place)
            case "text":
                event = self._event("response.output_text.delta", content_index=0, logprobs=[], **place)
            case "arguments":
                event = self._event("response.function_call_arguments.delta", **place)
        return [*events, event]

    def closing(self) -> list[JsonObject]:
        """Every item done, then the whole response."""
        done: list[JsonObject] = []
        for index, item in enumerate(self._items):
            if item["type"] == "function_call":
                done.append(
                    self._event(
                        "response.function_call_arguments.done",
                        item_id=item["id"],
                        output_index=index,
                        arguments=item["arguments"],
                    )
                )
            done.append(self._event("response.output_item.done", output_index=index, item=item))
        if self._turn.finish is None:
            return done
        kind = "response.incomplete" if self._turn.finish == "length" else "response.completed"
        return [*done, self._event(kind, response=self.whole())]

    def whole(self) -> JsonObject:
        """The finished response."""
        whole: JsonObject = {**self._head, "status": "completed", "output": [*self._items]}
        if self._turn.finish == "length":
            whole["status"] = "incomplete"
            whole["incomplete_details"] = {"reason": "max_output_tokens"}
        if (used := self._turn.usage) is not None:
            whole["usage"] = {
                "input_tokens": used.prompt_tokens,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": used.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens or 0},
                "total_tokens": used.prompt_tokens + used.completion_tokens,
            }
        return whole

    def _event(self, kind: str, **fields: JsonValue) -> JsonObject:
        event: JsonObject = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return event

    def _begin(self, name: str) -> list[JsonObject]:
        if name in self._open:
            return []
        self._open[name] = index = len(self._open)
        item = self._items[index]
        empty: JsonObject = {"arguments": ""} if item["type"] == "function_call" else {}
        if item["type"] == "message":
            empty = {"content": []}
        if item["type"] == "reasoning":
            empty = {"summary": []}
        started: JsonObject = {**item, **empty, "status": "in_progress"}
        events = [self._event("response.output_item.added", output_index=index, item=started)]
        if item["type"] == "message":
            part: JsonObject = {"type": "output_text", "text": "", "annotations": []}
            events.append(
                self._event(
                    "response.content_part.added", item_id=item["id"], output_index=index, content_index=0, part=part
                )
            )
        return events

    def _output_items(self) -> list[JsonObject]:
        turn, items = self._turn, list[JsonObject]()
        if turn.reasoning:
            summary: JsonObject = {"type": "summary_text", "text": turn.reasoning}
            items.append({"id": f"rs_{uuid7()}", "type": "reasoning", "summary": [summary]})
        if turn.text:
            part: JsonObject = {"type": "output_text", "text": turn.text, "annotations": []}
            head: JsonObject = {"id": f"msg_{uuid7()}", "type": "message", "role": "assistant", "status": "completed"}
            items.append({**head, "content": [part]})
        for call in turn.tool_calls:
            items.append(
                {
                    "id": f"fc_{uuid7()}",
                    "type": "function_call",
                    "status": "completed",
                    "call_id": call.id or f"call_{uuid7()[-12:]}",
                    "name": call.name,
                    "arguments": call.arguments_text,
                }
            )
        return items

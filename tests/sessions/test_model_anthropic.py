from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from limi_sessions.agent.attempt import Timeouts
from limi_sessions.agent.client import ModelClient
from limi_sessions.agent.spec import parse_model
from limi_sessions.agent.stream import CompletionRequest, ModelError, RetryNotice
from limi_sessions.records.message import Completion, Message, Sampling, ToolSchema
from limi_sessions.records.value import JsonObject

TOOL = ToolSchema(name="one", description="d", parameters={"type": "object", "properties": {"x": {"type": "integer"}}})
ASKED = (Message(role="system", content="be good"), Message(role="user", content="hi"))


def block(index: int, start: JsonObject, *deltas: JsonObject) -> list[JsonObject]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


MESSAGE: JsonObject = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
EVENTS: list[JsonObject] = [
    {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 25, "output_tokens": 1}}},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Let me "},
        {"type": "thinking_delta", "thinking": "think"},
        {"type": "signature_delta", "signature": "SIG=="},
    ),
    *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello"}),
    *block(
        2,
        {"type": "tool_use", "id": "toolu_1", "name": "one", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"x":'},
        {"type": "input_json_delta", "partial_json": " 1}"},
    ),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 15}},
    {"type": "message_stop"},
]


class MessagesStub:
    """Speaks Anthropic's messages endpoint: the first answer whole, the second cut, then overloaded."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        self.bodies.append(json.loads(await reader.readexactly(length)))
        if len(self.bodies) <= 2:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            for event in EVENTS if len(self.bodies) == 1 else EVENTS[:8]:
                writer.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        else:
            body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
            head = f"HTTP/1.1 529 Overloaded\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


async def ask(client: ModelClient, *messages: Message, retries: list[RetryNotice] | None = None) -> Completion:
    request = CompletionRequest("r", (*ASKED, *messages), (TOOL,), Sampling(effort="low"))
    noted = (lambda _: None) if retries is None else retries.append
    return await client.complete(request, on_delta=lambda _: None, on_retry=noted, cancel=asyncio.Event())


@pytest.mark.slow
async def test_signed_thinking_is_kept_and_sent_back(tmp_path: Path) -> None:
    stub = MessagesStub()
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    environ = {**os.environ, "ANTHROPIC_API_KEY": "sk-ant-0123456789"}
    spec = parse_model("anthropic/claude-sonnet-4-5", api_base=base, environ=environ)
    client = await ModelClient.start(
        spec, log_directory=tmp_path, environ=environ, timeouts=Timeouts(first_wait_s=0.01)
    )
    retries: list[RetryNotice] = []
    try:
        first = await ask(client)
        last = Message(
            role="assistant",
            content=first.content,
            reasoning=first.reasoning,
            tool_calls=first.tool_calls,
            extra=first.extra,
        )
        cut = await ask(client, last, Message(role="tool", tool_call_id="toolu_1", content="42"))
        with pytest.raises(ModelError, match="Overloaded") as caught:
            await ask(client, retries=retries)
    finally:
        await client.close()
        server.close()
    assert (first.content, first.reasoning, first.finish_reason) == ("Hello", "Let me think", "tool_calls")
    assert [(c.call_id, c.name, c.arguments) for c in first.tool_calls] == [("toolu_1", "one", '{"x": 1}')]
    assert first.usage is not None
    assert (first.usage.prompt, first.usage.completion, first.usage.method) == (25, 15, "exact")
    assert first.usage.reasoning is None, "litellm's estimate is not the provider's word"
    sent_back = stub.bodies[1]["messages"][1]["content"]  # pyright: ignore
    assert sent_back[0] == {"type": "thinking", "thinking": "Let me think", "signature": "SIG=="}
    assert "reasoning_content" not in json.dumps(stub.bodies[1])
    assert (cut.content, cut.finish_reason) == ("Hello", "truncated")
    assert cut.usage is not None and cut.usage.method != "exact"
    assert (caught.value.kind, caught.value.status_code, len(retries)) == ("server", 529, 3)

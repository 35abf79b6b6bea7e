"""A request in the shape of chat completions, as litellm takes it.

Knows nothing of processes and keys. Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import json

from limi_sessions.agent.spec import ModelSpec
from limi_sessions.agent.stream import CompletionRequest
from limi_sessions.records.message import Message, ToolCall
from limi_sessions.records.value import JsonObject

_NO_REASONING_BACK = frozenset({"openai", "azure", "anthropic", "bedrock", "gemini", "vertex_ai"})
"""Providers that refuse `reasoning_content` in a request, or carry reasoning in signed blocks of their own."""


def arguments_of(request: CompletionRequest, spec: ModelSpec, *, api_base: str | None) -> JsonObject:
    """Keyword arguments for litellm, the key not among them."""
    own_endpoint = api_base is not None
    provider = spec.litellm_name.partition("/")[0]
    with_reasoning = own_endpoint or provider not in _NO_REASONING_BACK
    arguments: JsonObject = {
        "model": spec.litellm_name,
        "messages": [_message(message, with_reasoning=with_reasoning) for message in request.messages],
    }
    if api_base is not None:
        arguments["api_base"] = api_base
    if request.tools:
        arguments["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in request.tools
        ]
    sampling = request.sampling
    chosen: JsonObject = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
        "reasoning_effort": sampling.effort,
    }
    given: JsonObject = {name: value for name, value in chosen.items() if value is not None}
    arguments.update(given)
    if own_endpoint and provider == "openai" and given:
        # litellm judges by the model's name, which says nothing about a server of the user's own.
        arguments["allowed_openai_params"] = list(given)
    return arguments


def _message(message: Message, *, with_reasoning: bool) -> JsonObject:
    fields: JsonObject = {"role": message.role, "content": sendable(message.content)}
    if message.tool_calls:
        fields["tool_calls"] = [_call(call) for call in message.tool_calls]
        if not message.content:
            fields["content"] = None
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    if message.reasoning and with_reasoning and message.role == "assistant":
        fields["reasoning_content"] = sendable(message.reasoning)
    return {**fields, **message.extra}


def _call(call: ToolCall) -> JsonObject:
    return {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name or "unnamed", "arguments": parsable(call.arguments)},
    }


def parsable(arguments: str) -> str:
    """The arguments of a call as a JSON object.

    Servers parse the arguments of earlier calls and refuse the whole conversation when one is broken, so a broken one
    goes out as the value of ``invalid_json``. The journal keeps what the model wrote.
    """
    if not arguments.strip():
        return "{}"
    try:
        if isinstance(json.loads(arguments), dict):
            return sendable(arguments)
    except (ValueError, RecursionError):
        pass
    return json.dumps({"invalid_json": sendable(arguments)})


def sendable(text: str) -> str:
    """The text without lone surrogates, which no HTTP body can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")

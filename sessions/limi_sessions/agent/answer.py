"""A request in the form that goes out, and the `Completion` made of what came back.

The demo model's requests and answers are translated here; of all others nothing is changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from limi_sessions.agent.assembly import finish_of
from limi_sessions.agent.attempt import Attempt
from limi_sessions.agent.chat_format import arguments_of
from limi_sessions.agent.demo_answer import MAX_TOKENS, DemoPlan, SayReader, plan_of, read_answer
from limi_sessions.agent.spec import ModelSpec
from limi_sessions.agent.stream import CompletionRequest, Delta, TextDelta
from limi_sessions.agent.tokens import count_text, estimate_text
from limi_sessions.agent.wire import Ended
from limi_sessions.records.message import Completion, FinishReason, Sampling, TokenCount, ToolCall
from limi_sessions.records.value import JsonObject


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it goes out."""

    request: CompletionRequest
    """For the demo model: the short question that stands for it."""
    plan: DemoPlan | None
    arguments: JsonObject


def sent_form(request: CompletionRequest, spec: ModelSpec, *, api_base: str | None) -> Sent:
    """The request as it goes out to a model."""
    if not spec.demo:
        return Sent(request, None, arguments_of(request, spec, api_base=api_base))
    plan = plan_of(request)
    chosen = request.sampling.model_dump(exclude_none=True, include={"temperature", "top_p", "max_tokens", "seed"})
    sampling = Sampling.model_validate({"temperature": 0.0, "max_tokens": MAX_TOKENS, **chosen})
    short = CompletionRequest(request.request_id, plan.messages, (), sampling)
    return Sent(short, plan, {**arguments_of(short, spec, api_base=api_base), **plan.arguments()})


def shown(sent: Sent, on_delta: Callable[[Delta], None]) -> Callable[[Delta], None]:
    """Where deltas go: of a demo model's JSON object only the sentence is shown."""
    if sent.plan is None or not sent.plan.constrained:
        return on_delta
    reader = SayReader()

    def show(delta: Delta) -> None:
        if isinstance(delta, TextDelta):
            if said := reader.feed(delta.text):
                on_delta(TextDelta(said))
        else:
            on_delta(delta)

    return show


async def completion_of(sent: Sent, attempt: Attempt, ended: Ended) -> Completion:
    """The answer of a stream that is over."""
    answer = _assembled(attempt, ended, None)
    return _translated(sent, answer.model_copy(update={"usage": await _usage(sent.request, answer, ended)}))


async def partial_of(sent: Sent, attempt: Attempt, finish: Literal["cancelled", "truncated"]) -> Completion:
    """What had arrived of an answer that was ended early; its tokens are estimated."""
    answer = _assembled(attempt, Ended(id="", finish_reason=None), finish)
    prompt, text = _texts(sent.request, answer)
    # A stop is answered at once, and a tokenizer takes time to load.
    (prompt_tokens, method), (completion_tokens, _) = estimate_text(prompt), estimate_text(text)
    usage = TokenCount(prompt=prompt_tokens, completion=completion_tokens, method=method)
    return _translated(sent, answer.model_copy(update={"usage": usage}))


def _assembled(attempt: Attempt, ended: Ended, finish: FinishReason | None) -> Completion:
    assembly = attempt.assembly
    calls = assembly.tool_calls()
    first = attempt.first_delta
    return Completion(
        content=assembly.content,
        reasoning=assembly.reasoning,
        tool_calls=calls,
        finish_reason=finish or finish_of(ended.finish_reason, has_calls=bool(calls)),
        cost_usd=ended.cost_usd,
        latency_ms=(time.monotonic() - attempt.sent) * 1000,
        first_delta_ms=None if first is None else (first - attempt.sent) * 1000,
        response_model=ended.model,
        raw=ended.raw,
        extra=ended.extra,
    )


def _translated(sent: Sent, answer: Completion) -> Completion:
    if sent.plan is None:
        return answer
    asked: list[JsonObject] = [{"role": message.role, "content": message.content} for message in sent.plan.messages]
    answer = answer.model_copy(update={"raw": {**answer.raw, "asked": [*asked]}})
    return read_answer(answer) if sent.plan.constrained else answer


async def _usage(request: CompletionRequest, answer: Completion, ended: Ended) -> TokenCount:
    if ended.prompt_tokens is not None and ended.completion_tokens is not None:
        return TokenCount(
            prompt=ended.prompt_tokens,
            completion=ended.completion_tokens,
            reasoning=ended.reasoning_tokens,
            method="exact",
        )
    prompt, text = _texts(request, answer)
    prompt_tokens, method = await asyncio.to_thread(count_text, prompt)
    completion_tokens, method = await asyncio.to_thread(count_text, text)
    return TokenCount(prompt=prompt_tokens, completion=completion_tokens, method=method)


def _texts(request: CompletionRequest, answer: Completion) -> tuple[str, str]:
    """What the prompt and the answer consist of, for counting."""
    said = [
        "\n".join([message.role, message.reasoning, message.content, *_call_texts(message.tool_calls)])
        for message in request.messages
    ]
    prompt = "\n".join([*said, *(tool.model_dump_json() for tool in request.tools)])
    return prompt, "\n".join([answer.reasoning + answer.content, *_call_texts(answer.tool_calls)])


def _call_texts(calls: tuple[ToolCall, ...]) -> list[str]:
    return [f"{call.name} {call.arguments}" for call in calls]

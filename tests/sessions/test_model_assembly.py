from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.agent.assembly import Assembly, finish_of, merged_thinking
from limi_sessions.agent.chat_format import parsable, sendable
from limi_sessions.agent.failure import failure_of
from limi_sessions.agent.tokens import count_text, estimate_text
from limi_sessions.agent.wire import CallFragment, Piece
from limi_sessions.records.message import FinishReason


def assembled(*fragments: CallFragment) -> list[tuple[str, str]]:
    assembly = Assembly()
    for fragment in fragments:
        assembly.add(Piece(id="r", calls=(fragment,)))
    return [(call.name, call.arguments) for call in assembly.tool_calls()]


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.text(max_size=30)), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
    st.integers(1, 7),
)
def test_calls_come_out_the_same_however_they_are_cut_and_mixed(
    calls: list[tuple[str, str]], random: Random, size: int
) -> None:
    queues = [
        [CallFragment(index=n, id=f"id{n}", name=name)]
        + [CallFragment(index=n, arguments=text[i : i + size]) for i in range(0, len(text), size)]
        for n, (name, text) in enumerate(calls)
    ]
    heads = [queue.pop(0) for queue in queues]
    mixed = list[CallFragment]()
    while any(queues):
        mixed.append(random.choice([queue for queue in queues if queue]).pop(0))
    assert assembled(*heads, *mixed) == calls


def test_calls_all_numbered_zero_are_told_apart_by_id() -> None:
    assert assembled(
        CallFragment(index=0, id="x", name="a", arguments='{"p":1}'),
        CallFragment(index=0, id="y", name="a", arguments="{}"),
    ) == [("a", '{"p":1}'), ("a", "{}")]


def test_whole_calls_without_any_number_are_told_apart_by_being_whole() -> None:
    assert assembled(CallFragment(name="a", arguments='{"p":1}'), CallFragment(name="a", arguments='{"p":2}')) == [
        ("a", '{"p":1}'),
        ("a", '{"p":2}'),
    ]


def test_a_name_repeated_in_every_fragment_is_one_call() -> None:
    assert assembled(
        CallFragment(index=0, id="x", name="a", arguments='{"p'),
        CallFragment(index=0, id="x", name="a", arguments='":1}'),
    ) == [("a", '{"p":1}')]


def test_an_empty_fragment_makes_no_call() -> None:
    assert assembled(CallFragment(index=0)) == []


@pytest.mark.parametrize(
    ("reason", "has_calls", "ours"),
    [
        (None, False, "truncated"),
        (None, True, "truncated"),
        ("stop", True, "tool_calls"),
        ("end_turn", False, "stop"),
        ("max_tokens", False, "length"),
        ("sensitive", False, "content_filter"),
        ("network_error", False, "truncated"),
        ("something_new", False, "stop"),
    ],
)
def test_finish_reasons_of_providers_have_one_meaning(reason: str | None, has_calls: bool, ours: FinishReason) -> None:
    assert finish_of(reason, has_calls=has_calls) == ours


def test_thinking_blocks_are_whole_and_signed() -> None:
    blocks = merged_thinking(
        [
            {"type": "thinking", "thinking": "first ", "signature": ""},
            {"type": "thinking", "thinking": "thought"},
            {"type": "thinking", "thinking": "", "signature": "sig1"},
            {"type": "redacted_thinking", "data": "opaque"},
            {"type": "thinking", "thinking": "second", "signature": "sig2"},
        ]
    )
    assert blocks == [
        {"type": "thinking", "thinking": "first thought", "signature": "sig1"},
        {"type": "redacted_thinking", "data": "opaque"},
        {"type": "thinking", "thinking": "second", "signature": "sig2"},
    ]


def test_what_goes_out_can_be_parsed() -> None:
    assert parsable("") == "{}"
    assert parsable('{"a": 1}') == '{"a": 1}'
    assert json.loads(parsable("[1]")) == {"invalid_json": "[1]"}
    assert sendable("a\ud800b") == "a?b"


def test_a_retry_after_date_is_understood() -> None:
    class RateLimitError(Exception):
        status_code = 429
        litellm_response_headers = {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}  # noqa: RUF012

    failure = failure_of(RateLimitError("slow"))
    assert (failure.kind, failure.retry_after_s, failure.retriable) == ("rate_limit", 0.0, True)
    assert not failure_of(RateLimitError("insufficient_quota: pay")).retriable


def test_tokens_are_counted_offline_and_say_how() -> None:
    assert count_text("hello world") == (2, "tokenizer:cl100k_base")
    assert count_text("") == (0, "tokenizer:cl100k_base")
    assert count_text("lone \ud800 half")[0] > 0
    assert estimate_text("12345678") == (2, "estimate")


def test_without_encoding_files_tokens_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    from limi_sessions.agent import tokens

    monkeypatch.setattr(tokens, "_URL", "https://example.invalid/absent.tiktoken")
    tokens._encoding.cache_clear()  # pyright: ignore[reportPrivateUsage]
    try:
        assert count_text("12345678") == (2, "estimate")
    finally:
        tokens._encoding.cache_clear()  # pyright: ignore[reportPrivateUsage]

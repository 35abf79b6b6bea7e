from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from limi_sessions.agent.attempt import Timeouts
from limi_sessions.agent.client import ModelClient
from limi_sessions.agent.script import END_TEXT, ScriptUnreadable, read_script
from limi_sessions.agent.spec import parse_model
from limi_sessions.agent.stream import CompletionRequest, ModelError, Served
from limi_sessions.records.message import Completion, Message, ToolSchema

PROGRAM = [sys.executable, "-P", "-m", "limi_sessions.agent.scripted"]
TURNS = """\
loop: false
turns:
  - text: "Grüße, 世界! This is the first answer."
    reasoning: thinking aloud
    usage: {prompt_tokens: 5, completion_tokens: 6}
    expect: "a word with \\"quotes\\""
  - error: {status: 503, message: busy, times: 2}
  - tool_calls:
      - {name: one, arguments: {path: /a/rather/long/path}, id: c1}
      - {name: two, arguments: "not json"}
  - {text: twice, repeat: 2}
"""


@asynccontextmanager
async def serving(script: str, directory: Path, *options: str) -> AsyncIterator[httpx.AsyncClient]:
    path = directory / "script.yaml"
    path.write_text(script, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, str(path), "--lifeline", *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    port = json.loads(await process.stdout.readline())["port"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 5) == 0, "it ends with its standard input"


def events(body: str) -> list[dict[str, object]]:
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def chat(*, stream: bool = False, text: str = 'here is a word with "quotes" in it') -> dict[str, object]:
    body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": stream}
    return {**body, "stream_options": {"include_usage": True}} if stream else body


async def test_a_script_is_served_turn_by_turn_and_logged(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    async with serving(TURNS, tmp_path, "--log", str(log)) as client:
        assert (await client.get("/v1/models")).json()["data"][0]["id"] == "scripted"
        first = (await client.post("/v1/chat/completions", json=chat())).json()
        assert first["choices"][0]["message"]["content"] == "Grüße, 世界! This is the first answer."
        assert first["choices"][0]["message"]["reasoning_content"] == "thinking aloud"
        assert first["usage"]["total_tokens"] == 11
        busy = [(await client.post("/v1/chat/completions", json=chat())).status_code for _ in range(2)]
        assert busy == [503, 503]
        calls = (await client.post("/v1/chat/completions", json=chat())).json()["choices"][0]
        assert [c["function"]["arguments"] for c in calls["message"]["tool_calls"]] == [
            '{"path": "/a/rather/long/path"}',
            "not json",
        ]
        assert calls["finish_reason"] == "tool_calls"
        rest = [(await client.post("/v1/chat/completions", json=chat())).json() for _ in range(3)]
        assert [r["choices"][0]["message"]["content"] for r in rest] == ["twice", "twice", END_TEXT]
        assert (await client.post("/v1/chat/completions", content=b"[]")).status_code == 400
        assert (await client.get("/nowhere")).status_code == 404
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["turn"] for line in lines] == [0, 1, 1, 2, 3, 4, 5]
    assert lines[0]["met"] is True and lines[1]["error"] == 503
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_an_expectation_that_is_not_met_is_logged(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    async with serving(TURNS, tmp_path, "--log", str(log)) as client:
        await client.post("/v1/chat/completions", json=chat(text="something else"))
    assert json.loads(log.read_text())["met"] is False


async def test_arguments_of_parallel_calls_are_streamed_in_turns(tmp_path: Path) -> None:
    script = (
        "[{text: Ok, chunk_chars: 4, tool_calls: [{name: a, arguments: abcdefgh}, {name: b, arguments: ijklmnop}]}]"
    )
    async with serving(script, tmp_path) as client:
        response = await client.post("/v1/chat/completions", json=chat(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.rstrip().endswith("data: [DONE]")
    deltas = [event["choices"][0]["delta"] for event in events(response.text) if event["choices"]]  # pyright: ignore
    fragments = [d["tool_calls"][0] for d in deltas if "tool_calls" in d]
    assert [(f["index"], f["function"]["arguments"]) for f in fragments] == [
        (0, ""),
        (1, ""),
        (0, "abcd"),
        (1, "ijkl"),
        (0, "efgh"),
        (1, "mnop"),
    ]


async def test_responses_are_spoken_with_and_without_a_stream(tmp_path: Path) -> None:
    calls, usage = "[{name: f, arguments: {x: 1}}]", "{prompt_tokens: 1, completion_tokens: 2}"
    turn = f"{{text: Hello there, reasoning: hm, tool_calls: {calls}, usage: {usage}}}"
    body = {"model": "m", "input": "hi", "stream": True}
    async with serving(f"[{turn}, {turn}]", tmp_path) as client:
        streamed = events((await client.post("/v1/responses", json=body)).text)
        whole = (await client.post("/v1/responses", json={**body, "stream": False})).json()
    assert [event["sequence_number"] for event in streamed] == list(range(len(streamed)))
    assert streamed[0]["type"] == "response.created" and streamed[-1]["type"] == "response.completed"
    text = "".join(str(e["delta"]) for e in streamed if e["type"] == "response.output_text.delta")
    assert text == "Hello there"
    assert (
        "".join(str(e["delta"]) for e in streamed if e["type"] == "response.function_call_arguments.delta")
        == '{"x": 1}'
    )
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "function_call"]
    assert whole["usage"]["output_tokens"] == 2


async def test_a_start_further_on_counts_answers_only(tmp_path: Path) -> None:
    async with serving(TURNS, tmp_path, "--start", "2") as client:
        answer = (await client.post("/v1/chat/completions", json=chat())).json()
    assert answer["choices"][0]["message"]["content"] == "twice"


async def test_a_loop_starts_over(tmp_path: Path) -> None:
    async with serving("loop: true\nturns: [{text: a}, {text: b}]", tmp_path) as client:
        answers = [(await client.post("/v1/chat/completions", json=chat())).json() for _ in range(5)]
    assert [a["choices"][0]["message"]["content"] for a in answers] == ["a", "b", "a", "b", "a"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("turns: [{text: a}, {txt: b}]", r"turn 2: txt: unknown key"),
        ("turns: [{text: 5}]", r"turn 1: text: .*valid string"),
        ("[{tool_calls: [{name: a}, {arguments: {}}]}]", r"turn 1: tool_calls\[1\]\.name: Field required"),
        ("[{tool_calls: [{name: a, arguments: 5}]}]", r"turn 1: tool_calls\[0\]\.arguments: "),
        ("[{error: {status: 200}}]", r"turn 1: error\.status: .*greater than or equal to 400"),
        ("[{error: {status: 500, oops: 1}}]", r"turn 1: error\.oops: unknown key"),
        ("lop: true\nturns: []", r"lop: unknown key"),
        ("just words", "must be a list of turns"),
        ("a: [b", "is no YAML"),
        ("- !!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_a_malformed_script_names_file_turn_and_key(tmp_path: Path, script: str, words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(script)
    with pytest.raises(ScriptUnreadable, match=words) as caught:
        read_script(path)
    assert str(path) in str(caught.value)


def test_the_program_refuses_a_malformed_script_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"turns": [{"oops": 1}]}')
    done = subprocess.run([*PROGRAM, str(path)], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "turn 1: oops: unknown key" in done.stderr


async def ask(client: ModelClient, text: str) -> Completion:
    request = CompletionRequest(
        "r",
        (Message(role="user", content=text),),
        (ToolSchema(name="one", description="d", parameters={"type": "object"}),),
    )
    return await client.complete(request, on_delta=lambda _: None, on_retry=lambda _: None, cancel=asyncio.Event())


async def test_a_session_on_a_script_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(TURNS)
    spec = parse_model(f"scripted:{path}", environ=os.environ)
    quick = Timeouts(first_wait_s=0.01)
    client = await ModelClient.start(spec, log_directory=tmp_path, environ=os.environ, timeouts=quick, served=Served(1))
    try:
        answer = await ask(client, "go on")
        assert [call.name for call in answer.tool_calls] == ["one", "two"]
        assert (await ask(client, "more")).content == "twice"
        assert client.provider_facts["script"] == str(path) and client.context_limit is None
    finally:
        await client.close()
    assert client.worker_pid is None


async def test_a_script_that_was_broken_meanwhile_is_told_to_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("[{text: a}]")
    spec = parse_model(f"scripted:{path}", environ=os.environ)
    path.write_text("[{txt: a}]")
    client = await ModelClient.start(spec, log_directory=tmp_path, environ=os.environ)
    try:
        with pytest.raises(ModelError, match="turn 1: txt: unknown key") as caught:
            await ask(client, "hi")
        assert caught.value.kind == "worker"
    finally:
        await client.close()


@pytest.mark.slow
async def test_litellm_reaches_a_responses_endpoint(tmp_path: Path) -> None:
    first = "{text: By responses., usage: {prompt_tokens: 3, completion_tokens: 4}}"
    script = f"[{first}, {{tool_calls: [{{name: one, arguments: {{x: 1}}}}]}}]"
    async with serving(script, tmp_path) as http:
        environ = {**os.environ, "OPENAI_API_KEY": "none-needed"}
        base = str(http.base_url).rstrip("/") + "/v1"
        spec = parse_model("openai/responses/gpt-5", api_base=base, environ=environ)
        client = await ModelClient.start(spec, log_directory=tmp_path, environ=environ)
        try:
            answer = await ask(client, "hi")
            assert (answer.content, answer.finish_reason) == ("By responses.", "stop")
            assert answer.usage is not None and (answer.usage.prompt, answer.usage.completion) == (3, 4)
            call = await ask(client, "hi")
            assert [(c.name, json.loads(c.arguments)) for c in call.tool_calls] == [("one", {"x": 1})]
            assert call.finish_reason == "tool_calls"
        finally:
            await client.close()


def test_a_turn_may_be_written_as_a_chat_message(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "glob", "arguments": '{"pattern": "*"}'}}
    message = {"role": "assistant", "content": "hi", "reasoning_content": "hm", "tool_calls": [call]}
    (tmp_path / "s.json").write_text(
        json.dumps([message, {"role": "assistant", "content": None, "tool_calls": [call]}])
    )
    first, second = read_script(tmp_path / "s.json").turns
    assert (first.text, first.reasoning, second.text) == ("hi", "hm", "")
    assert (first.tool_calls[0].name, first.tool_calls[0].id) == ("glob", "c1")
    assert first.tool_calls[0].arguments_text == '{"pattern": "*"}'

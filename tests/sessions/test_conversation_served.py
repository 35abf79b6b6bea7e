"""How far a script was played, read from a journal: answers and errors count, requests that died with us do not."""

from __future__ import annotations

from pathlib import Path

from limi_sessions.agent.conversation import Conversation
from limi_sessions.agent.script import Place, ScriptedError, read_script
from limi_sessions.agent.stream import Served
from limi_sessions.journal import Journal
from limi_sessions.records.message import Completion, Sampling, TokenCount
from limi_sessions.records.payload import ModelFailed, ModelMessage, ModelRequest, ModelRetried, Payload

USED = TokenCount(prompt=1, completion=1, method="exact")


def _request(number: int, model: str = "scripted:a") -> ModelRequest:
    return ModelRequest(
        request_id=f"r{number}", model=model, provider={}, prefix=0, messages=(), tools=None, sampling=Sampling()
    )


def _served(tmp_path: Path, *payloads: Payload) -> Conversation:
    journal = Journal(tmp_path / "events.jsonl", "s")
    conversation = Conversation(journal.append_all([(payload, "agent") for payload in payloads]))
    journal.close()
    return conversation


def test_answers_parts_and_errors_count_and_unsent_requests_do_not(tmp_path: Path) -> None:
    busy = ModelRetried(request_id="r", attempt=1, error="busy", status_code=503, wait_s=0.1)
    conversation = _served(
        tmp_path,
        _request(1),
        busy,
        ModelMessage(request_id="r1", completion=Completion(content="a", finish_reason="stop", usage=USED)),
        _request(2),
        ModelMessage(request_id="r2", completion=Completion(finish_reason="cancelled", usage=USED)),
        _request(3),
        ModelMessage(request_id="r3", completion=Completion(finish_reason="cancelled")),
        _request(4),
        busy,
        busy,
        ModelFailed(request_id="r4", error="busy", error_kind="server", status_code=503),
        _request(5, "other"),
        ModelFailed(request_id="r5", error="no JSON", error_kind="malformed"),
        _request(6),
    )
    assert conversation.served("scripted:a") == Served(answers=2, errors=3)
    assert conversation.served("other") == Served(answers=1)
    assert conversation.served("never asked") == Served()


def test_a_script_goes_on_behind_the_errors_that_were_served(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(
        "[{text: a}, {error: {status: 500, times: 3}}, {text: b, error: {status: 429, times: 1}}, {text: c}]"
    )
    script = read_script(path)

    def steps(start: int, errors: int) -> list[str | int]:
        place = Place(script, start=start, errors=errors)
        taken = [place.take() for _ in range(4)]
        return [step.status if isinstance(step, ScriptedError) else step.text for step in taken]

    assert steps(1, 0) == [500, 500, 500, 429]
    assert steps(1, 2) == [500, 429, "b", "c"]
    assert steps(1, 4) == ["b", "c", "The script has ended.", "The script has ended."]
    assert steps(2, 0)[0] == "c"

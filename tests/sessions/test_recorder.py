"""The recorder: order kept, secrets masked, failures told, listeners told only of what is on disk."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.journal import Journal, JournalError, read_journal
from limi_sessions.masking import Masker
from limi_sessions.recorder import Recorder, RecorderClosed
from limi_sessions.records.event import Event
from limi_sessions.records.message import ToolCall
from limi_sessions.records.payload import ToolProposed, UserMessage

SECRET = 'sk-l1ve"tricky\\key/é'


def recorder_at(path: Path, *, secrets: tuple[str, ...] = ()) -> tuple[Recorder, list[Event]]:
    sunk: list[Event] = []
    return Recorder(Journal(path, "s"), masker=Masker(secrets), sink=sunk.append), sunk


async def test_events_are_acknowledged_in_the_order_of_the_calls(tmp_path: Path) -> None:
    recorder, sunk = recorder_at(tmp_path / "e")
    futures = [recorder.post(UserMessage(content=str(n)), actor="ada") for n in range(200)]
    events = [await asyncio.wrap_future(future) for future in futures]
    await recorder.close()
    assert [e.seq for e in events] == list(range(200))
    assert sunk == events == list(read_journal(tmp_path / "e").events)


async def test_threads_may_post_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    recorder, _ = recorder_at(tmp_path / "e")

    def post(thread: int) -> None:
        for n in range(50):
            recorder.post(UserMessage(content=f"{thread}/{n}"), actor="ada")

    threads = [threading.Thread(target=post, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await recorder.close()
    texts = [e.payload.content for e in read_journal(tmp_path / "e").events if isinstance(e.payload, UserMessage)]
    assert len(texts) == 200
    for thread in range(4):
        assert [t for t in texts if t.startswith(f"{thread}/")] == [f"{thread}/{n}" for n in range(50)]


async def test_who_awaited_an_event_finds_the_listeners_told(tmp_path: Path) -> None:
    recorder, _ = recorder_at(tmp_path / "e")
    heard: list[int] = []
    recorder.subscribe(lambda event: heard.append(event.seq))
    for n in range(100):
        event = await recorder.record(UserMessage(content=str(n)), actor="ada")
        assert heard[-1] == event.seq
    await recorder.close()


async def test_a_failed_write_is_told_to_the_caller_and_nobody_else(tmp_path: Path) -> None:
    recorder, sunk = recorder_at(tmp_path / "e")
    journal = recorder._journal  # pyright: ignore[reportPrivateUsage]
    journal.close()
    with pytest.raises(JournalError):
        await recorder.record(UserMessage(content="lost"), actor="ada")
    assert sunk == []
    await recorder.close()


async def test_a_closed_recorder_refuses(tmp_path: Path) -> None:
    recorder, _ = recorder_at(tmp_path / "e")
    await recorder.close()
    with pytest.raises(RecorderClosed):
        recorder.post(UserMessage(content="late"), actor="ada")


async def test_known_secrets_never_reach_the_disk_in_any_spelling(tmp_path: Path) -> None:
    recorder, _ = recorder_at(tmp_path / "e", secrets=(SECRET,))
    arguments = json.dumps({"command": f"curl -H 'Authorization: {SECRET}'"})
    await recorder.record(UserMessage(content=f"use {SECRET} now"), actor="ada")
    call = ToolCall(call_id="1", name="run_shell_command", arguments=arguments)
    await recorder.record(ToolProposed(request_id="r", call=call), actor="agent")
    spelled = f"{urllib.parse.quote(SECRET, safe='')} {base64.b64encode(SECRET.encode()).decode()}"
    await recorder.record(UserMessage(content=spelled), actor="ada")
    await recorder.close()
    stored = (tmp_path / "e").read_text("utf-8")
    for part in ("l1ve", "tricky", urllib.parse.quote("é"), base64.b64encode(SECRET.encode()).decode()[:12]):
        assert part not in stored
    assert stored.count("[secret 1]") == 4


@given(st.text(), st.text(min_size=6), st.text())
def test_masking_leaves_no_secret_and_changes_nothing_else(before: str, secret: str, after: str) -> None:
    masker = Masker([secret])
    masked = masker.text(before + secret + after)
    assert secret not in masked or secret in "[secret 1]"
    clean = "no secret in here"
    if secret not in clean:
        assert masker.text(clean) == clean


def test_placeholders_stay_when_secrets_are_added() -> None:
    masker = Masker(["first-secret"])
    masker.add(["second-secret"])
    assert masker.text("first-secret second-secret") == "[secret 1] [secret 2]"

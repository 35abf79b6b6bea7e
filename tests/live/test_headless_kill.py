"""kill -9 of a headless run at many moments: nothing told is lost, nothing is left running, and the session goes on."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from headless_house import Headless, Line, Turn, call, command, processes_of

from limi_sessions.agent.ports import Activity, NobodyIsHere
from limi_sessions.agent.stream import Delta
from limi_sessions.journal import read_journal
from limi_sessions.plan import Company
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.supervisor import descendants
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.event import Event
from limi_sessions.records.payload import LeaseOwner, ModelMessage, SessionFinished, ToolFinished, UserMessage
from limi_tui.verbs.opening import open_again
from limi_tui.verbs.opening_request import OpeningRequest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
KILLS = 50
RESUMED = 12
"""Killed sessions that are resumed and brought to their end; each costs the start of a model process."""
ANSWER = "Everything is done."
TURNS: list[Turn | str] = [
    command("echo one; sleep 0.2"),
    call("write_file", file_path="a.txt", content="one\n" * 2000),
    {"error": {"status": 503, "message": "busy", "retry_after": 0.05}},
    {"text": "slowly said " * 10, "delta_delay_s": 0.02, **command("seq 1 60000")},
    command("(sleep 300 & disown) 2>/dev/null; setsid sleep 301 & nohup sleep 302 >/dev/null 2>&1 & true"),
    command("python3 -q", wait_s=10),
    call("terminal_send", text="import time; time.sleep(0.3); print(6 * 7)\n", wait_s=5),
    call("terminal_send", text="exit()\n", wait_s=5),
    call("replace", file_path="a.txt", old_string="one\none\n", new_string="two\n", allow_multiple=True),
    command("sleep 0.3; echo last"),
    ANSWER,
]
CALLS = 9
"""Turns with a call among them."""


@dataclass
class Nobody(NobodyIsHere):
    """The company of a resumed session: it keeps the events and decides nothing."""

    events: list[Event] = field(default_factory=list[Event])

    def delta_arrived(self, request_id: str, delta: Delta) -> None: ...
    def activity_changed(self, activity: Activity) -> None: ...
    def shell_attached(self, shell: SharedShell) -> None: ...
    def output_read(self) -> None: ...
    def shell_state_changed(self, state: ShellState) -> None: ...
    def lease_changed(self, owner: LeaseOwner, reason: str) -> None: ...
    def key_swallowed(self) -> None: ...

    async def ask(self, question: str, options: Sequence[str]) -> str | None:
        return None

    def company(self) -> Company:
        return Company(
            sink=lambda _: None,
            on_event=self.events.append,
            approver=self,
            observer=self,
            watcher=self,
            ask=self.ask,
        )


def moments(chosen: random.Random) -> list[tuple[str, float]]:
    """Half by the clock, from the start of the program on; half by the number of printed events."""
    by_clock = [("clock", chosen.uniform(0, 6)) for _ in range(KILLS // 2)]
    return by_clock + [("events", chosen.uniform(1, 62)) for _ in range(KILLS - len(by_clock))]


def kill_at(house: Headless, model: str, *, by: str, moment: float) -> tuple[list[Line], set[int]]:
    """Run and kill; the printed lines, and the processes that lived below it."""
    workspace = house.root / f"ws-{house.runs}"
    workspace.mkdir()
    running = house.start(model, "--shell", "bash", query="go", workspace=workspace)
    started = time.monotonic()
    while running.process.poll() is None:
        reached = time.monotonic() - started if by == "clock" else len(running.printed())
        if reached >= moment:
            break
        time.sleep(0.003)
    below = set(descendants(running.process.pid))
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    for stream in running.streams:
        stream.close()
    return running.printed(), below


def alive(pids: set[int]) -> list[str]:
    found: list[str] = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX":
                found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


async def resumed(house: Headless, session_id: str) -> list[Event]:
    """All events of a session after it was resumed and brought to its end."""
    nobody = Nobody()
    request = OpeningRequest(home=house.home, actor="tester", workspace=house.workspace, session_id=session_id)
    earlier: list[Event] = []
    session = await open_again(request, session_id, nobody.company(), cols=100, rows=30, show=earlier.extend)
    said = any(isinstance(event.payload, UserMessage) for event in earlier)
    work = session.start_work() if said else await session.say("go")
    if not said or session.conversation.awaits_agent():
        assert (await work).status == "done"
    await session.finish(SessionFinished(status="done"))
    return [*earlier, *nobody.events]


async def test_a_run_killed_at_any_moment_loses_nothing_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, chosen = Headless(tmp_path), random.Random(20260)
    model = house.script(*TURNS)
    for name, text in house.environment().items():
        monkeypatch.setenv(name, text)
    known: set[str] = set()
    killed: list[str] = []
    for by, moment in moments(chosen):
        printed, below = kill_at(house, model, by=by, moment=moment)
        now = {path.name for path in house.home.sessions.glob("*")}
        (session_id,) = (now - known) or {""}
        known = now
        deadline = time.monotonic() + 2
        while (alive(below) or (session_id and processes_of(session_id))) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        assert not alive(below), (by, moment)
        checked = house.limi("store", "check")
        assert checked.code == 0, (by, moment, checked.out)
        if not session_id:
            assert not printed
            continue
        assert not processes_of(session_id), (by, moment)
        reading = read_journal(house.home.session(session_id).journal)
        assert not reading.problems, (by, moment)
        told = [line["event_id"] for line in printed]
        assert [event.event_id for event in reading.events][: len(told)] == told, (by, moment)
        if reading.events and not any(isinstance(e.payload, SessionFinished) for e in reading.events):
            killed.append(session_id)
    listed = {s["session_id"]: s["status"] for s in json.loads(house.limi("session", "list", "--json").out)}
    assert len(killed) > KILLS // 2 and {listed[session_id] for session_id in killed} == {"cut_off"}

    for session_id in chosen.sample(killed, RESUMED):
        events = await resumed(house, session_id)
        assert [event.seq for event in events] == list(range(len(events)))
        answers = [e.payload.completion for e in events if isinstance(e.payload, ModelMessage)]
        assert [a.content for a in answers if not a.tool_calls] == [ANSWER], session_id
        assert sum(bool(answer.tool_calls) for answer in answers) == CALLS, session_id
        called = [c.call_id for answer in answers for c in answer.tool_calls]
        results = [e.payload.call_id for e in events if isinstance(e.payload, ToolFinished)]
        assert sorted(results) == sorted(called)
        artifacts = house.home.session(session_id).artifacts
        left = [path.name for path in artifacts.glob(".*")]
        assert not left, session_id
        assert not processes_of(session_id)
    assert house.limi("store", "check").code == 0

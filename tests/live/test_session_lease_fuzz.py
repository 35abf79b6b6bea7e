"""Two writers at one shell through a live session: a person who takes over at any moment, and the agent's loop."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from headless_house import Headless, command
from test_headless_kill import Nobody

from limi_sessions.live import LiveSession
from limi_sessions.pty.errors import LeaseLost
from limi_sessions.pty.shell import SharedShell
from limi_sessions.records.event import Event
from limi_sessions.records.payload import HumanRan, ToolFinished
from limi_tui.verbs.opening import open_new
from limi_tui.verbs.opening_request import OpeningRequest

COMMANDS = 60
LONG = "x" * 300
"""Long enough that a unit takes more than one turn of the terminal's line editor."""


class Person:
    """Types whole lines after taking over, or keys in between; keeps what was typed to its end."""

    def __init__(self, session: LiveSession, chosen: random.Random) -> None:
        self._session = session
        self._chosen = chosen
        self.lines: list[str] = []
        self.storms = 0
        self.stale_refused = 0

    @property
    def shell(self) -> SharedShell:
        shell = self._session.shell.shell
        assert shell is not None
        return shell

    async def work(self) -> None:
        """Interfere until the agent is done."""
        while self._session.is_working:
            await asyncio.sleep(self._chosen.uniform(0, 0.06))
            match self._chosen.randrange(4):
                case 0:
                    self.shell.type_human(b"z" if self.shell.lease.owner == "agent" else b"")
                case 1:
                    for _ in range(self._chosen.randrange(1, 12)):
                        self.shell.lease.take_over()
                        self.shell.lease.hand_back()
                    self.storms += 1
                case _:
                    await self.take_over_and_type()

    async def take_over_and_type(self) -> None:
        stale = self.shell.lease.epoch
        self.shell.lease.take_over()
        with pytest.raises(LeaseLost):
            await self.shell.run_command("touch stale", epoch=stale)
        with pytest.raises(LeaseLost):
            await self.shell.send(epoch=stale, text="touch stale\n")
        self.stale_refused += 2
        line = f"echo H{len(self.lines)}-{LONG[:40]}"
        for key in line:
            assert self.shell.type_human(key.encode()) == "typed"
            if self._chosen.random() < 0.05:
                await asyncio.sleep(0.001)
        assert self.shell.type_human(b"\r") == "typed"
        self.lines.append(line)
        async with asyncio.timeout(10):
            while self.shell.state != "prompt" or len(self._ran()) < len(self.lines):
                await asyncio.sleep(0.005)
        self.shell.lease.hand_back()

    def _ran(self) -> list[HumanRan]:
        return [event.payload for event in self.events if isinstance(event.payload, HumanRan)]

    events: list[Event]


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_two_writers_never_mix_and_every_result_is_honest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    house, nobody = Headless(tmp_path), Nobody()
    for name, text in house.environment().items():
        monkeypatch.setenv(name, text)
    lines = [f"echo A{number}-{LONG}" for number in range(COMMANDS)]
    model = house.script(*[command(line) for line in lines], "done")
    request = OpeningRequest(
        home=house.home, actor="ada", workspace=house.workspace, query="go", shell=shell, mode="yolo"
    )
    session = await open_new(request, nobody.company(), model=model, cols=120, rows=36)
    person = Person(session, random.Random(7))
    person.events = nobody.events
    try:
        work = await session.say("go")
        await person.work()
        assert (await work).status == "done"
    finally:
        await session.finish()

    assert person.storms and person.stale_refused > 10 and not (house.workspace / "stale").exists()
    ran = [event.payload for event in nobody.events if isinstance(event.payload, HumanRan)]
    assert [(one.command, one.output.strip(), one.exit_code) for one in ran] == [
        (line, line.removeprefix("echo "), 0) for line in person.lines
    ]
    results = [event.payload for event in nobody.events if isinstance(event.payload, ToolFinished)]
    assert len(results) == COMMANDS and {r.status for r in results} <= {"done", "taken_over"}
    for line, result in zip(lines, results, strict=True):
        if result.status == "done":
            assert result.result.startswith(line.removeprefix("echo ") + "\n[status=done exit=0 "), result.result
        else:
            assert "the lease was lost" in result.result or "nothing was typed" in result.result
    assert {r.status for r in results} == {"done", "taken_over"}

"""Who may change the store: what the person typed in the foreground, and nothing that the agent left behind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pty_workbench import SHELLS, Witness, running

from limi_sessions.paths import Home
from limi_sessions.pty.shell import SharedShell
from limi_sessions.records.payload import ShellName
from limi_store import StorePort, open_store
from limi_store.guarded import GuardedStore

CALLER = """
import os, signal, sys, time
from pathlib import Path
from limi_sessions.records.payload import SessionRenamed
from limi_store import StoreError
from limi_store.confined import ConfinedStore
answer = sys.argv[2]
if len(sys.argv) > 3:  # a job that waits for its time, and then joins the foreground's group
    while not os.path.exists(sys.argv[3]):
        time.sleep(0.01)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    how, parent = sys.argv[4], os.getpid()
    if how != "itself" and os.fork():
        os._exit(0) if how == "orphan" else os.wait()
        sys.exit()
    while how == "orphan" and os.getppid() == parent:
        time.sleep(0.01)
    os.setpgid(0, os.tcgetpgrp(os.open("/dev/tty", os.O_RDWR)))
store = ConfinedStore(Path(sys.argv[1]))
try:
    store.append_desk(SessionRenamed(target="s", title=answer), actor="x")
    said = "changed"
except StoreError as error:
    said = str(error)
with open(answer + ".part", "w") as stream:
    stream.write(said)
os.rename(answer + ".part", answer)
"""


@dataclass
class House:
    shell: SharedShell
    witness: Witness
    store: StorePort
    place: Path
    guard: GuardedStore

    def asking(self, answer: str, *more: str) -> str:
        """A command line that asks for a change and writes what came of it to a file."""
        return " ".join((sys.executable, "-P", str(self.place / "caller.py"), str(self.guard.place), answer, *more))

    async def answer(self, name: str) -> str:
        path = self.place / "work" / name
        await self.witness.until(path.exists)
        return path.read_text()

    @property
    def changed(self) -> bool:
        return Home(self.place / "limi").desk_journal.exists()

    async def let_the_person_type(self, program: str) -> None:
        """Take over and run a program that stays in the foreground."""
        self.shell.lease.take_over()
        await self.type(program)
        await self.witness.until(lambda: self.shell.program == program)

    async def a_person_s_reaction(self) -> None:
        """The kernel tells the start of a process in hundredths of a second."""
        await self.witness.until(lambda: self.shell.lease.without_agent_s > 0.05)

    async def type(self, line: str) -> None:
        assert self.shell.type_human(line.encode()) == "typed"
        assert self.shell.type_human(b"\r") == "typed"


@asynccontextmanager
async def opened(place: Path, shell: ShellName) -> AsyncGenerator[House]:
    (place / "caller.py").write_text(CALLER)
    store = open_store(Home(place / "limi"))
    async with running(place, shell) as (shared, witness):
        guard = GuardedStore(lambda: store, place / "store.sock", shared.not_typed_because)
        try:
            yield House(shared, witness, store, place, guard)
        finally:
            await asyncio.to_thread(guard.close)
    store.close()


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_change_is_the_person_s_alone(tmp_path: Path, shell: ShellName) -> None:
    async with opened(tmp_path, shell) as house:
        epoch = house.shell.lease.acquire_agent("works")
        await house.shell.run_command(house.asking("agent"), epoch=epoch)
        assert "the agent holds the shell. Take it over with F8" in await house.answer("agent")

        house.shell.lease.take_over()
        await house.a_person_s_reaction()
        await house.type(house.asking("typed"))
        assert await house.answer("typed") == "changed"
        await house.type(f"true | {house.asking('piped')} | cat")
        assert await house.answer("piped") == "changed"
        await house.type(f"sh -c '{house.asking('script')}; true'")
        assert await house.answer("script") == "changed"
        await house.type(f"{house.asking('background')} &")
        assert "in the " in await house.answer("background")
        assert len(house.store.events("desk")) == 3


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_job_that_waits_for_the_person_s_turn_is_refused(tmp_path: Path, shell: ShellName) -> None:
    async with opened(tmp_path, shell) as house:
        epoch = house.shell.lease.acquire_agent("works")
        go = house.place / "go"
        for name, start in (("nohup-answer", "nohup"), ("setsid-answer", "setsid")):
            line = f"while ! test -e {go}; do sleep 0.02; done; {house.asking(name)}"
            await house.shell.run_command(f'{start} sh -c "{line}" >/dev/null 2>&1 &', epoch=epoch)
        await house.let_the_person_type("cat")
        go.touch()
        assert "in the background" in await house.answer("nohup-answer")
        assert "in the background" in await house.answer("setsid-answer")
        assert not house.changed


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.parametrize("how", ["itself", "child", "orphan"])
@pytest.mark.parametrize("shell", SHELLS)
async def test_a_job_that_joins_the_person_s_process_group_is_refused(
    tmp_path: Path, shell: ShellName, how: str
) -> None:
    async with opened(tmp_path, shell) as house:
        epoch = house.shell.lease.acquire_agent("works")
        go = house.place / "go"
        await house.shell.run_command(f"{house.asking('joined', str(go), how)} &", epoch=epoch)
        await house.let_the_person_type("cat")
        go.touch()
        assert "left running from the agent's turn" in await house.answer("joined")
        assert not house.changed


async def test_the_agent_s_own_command_in_the_foreground_stays_the_agent_s(tmp_path: Path) -> None:
    async with opened(tmp_path, "bash") as house:
        epoch = house.shell.lease.acquire_agent("works")
        go = house.place / "go"
        line = f"while ! test -e {go}; do sleep 0.02; done; {house.asking('mine')}"
        await house.shell.run_command(f'sh -c "{line}"', epoch=epoch, wait_s=0.3)
        house.shell.lease.take_over()
        go.touch()
        assert "no command that you typed" in await house.answer("mine")


async def test_a_shell_without_marks_admits_nobody(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bashrc").write_text("exec sh\n")
    async with opened(tmp_path, "bash") as house:
        assert house.shell.marks == "plain"
        house.shell.lease.take_over()
        await house.type(house.asking("typed"))
        assert "does not tell who typed" in await house.answer("typed")

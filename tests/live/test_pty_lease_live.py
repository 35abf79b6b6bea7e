"""Who may type, what is recorded of it, and what the shell waits for: in real shells."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from pty_workbench import SHELLS, running

from limi_sessions.pty.shell import LeaseLost, LeaseRefused
from limi_sessions.records.payload import ShellName

PASSWORD = "hunter2-correct-horse"


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_typed_password_is_recorded_nowhere(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        script = tmp_path / "ask.sh"
        script.write_text("printf 'Password: '; stty -echo; read p; stty echo; echo; echo got ${#p}")
        epoch = shared.lease.acquire_agent("test")
        outcome = await shared.run_command(f"sh {script}", epoch=epoch)
        assert (outcome.status, outcome.screen.endswith("Password:")) == ("needs_password", True)
        await witness.until(lambda: shared.lease.owner == "free")
        assert "password" in shared.lease.reason
        with pytest.raises(LeaseLost):
            await shared.send(epoch=epoch, text="guess\n")
        for character in PASSWORD + "\r":
            assert shared.type_human(character.encode()) == "typed"
        await witness.until(lambda: witness.commands)
        assert witness.commands[0].output.endswith(f"got {len(PASSWORD)}")
        assert witness.secrets == [len(PASSWORD)]
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes()
            assert b'"i", "h"' not in path.read_bytes()


@pytest.mark.parametrize("shell", SHELLS)
async def test_what_the_shells_own_read_hides_is_recorded_nowhere(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        length = "string length $p" if shell == "fish" else "echo ${#p}"
        for character in f"read -s p; {length}\r":
            shared.type_human(character.encode())
        await witness.until(lambda: shared.state in ("needs_input", "needs_password"))
        for character in PASSWORD + "\r":
            shared.type_human(character.encode())
        await witness.until(lambda: witness.commands)
        assert witness.commands[0].output.endswith(str(len(PASSWORD)))
        assert witness.secrets == [len(PASSWORD)]
    inputs = [e[2] for e in map(json.loads, _cast(tmp_path)[1:]) if e[1] == "i"]
    assert "".join(inputs) == f"read -s p; {length}\r"


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_line_that_is_read_openly_is_known_and_recorded(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        outcome = await shared.run_command("sh -c 'echo Name; read x; echo hello $x'", epoch=epoch)
        assert (outcome.status, outcome.state, outcome.output) == ("needs_input", "needs_input", "Name")
        answered = await shared.send(epoch=epoch, text="Ada\n", wait_s=10)
        assert answered.finished is not None
        assert answered.finished.output == "Name\nAda\nhello Ada"
        assert not witness.secrets
    inputs = [e for e in map(json.loads, _cast(tmp_path)[1:]) if e[1] == "i"]
    assert inputs[-1][2] == "Ada\r"


async def test_a_stale_lease_cannot_type(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        assert shared.type_human(b"x") == shared.type_human(b"y") == "swallowed"
        assert witness.swallowed == 1
        shared.lease.take_over()
        for call in (shared.run_command("touch stale", epoch=epoch), shared.send(epoch=epoch, text="touch stale\n")):
            with pytest.raises(LeaseLost):
                await call
        with pytest.raises(LeaseRefused):
            shared.lease.acquire_agent("again")
        shared.lease.hand_back()
        newer = shared.lease.acquire_agent("again")
        assert newer > epoch
        assert (await shared.run_command("ls", epoch=newer)).output == ""
        assert [owner for owner, _, _ in witness.leases] == ["agent", "human", "free", "agent"]


async def test_taking_over_ends_the_agents_call_but_not_the_command(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        call = asyncio.create_task(shared.run_command("sh -c 'echo up; exec sleep 60'", epoch=epoch))
        await witness.until(lambda: shared.program == "sleep")
        shared.lease.take_over()
        with pytest.raises(LeaseLost):
            await call
        assert shared.type_human(b"\x03") == "typed"
        await witness.until(lambda: witness.commands)
        assert (witness.commands[0].by, witness.commands[0].exit_code) == ("agent", 130)


@pytest.mark.parametrize("shell", SHELLS)
async def test_the_agent_does_not_start_in_the_persons_line(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        shared.type_human(b"e")
        with pytest.raises(LeaseRefused, match="half-typed"):
            shared.lease.acquire_agent("test")
        waiting = asyncio.create_task(shared.wait_for_lease("test", timeout_s=10))
        for character in "cho mine\r":
            shared.type_human(character.encode())
        assert shared.lease.holds(await waiting)
        assert [c.command for c in witness.commands] == ["echo mine"]


async def test_the_persons_ctrl_c_passes_while_the_agent_holds(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        call = asyncio.create_task(shared.run_command("sleep 60", epoch=epoch))
        await witness.until(lambda: "running" in witness.states and shared.program == "sleep")
        shared.type_human(b"\x03")
        assert (await call).exit_code == 130


async def test_an_unfinished_line_of_the_agent_is_not_continued_by_a_command(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        await shared.send(epoch=epoch, text="echo 'open\n", wait_s=1)
        refused = await shared.run_command("true", epoch=epoch)
        assert (refused.status, "c-c" in refused.output) == ("error", True)
        await shared.send(epoch=epoch, keys=["c-c"], wait_s=5)
        assert (await shared.run_command("echo well", epoch=epoch)).output == "well"


async def test_a_pager_and_an_editor_are_told_apart(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        paged = await shared.run_command("seq 500 | less", epoch=epoch)
        if "not found" in paged.output:
            pytest.skip("less is not installed")
        assert (paged.status, paged.state) == ("needs_input", "pager")
        left = await shared.send(epoch=epoch, keys=["q"], wait_s=10)
        assert left.state == "prompt"
        vi = await shared.run_command("vim -u NONE new.txt", epoch=epoch)
        if vi.exit_code == 127:
            pytest.skip("vim is not installed")
        assert vi.state == "tui"
        await shared.send(epoch=epoch, text="ihello", keys=["escape"])
        done = await shared.send(epoch=epoch, text=":wq\n", wait_s=10)
        assert done.finished is not None
        assert (tmp_path / "work" / "new.txt").read_text() == "hello\n"


@pytest.mark.parametrize("shell", SHELLS)
async def test_waiting_for_text_idle_and_exit(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        slow = "sh -c 'echo first; sleep 0.4; echo ready; sleep 0.4; exit 3'"
        outcome = await shared.run_command(slow, epoch=epoch, wait_s=0.05)
        assert (outcome.status, outcome.exit_code) == ("running", None)
        ready = await shared.wait_until("text", text="first\nready")
        assert (ready.met, ready.finished) == (True, None)
        ended = await shared.wait_until("exit")
        assert ended.finished is not None
        assert (ended.met, ended.finished.exit_code, ended.state) == (True, 3, "prompt")
        assert (await shared.wait_until("prompt", timeout_s=0)).met
        assert (await shared.wait_until("idle", idle_s=0.1)).met
        assert not (await shared.wait_until("text", text="never", timeout_s=0.1)).met
        with pytest.raises(ValueError, match="unknown keys"):
            await shared.send(epoch=epoch, keys=["hyper"])


def _cast(place: Path) -> list[str]:
    return (place / "shell-000.cast").read_text().splitlines()

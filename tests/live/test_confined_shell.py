"""Real shells in a real pty inside each sandbox: what is refused, what the shell's state is, how everything ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confined_house import SANDBOXES, ConfinedHouse, sandbox_or_skip, until_dead
from outside_tmp import directory_outside_tmp
from pty_workbench import SHELLS

from limi_sessions.pty.proctable import descendants
from limi_sessions.records.payload import SandboxName, ShellName
from limi_sessions.sandbox.protocol import Unconfined

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")
OURS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
EVERYWHERE: tuple[SandboxName, ...] = ("none", *SANDBOXES)


@pytest.fixture
def house() -> Iterator[ConfinedHouse]:
    # Below /tmp nothing outside would be seen at all, which would make every test of it pass.
    with directory_outside_tmp() as made:
        yield ConfinedHouse(Path(made))


@pytest.mark.parametrize("name", SANDBOXES)
@pytest.mark.parametrize("shell", SHELLS)
async def test_writes_outside_and_hidden_files_are_refused_and_the_shell_goes_on(
    house: ConfinedHouse, name: SandboxName, shell: ShellName
) -> None:
    (house.workspace / "sub").mkdir()
    (house.limi.root / "store.duckdb").write_text("rows\n")
    async with house.shell(sandbox_or_skip(name), shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        written = await shared.run_command("echo one > made && cat made", epoch=epoch)
        assert (written.exit_code, written.output) == (0, "one")
        for refused in (
            f"touch {house.outside}",
            f"touch {house.limi.root}/new",
            f"cat {house.limi.root}/store.duckdb",
            "cat ~/.netrc",
            "touch /etc/new",
        ):
            outcome = await shared.run_command(refused, epoch=epoch)
            assert outcome.status == "done" and outcome.exit_code not in (0, None), (refused, outcome)
            assert "sesame" not in outcome.output and "rows" not in outcome.output
        moved = await shared.run_command("cd sub", epoch=epoch)
        assert (moved.exit_code, moved.cwd) == (0, str(house.workspace / "sub"))
    assert (house.workspace / "made").read_text() == "one\n"
    assert not house.outside.exists() and not (house.limi.root / "new").exists()


@pytest.mark.parametrize("name", SANDBOXES)
async def test_the_kernel_tells_what_a_confined_program_waits_for(house: ConfinedHouse, name: SandboxName) -> None:
    password = "python3 -c 'import getpass; getpass.getpass()'"
    async with house.shell(sandbox_or_skip(name)) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        waits = await shared.run_command("cat", epoch=epoch)
        assert (waits.status, shared.program) == ("needs_input", "cat")
        answered = await shared.send(epoch=epoch, text="line\n", keys=["c-d"], wait_s=10)
        assert answered.finished is not None and answered.finished.output == "line\nline"
        repl = await shared.run_command("python3 -q", epoch=epoch)
        assert (repl.status, repl.state) == ("needs_input", "repl")
        assert "42" in (await shared.send(epoch=epoch, text="6*7\n", wait_s=10)).screen
        await shared.send(epoch=epoch, keys=["c-d"], wait_s=10)
        busy = await shared.run_command("sleep 60", epoch=epoch, wait_s=0.5)
        assert (busy.status, shared.program) == ("running", "sleep")
        stopped = await shared.send(epoch=epoch, keys=["c-z"], wait_s=10)
        assert stopped.state == "prompt"
        again = await shared.run_command("fg", epoch=epoch, wait_s=0.5)
        assert (again.status, shared.program) == ("running", "sleep")
        await shared.interrupt()
        ended = await shared.wait_until("prompt")
        assert ended.finished is not None and ended.finished.exit_code == 130
        for line in (password, "read -s secret"):
            epoch = shared.lease.acquire_agent("test")
            assert (await shared.run_command(line, epoch=epoch)).status == "needs_password"
            assert shared.lease.owner != "agent"
            for key in (b"x", b"y", b"\r"):
                shared.type_human(key)
            await witness.until(lambda: shared.state == "prompt")
        assert witness.secrets == [2, 2]
    assert "xy" not in (house.session.root / "shell-000.cast").read_text()


@pytest.mark.parametrize("name", SANDBOXES)
async def test_full_screen_programs_are_told_apart(house: ConfinedHouse, name: SandboxName) -> None:
    (house.workspace / "lines").write_text("".join(f"{n}\n" for n in range(200)))
    async with house.shell(sandbox_or_skip(name)) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        for command, state, keys in (("vim -u NONE lines", "tui", ":q!\n"), ("less lines", "pager", "q")):
            if shutil.which(command.partition(" ")[0]) is None:
                continue
            assert (await shared.run_command(command, epoch=epoch)).state == state
            left = await shared.send(epoch=epoch, text=keys, wait_s=10)
            assert (left.state, left.finished and left.finished.exit_code) == ("prompt", 0)


@pytest.mark.parametrize("name", SANDBOXES)
@pytest.mark.parametrize("shell", SHELLS)
async def test_a_confined_shell_that_ends_says_how(house: ConfinedHouse, name: SandboxName, shell: ShellName) -> None:
    me = "$fish_pid" if shell == "fish" else "$$"
    ends = (("exit 7", (7, None)), (f"kill -9 {me}", (None, signal.SIGKILL)), ("exec bash --norc", (None, None)))
    for number, (line, how) in enumerate(ends):
        cast = house.session.cast(number)
        async with house.shell(sandbox_or_skip(name), shell, cast_path=cast) as (shared, witness):
            epoch = shared.lease.acquire_agent("test")
            assert (await shared.run_command(line, epoch=epoch)).status == "shell_lost"
            await witness.until(lambda witness=witness: witness.lost)
            assert (witness.lost, witness.lost_reasons) == ([how], [""])


@pytest.mark.parametrize("name", SANDBOXES)
async def test_start_up_files_that_ask_or_replace_the_shell_are_met_inside_too(
    house: ConfinedHouse, name: SandboxName
) -> None:
    sandbox = sandbox_or_skip(name)
    (house.home / ".bashrc").write_text("read -p 'proceed? ' x\n")
    async with house.shell(sandbox) as (shared, witness):
        assert (shared.marks, shared.state) == ("plain", "needs_input")
        shared.type_human(b"y")
        shared.type_human(b"\r")
        await witness.until(lambda: shared.marks == "osc133" and shared.state == "prompt")
    (house.home / ".bashrc").write_text("exec bash --norc --noprofile\n")
    async with house.shell(sandbox, start_timeout_s=1.5, cast_path=house.session.cast(1)) as (shared, _):
        assert shared.marks == "plain"
        epoch = shared.lease.acquire_agent("test")
        outcome = await shared.run_command("echo a; (exit 4)", epoch=epoch)
        assert (outcome.status, outcome.output, outcome.exit_code, shared.state) == ("done", "a", 4, "prompt")


@pytest.mark.parametrize("name", SANDBOXES)
async def test_closing_a_confined_shell_leaves_no_process(house: ConfinedHouse, name: SandboxName) -> None:
    before = set(descendants(os.getpid()))
    async with house.shell(sandbox_or_skip(name)) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        deaf = "(setsid sh -c 'trap \"\" HUP TERM; sleep 604' &)"
        started = f"sleep 601 & nohup sleep 602 >/dev/null 2>&1 & setsid sleep 603 & {deaf}"
        await shared.run_command(started, epoch=epoch)
        await witness.until(lambda: len(_sleepers(before)) == 4)
        everything = [pid for pid in descendants(os.getpid()) if pid not in before]
    await until_dead(everything)


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_a_command_is_ended_by_the_signals_that_python_ignores(house: ConfinedHouse, name: SandboxName) -> None:
    sandbox = Unconfined() if name == "none" else sandbox_or_skip(name)
    async with house.shell(sandbox) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        told = await shared.run_command("grep SigIgn /proc/self/status; yes | head -1", epoch=epoch)
        _, ignored, printed = told.output.split()
        # Whoever started the tests may ignore others.
        assert [number for number in OURS if int(ignored, 16) >> (number - 1) & 1] == []
        assert printed == "y"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", EVERYWHERE)
async def test_a_fork_bomb_is_contained_and_told(house: ConfinedHouse, name: SandboxName) -> None:
    sandbox = Unconfined() if name == "none" else sandbox_or_skip(name)
    async with house.shell(sandbox, most_processes=400) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        call = asyncio.create_task(shared.run_command(":(){ :|:& };: ; wait; sleep 60", epoch=epoch, wait_s=60))
        await witness.until(lambda: witness.lost, 60)
        assert witness.lost == [(None, signal.SIGKILL)]
        assert "processes ran at once, and 400 are allowed" in witness.lost_reasons[0]
        outcome = await call
        if outcome.status == "done":
            # The kernel refused a fork before the watch had looked: the bomb's own line had ended by then.
            outcome = await shared.run_command("true", epoch=epoch)
        assert outcome.status == "shell_lost" and "400 are allowed" in outcome.output
        pids = descendants(os.getpid())
    await until_dead(pids)


def _sleepers(before: set[int]) -> list[int]:
    found: list[int] = []
    for pid in descendants(os.getpid()):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if pid not in before and line.startswith(b"sleep\x0060"):
            found.append(pid)
    return found

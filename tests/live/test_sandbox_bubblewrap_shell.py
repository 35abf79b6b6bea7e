from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pty_workbench import SHELLS, Witness
from sandbox_workbench import House, house, needs_bubblewrap

from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.values import ShellConfig
from limi_sessions.records.payload import ShellName

pytestmark = needs_bubblewrap

PUSH = """
import fcntl, termios
try:
    for key in b"echo pushed\\n":
        fcntl.ioctl(0, termios.TIOCSTI, bytes([key]))
except OSError as error:
    print("refused:", error.strerror)
"""


@asynccontextmanager
async def confined_shell(
    shell: ShellName, *, confined: bool = True
) -> AsyncGenerator[tuple[SharedShell, Witness, House]]:
    with house() as at:
        (at.base / "shell").mkdir()
        at.write(".bashrc", "alias hi='echo hello'\n")
        at.write(".zshrc", "alias hi='echo hello'\n")
        at.write(".config/fish/config.fish", "alias hi 'echo hello'\n")
        at.change(writable=(at.base / "shell",))
        environment = {**os.environ, "HOME": str(at.home)}
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "ZDOTDIR"):
            environment.pop(name, None)
        config = ShellConfig(
            shell=shell,
            cwd=at.work,
            cast_path=at.base / "shell.cast",
            home=at.base / "shell",
            environment=shell_environment(at.changed(environment) if confined else environment),
            wrap=(lambda argv: at.argv(*argv)) if confined else None,
        )
        witness = Witness()
        shared = await SharedShell.start(config, witness)
        try:
            yield shared, witness, at
        finally:
            await shared.close()


async def interrupted(shared: SharedShell, witness: Witness) -> None:
    finished = len(witness.commands)
    await shared.interrupt()
    await witness.until(lambda: len(witness.commands) > finished and shared.state == "prompt")


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_confined_shell_has_its_terminal_and_job_control(shell: ShellName) -> None:
    async with confined_shell(shell) as (shared, witness, at):
        assert shared.marks == "osc133"
        screen = await shared.read_screen()
        assert "job control" not in screen.screen
        assert "error" not in screen.screen
        epoch = shared.lease.acquire_agent("test")

        hi = await shared.run_command("hi", epoch=epoch)
        assert (hi.output.strip(), hi.exit_code, hi.cwd) == ("hello", 0, str(at.work))
        assert (await shared.run_command("tty", epoch=epoch)).output.startswith("/dev/")
        assert (await shared.run_command("false", epoch=epoch)).exit_code == 1
        assert (await shared.run_command("touch /etc/limi-test", epoch=epoch)).exit_code == 1

        assert (await shared.run_command("sleep 600", epoch=epoch, wait_s=0.2)).status == "running"
        await interrupted(shared, witness)
        assert witness.commands[-1].exit_code == 130

        assert (await shared.run_command("sleep 601", epoch=epoch, wait_s=0.2)).status == "running"
        await shared.send(epoch=epoch, keys=["c-z"])
        await witness.until(lambda: shared.state == "prompt")
        assert "sleep 601" in (await shared.run_command("jobs", epoch=epoch)).output
        assert (await shared.run_command("fg", epoch=epoch, wait_s=0.2)).status == "running"
        await interrupted(shared, witness)

        ended = await shared.run_command("exit 5", epoch=epoch)
        assert ended.status == "shell_lost"
        await witness.until(lambda: witness.lost)
        assert witness.lost == [(5, None)]


@pytest.mark.parametrize("program", ["vim", "less"])
async def test_programs_that_own_the_screen_work_in_a_confined_shell(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    async with confined_shell("bash") as (shared, witness, at):
        epoch = shared.lease.acquire_agent("test")
        if program == "vim":
            await shared.run_command("vim -u NONE new.txt", epoch=epoch, wait_s=0.2)
            await witness.until(lambda: shared.state == "tui")
            await shared.send(epoch=epoch, text="ihello", keys=["escape"])
            await shared.send(epoch=epoch, text=":wq", keys=["enter"])
        else:
            await shared.run_command("seq 500 | less", epoch=epoch, wait_s=0.2)
            await witness.until(lambda: shared.state == "pager")
            await shared.send(epoch=epoch, text="q")
        await witness.until(lambda: shared.state == "prompt")
        if program == "vim":
            assert (at.work / "new.txt").read_text() == "hello\n"


async def test_terminals_can_be_made_inside() -> None:
    async with confined_shell("bash") as (shared, _, _at):
        epoch = shared.lease.acquire_agent("test")
        made = await shared.run_command("""python3 -I -c 'import pty; pty.spawn(["tty"])'""", epoch=epoch)
        assert made.output.strip() == "/dev/pts/0"


async def test_a_confined_program_cannot_type_on_the_terminal() -> None:
    allowed = Path("/proc/sys/dev/tty/legacy_tiocsti")
    for confined in (False, True):
        if not confined and allowed.exists() and allowed.read_text().strip() != "1":
            continue
        async with confined_shell("bash", confined=confined) as (shared, witness, at):
            (at.work / "push.py").write_text(PUSH)
            epoch = shared.lease.acquire_agent("test")
            pushed = await shared.run_command("python3 -I push.py", epoch=epoch)
            if confined:
                assert pushed.output.strip() == "refused: Operation not permitted"
                after = await shared.run_command("echo after", epoch=epoch)
                assert after.output.strip() == "after"
                assert not any("pushed" in command.output for command in witness.commands)
            else:
                # What the filter is there for.
                await witness.until(lambda: any("pushed" in command.output for command in witness.commands))


async def test_ctrl_c_and_ctrl_z_reach_a_command_that_is_no_shell() -> None:
    """The command handles it: neither the launcher nor bubblewrap dies of it first."""
    async with confined_shell("bash", confined=False) as (shared, witness, at):
        (at.work / "wait.py").write_text(
            "import sys, time\ntry:\n    print('ready', flush=True)\n    time.sleep(600)\n"
            "except KeyboardInterrupt:\n    print('handled')\n    sys.exit(9)\n"
        )
        (at.work / "run.sh").write_text("exec " + shlex.join(at.argv("python3", "-I", "wait.py")))
        epoch = shared.lease.acquire_agent("test")
        await shared.run_command("sh run.sh", epoch=epoch, wait_s=0.1)
        reading = await shared.wait_until("text", text="ready")
        assert "ready" in reading.screen
        await shared.send(epoch=epoch, keys=["c-z"])
        await witness.until(lambda: shared.state == "prompt")
        assert (await shared.run_command("fg", epoch=epoch, wait_s=0.1)).status == "running"
        await interrupted(shared, witness)
        assert (witness.commands[-1].exit_code, "handled" in witness.commands[-1].output) == (9, True)

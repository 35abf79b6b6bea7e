"""The shared shell in Landlock: real shells and programs on a real pty, confined as a session's are."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pty_workbench import SHELLS, Witness, config_in, running

from limi_sessions.pty.shell import SharedShell
from limi_sessions.records.payload import ShellName
from limi_sessions.sandbox.landlock import Landlock
from limi_sessions.sandbox.policy import SandboxPolicy

pytestmark = pytest.mark.skipif(Landlock().abi < 1, reason="this kernel has no Landlock")


def policy_in(place: Path) -> SandboxPolicy:
    """A session's: its workspace beside limi's own home, which is masked but for the shell's directory."""
    for name in ("work", "home/.ssh", "sessions", "shell"):
        (place / name).mkdir(parents=True, exist_ok=True)
    (place / "home" / ".ssh" / "id").write_text("secret")
    return SandboxPolicy(
        workspace=place / "work",
        home=place / "home",
        private_home=place / "private",
        scratch=place / "scratch",
        writable=(place / "shell",),
        masked=(place / "home" / ".ssh", place / "sessions"),
    )


@asynccontextmanager
async def confined(place: Path, shell: ShellName) -> AsyncGenerator[tuple[SharedShell, Witness]]:
    policy, sandbox = policy_in(place), Landlock()
    environment = dict(config_in(place, shell).environment)
    for name, value in sandbox.environment(policy).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value

    def wrap(argv: list[str]) -> list[str]:
        return sandbox.wrapped(argv, policy)

    async with running(place, shell, wrap=wrap, environment=environment) as (shared, witness):
        yield shared, witness


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_confined_shell_is_a_whole_shell(tmp_path: Path, shell: ShellName) -> None:
    async with confined(tmp_path, shell) as (shared, witness):
        assert shared.marks == "osc133"
        epoch = shared.lease.acquire_agent("test")
        written = await shared.run_command("echo one > made; cat made; tty", epoch=epoch)
        assert (written.exit_code, written.output.splitlines()[0]) == (0, "one")
        assert written.output.splitlines()[1].startswith("/dev/pts/")
        refused = await shared.run_command("cat ~/.ssh/id", epoch=epoch)
        assert (refused.exit_code, "Permission denied" in refused.output) == (1, True)
        assert (await shared.run_command("echo no > ~/made", epoch=epoch)).exit_code != 0
        assert (await shared.run_command("test -t 0 </dev/tty && echo x >/dev/tty", epoch=epoch)).exit_code == 0
        assert not witness.forged


@pytest.mark.parametrize("shell", SHELLS)
async def test_jobs_are_stopped_continued_and_interrupted(tmp_path: Path, shell: ShellName) -> None:
    async with confined(tmp_path, shell) as (shared, witness):
        for character in "sleep 60\r":
            shared.type_human(character.encode())
        await witness.until(lambda: shared.program == "sleep")
        shared.type_human(b"\x1a")
        await witness.until(lambda: shared.state == "prompt" and shared.program != "sleep")
        for character in "fg\r":
            shared.type_human(character.encode())
        await witness.until(lambda: shared.program == "sleep")
        shared.type_human(b"\x03")
        await witness.until(lambda: shared.state == "prompt" and len(witness.commands) >= 2)
        assert witness.commands[-1].interrupted


@pytest.mark.skipif(not any(os.access(f"/usr/bin/{name}", os.X_OK) for name in ("vim", "vi")), reason="no vim")
async def test_vim_edits_a_file_in_the_workspace(tmp_path: Path) -> None:
    async with confined(tmp_path, "bash") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        opened = await shared.run_command("vim -u NONE -i NONE letter.txt", epoch=epoch, wait_s=10)
        assert opened.status in {"running", "needs_input"}
        await shared.send(epoch=epoch, text="idear expert", wait_s=1)
        stopped = await shared.send(epoch=epoch, keys=["escape", "c-z"], wait_s=10)
        assert "Stopped" in stopped.screen
        back = await shared.run_command("fg", epoch=epoch, wait_s=3)
        assert "dear expert" in back.screen
        ended = await shared.send(epoch=epoch, text=":wq\n", wait_s=10)
        assert ended.finished is not None
        assert (tmp_path / "work" / "letter.txt").read_text() == "dear expert\n"


async def test_another_terminal_is_neither_read_nor_written(tmp_path: Path) -> None:
    """The person's own, unsandboxed shell is such a terminal."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    try:
        async with confined(tmp_path, "bash") as (shared, _):
            epoch = shared.lease.acquire_agent("test")
            for attempt in (f"echo x > {name}", f"head -c1 < {name}", "python3 -c 'import os; os.openpty()'"):
                outcome = await shared.run_command(attempt, epoch=epoch)
                assert outcome.exit_code not in (0, None), attempt
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 1)
    finally:
        os.close(ours)
        os.close(theirs)


async def test_typing_on_the_own_terminal_is_refused(tmp_path: Path) -> None:
    """What is put into the terminal's input would be run as if a person had typed it, past the lease."""
    push = 'import fcntl,termios\nfor c in b"touch pushed\\n": fcntl.ioctl(0, termios.TIOCSTI, bytes([c]))'
    async with confined(tmp_path, "bash") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        (tmp_path / "work" / "push.py").write_text(push)
        outcome = await shared.run_command("python3 push.py", epoch=epoch)
        assert (outcome.exit_code, "Operation not permitted" in outcome.output) == (1, True)
        await shared.run_command("true", epoch=epoch)
        assert not (tmp_path / "work" / "pushed").exists()


async def test_the_confined_shell_ends_with_everything_in_it(tmp_path: Path) -> None:
    async with confined(tmp_path, "bash") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        script = "(setsid sh -c 'echo $$ > pid; exec sleep 300' &) ; until test -s pid; do sleep 0.05; done; cat pid"
        started = await shared.run_command(script, epoch=epoch)
        pid = int(started.output.splitlines()[-1])
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

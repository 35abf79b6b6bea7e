"""How shells begin and end: lost, replaced, killed with everything they started, degraded."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from pty_workbench import SHELLS, Witness, config_in, running

from limi_sessions.pty.shell import SharedShell, ShellMissing, ShellStartFailed
from limi_sessions.records.payload import ShellName

PROC = Path("/proc/self/stat").exists()
needs_proc = pytest.mark.skipif(not PROC, reason="needs /proc to see processes")


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_shell_that_exits_is_lost_and_said(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        outcome = await shared.run_command("exit 7", epoch=epoch)
        assert outcome.status == "shell_lost"
        await witness.until(lambda: witness.lost)
        assert witness.lost == [(7, None)]
        assert shared.state == "lost"
        assert shared.type_human(b"x") == "lost"
        assert (await shared.run_command("true", epoch=epoch)).status == "shell_lost"
    last = json.loads((tmp_path / "shell-000.cast").read_text().splitlines()[-1])
    assert last[1:] == ["x", "7"]


async def test_a_killed_shell_is_lost_while_a_command_runs(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        call = asyncio.create_task(shared.run_command("echo before; sleep 60", epoch=epoch))
        await witness.until(lambda: shared.program == "sleep")
        os.kill(shared.pid, signal.SIGKILL)
        outcome = await call
        assert (outcome.status, outcome.output, outcome.exit_code) == ("shell_lost", "before", None)
        await witness.until(lambda: witness.lost)
        assert witness.lost == [(None, signal.SIGKILL)]


@needs_proc
@pytest.mark.parametrize("shell", SHELLS)
async def test_a_shell_that_replaces_itself_is_lost(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        outcome = await shared.run_command("exec bash --norc", epoch=epoch, wait_s=20)
        assert outcome.status == "shell_lost"
        await witness.until(lambda: witness.lost)
        assert witness.lost == [(None, None)]


@needs_proc
async def test_closing_leaves_no_process(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, witness):
        started = _everything_that_survives(tmp_path, "bash")
        epoch = shared.lease.acquire_agent("test")
        await shared.run_command(started, epoch=epoch, wait_s=20)
        pids = _pids(tmp_path, 4)
        assert all(_alive(pid) for pid in pids)
        await shared.close()
        assert not [pid for pid in [*pids, shared.pid] if _alive(pid)]
        assert not witness.lost


@needs_proc
@pytest.mark.parametrize("shell", SHELLS)
async def test_killing_the_workstation_leaves_no_orphan(tmp_path: Path, shell: ShellName) -> None:
    program = textwrap.dedent(
        f"""
        import asyncio, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pty_workbench import config_in, Witness
        from limi_sessions.pty.shell import SharedShell

        async def work():
            shared = await SharedShell.start(config_in(Path({str(tmp_path)!r}), {shell!r}), Witness())
            epoch = shared.lease.acquire_agent("test")
            print(shared.pid, flush=True)
            await shared.run_command({_everything_that_survives(tmp_path, shell)!r}, epoch=epoch, wait_s=20)
            print("started", flush=True)
            await asyncio.sleep(600)

        asyncio.run(work())
        """
    )
    workstation = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert workstation.stdout is not None
    shell_pid = int(workstation.stdout.readline())
    assert workstation.stdout.readline() == "started\n"
    pids = [*_pids(tmp_path, 4), shell_pid]
    assert all(_alive(pid) for pid in pids)
    workstation.kill()
    workstation.wait()
    workstation.stdout.close()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in pids if _alive(pid)]) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert not left
    for line in (tmp_path / "shell-000.cast").read_text().splitlines():
        json.loads(line)


async def test_a_missing_shell_directory_or_program_is_said(tmp_path: Path) -> None:
    config = config_in(tmp_path, "bash")
    with pytest.raises(ShellMissing, match="bash is not installed"):
        await SharedShell.start(config_in(tmp_path, "bash", environment={"PATH": str(tmp_path)}), Witness())
    with pytest.raises(ShellStartFailed, match="no directory"):
        await SharedShell.start(config_in(tmp_path, "bash", cwd=tmp_path / "gone"), Witness())
    with pytest.raises(ShellStartFailed, match="exists already"):
        await SharedShell.start(config, Witness())
    with pytest.raises(ShellStartFailed, match="No such file"):
        gone = config_in(tmp_path, "bash", cast_path=tmp_path / "1.cast", wrap=lambda argv: ["/nowhere/wrap", *argv])
        await SharedShell.start(gone, Witness())
    (tmp_path / "home" / ".bashrc").write_text("echo sorry; exit 3\n")
    with pytest.raises(ShellStartFailed, match="sorry"):
        await SharedShell.start(config_in(tmp_path, "bash", cast_path=tmp_path / "2.cast"), Witness())


async def test_without_hooks_a_sentinel_ends_commands(tmp_path: Path) -> None:
    config_in(tmp_path, "bash")
    (tmp_path / "home" / ".bashrc").write_text("exec bash --norc --noprofile\n")
    async with running(tmp_path, "bash", start_timeout_s=1.5) as (shared, _):
        assert shared.marks == "plain"
        epoch = shared.lease.acquire_agent("test")
        outcome = await shared.run_command("echo 'a b'\necho c; (exit 4)", epoch=epoch)
        assert (outcome.status, outcome.output, outcome.exit_code) == ("done", "a b\nc", 4)
        assert shared.state == "prompt"
        slow = await shared.run_command("sleep 30", epoch=epoch, wait_s=0.3)
        assert slow.status == "running"
        await shared.interrupt()
        stopped = await shared.wait_until("exit", timeout_s=10)
        assert stopped.finished is not None
        assert stopped.finished.exit_code == 130
        again = await shared.run_command("echo on", epoch=epoch)
        assert again.output == "on"


async def test_a_start_file_that_asks_is_shown_and_then_hooked(tmp_path: Path) -> None:
    config_in(tmp_path, "bash")
    (tmp_path / "home" / ".bashrc").write_text("read -p 'proceed? ' x\n")
    async with running(tmp_path, "bash") as (shared, witness):
        assert (shared.marks, shared.state) == ("plain", "needs_input")
        shared.type_human(b"y")
        shared.type_human(b"\r")
        await witness.until(lambda: shared.marks == "osc133" and shared.state == "prompt")
        epoch = shared.lease.acquire_agent("test")
        assert (await shared.run_command("echo hooked", epoch=epoch)).output == "hooked"


async def test_a_command_waits_for_start_up_files_that_take_their_time(tmp_path: Path) -> None:
    config_in(tmp_path, "bash")
    (tmp_path / "home" / ".bashrc").write_text("sleep 3\n")
    async with running(tmp_path, "bash", start_timeout_s=0.5) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        hasty = await shared.run_command("echo no", epoch=epoch, wait_s=0.1)
        assert hasty.status == "error" and "start-up files of bash still run" in hasty.output
        patient = await shared.run_command("echo up", epoch=epoch)
        assert (patient.status, patient.output, shared.marks) == ("done", "up", "osc133")


async def test_a_command_that_waits_for_the_first_prompt_is_called_off_by_an_interrupt(tmp_path: Path) -> None:
    config_in(tmp_path, "bash")
    (tmp_path / "home" / ".bashrc").write_text("sleep 60\n")
    async with running(tmp_path, "bash", start_timeout_s=0.5) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        waiting = asyncio.ensure_future(shared.run_command("touch ran", epoch=epoch))
        await asyncio.sleep(0)
        await shared.interrupt()
        outcome = await waiting
        assert outcome.status == "error" and "it was interrupted before" in outcome.output
        await witness.until(lambda: shared.state == "prompt")
        assert not (tmp_path / "ran").exists()


async def test_a_wiped_prompt_command_gives_unknown_once_and_heals(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        wiped = await shared.run_command("unset PROMPT_COMMAND; false", epoch=epoch)
        assert (wiped.status, wiped.exit_code) == ("done", None)
        assert (await shared.run_command("false", epoch=epoch)).exit_code == 1
        replaced = await shared.run_command("PROMPT_COMMAND='true'; PS1='new> '; PS0=", epoch=epoch)
        assert replaced.exit_code is None
        assert (await shared.run_command("echo x; (exit 5)", epoch=epoch)).exit_code == 5
        assert "new> " in (await shared.read_screen()).screen


async def test_a_wiped_precmd_of_zsh_heals(tmp_path: Path) -> None:
    if SHELLS[1].marks and SHELLS[1].marks[0].args[0]:  # pyright: ignore[reportAttributeAccessIssue]
        pytest.skip("zsh is not installed")
    async with running(tmp_path, "zsh") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        assert (await shared.run_command("precmd_functions=(); false", epoch=epoch)).exit_code is None
        again = await shared.run_command("PS1='new> '; false", epoch=epoch)
        assert again.exit_code == 1
        assert (await shared.run_command("true", epoch=epoch)).exit_code == 0


@pytest.mark.parametrize("shell", SHELLS)
async def test_forged_marks_are_counted_and_change_nothing(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        forged = r"\033]133;D;0\007\033]133;D;0;k=0000\007\033]133;C\007\033]7;file://x/forged\007"
        outcome = await shared.run_command(f"printf '{forged}'; echo real; false", epoch=epoch)
        assert (outcome.exit_code, outcome.output) == (1, "real")
        assert outcome.cwd == str(tmp_path / "work")
        await witness.until(lambda: sum(count for count, _ in witness.forged) == 3)
        assert "\x1b" not in witness.forged[0][1]
        assert len(witness.commands) == 1
    assert shared.nonce not in (tmp_path / "shell-000.cast").read_text()
    assert shared.nonce not in "".join(p.read_text() for p in (tmp_path / "shell").rglob("*") if p.is_file())


@pytest.mark.parametrize("shell", SHELLS)
async def test_the_nonce_and_keys_are_not_in_the_childs_environment(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        outcome = await shared.run_command("env", epoch=epoch)
        assert shared.nonce not in outcome.output
        assert "LIMI_INSIDE=s1" in outcome.output
        assert "TERM=xterm-256color" in outcome.output


async def test_a_resize_reaches_engine_child_and_recording(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, witness):
        shared.resize(70, 20)
        shared.resize(91, 27)
        await witness.until(lambda: shared.engine.cols == 91)
        epoch = shared.lease.acquire_agent("test")
        assert (await shared.run_command("stty size", epoch=epoch)).output == "27 91"
    events = [json.loads(line) for line in (tmp_path / "shell-000.cast").read_text().splitlines()[1:]]
    assert [data for _, code, data in events if code == "r"] == ["91x27"]


async def test_known_secrets_are_masked_in_the_recording(tmp_path: Path) -> None:
    secret = "sk-live-0123456789abcdef"
    async with running(tmp_path, "bash", secrets=(secret,)) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        halves = f"printf {secret[:9]}; sleep 0.1; echo {secret[9:]}"
        outcome = await shared.run_command(halves, epoch=epoch)
        assert outcome.output == secret
        await shared.run_command(f"echo {secret}", epoch=epoch)
    text = (tmp_path / "shell-000.cast").read_text()
    assert secret not in text
    assert text.count("[secret 1]") >= 3


async def test_a_full_disk_ends_the_recording_not_the_session(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "shell-000.cast").symlink_to(full)
    with pytest.raises(ShellStartFailed):
        async with running(tmp_path, "bash"):
            pass
    unwritable = tmp_path / "missing" / "x.cast"
    async with running(tmp_path, "bash", cast_path=unwritable) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        assert (await shared.run_command("echo on", epoch=epoch)).output == "on"
        assert len(witness.cast_problems) == 1


async def test_a_child_that_reads_nothing_can_be_interrupted(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        call = asyncio.create_task(shared.run_command("stty raw isig -echo; sleep 60", epoch=epoch, wait_s=60))
        await witness.until(lambda: shared.program == "sleep")
        shared.lease.take_over()
        assert shared.paste_human("x" * 200_000) == "typed"
        await shared.interrupt()
        await witness.until(lambda: shared.program != "sleep")
        with pytest.raises(Exception, match="took over"):
            await call


def _everything_that_survives(place: Path, shell: str) -> str:
    """Start a job, a nohup, a setsid child and a daemon's grandchild; each writes its pid."""
    script = place / "spawn.sh"
    script.write_text(
        f"cd {place}\n"
        "sleep 601 & echo $! > pid.1\n"
        "nohup sleep 602 >/dev/null 2>&1 & echo $! > pid.2\n"
        "setsid sh -c 'echo $$ > pid.3; exec sleep 603' &\n"
        '(setsid sh -c \'trap "" HUP TERM INT; sh -c "echo \\$\\$ > pid.4; exec sleep 604" & \') &\n'
        "until test -s pid.1 && test -s pid.2 && test -s pid.3 && test -s pid.4; do sleep 0.02; done\n"
    )
    return f"sh {script}"


def _pids(place: Path, count: int) -> list[int]:
    return [int((place / f"pid.{n}").read_text()) for n in range(1, count + 1)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False

"""Commands of the agent and of the person in real bash, zsh and fish."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from pty_workbench import SHELLS, running

from limi_sessions.records.payload import ShellName


@pytest.mark.parametrize("shell", SHELLS)
async def test_commands_give_their_exit_codes_outputs_and_directories(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        assert shared.marks == "osc133"
        assert shared.version
        assert shared.cwd == tmp_path / "work"
        epoch = shared.lease.acquire_agent("test")
        assert (await shared.run_command("true", epoch=epoch)).exit_code == 0
        failed = await shared.run_command("false", epoch=epoch)
        assert (failed.status, failed.exit_code, failed.output) == ("done", 1, "")
        spoken = await shared.run_command("printf '%s\\n' 'ünï $x' ' two  blanks'; printf end", epoch=epoch)
        assert (spoken.exit_code, spoken.output) == (0, "ünï $x\n two  blanks\nend")
        moved = await shared.run_command("mkdir -p 'a b' && cd 'a b'", epoch=epoch)
        assert moved.cwd == str(tmp_path / "work" / "a b")
        assert shared.cwd == tmp_path / "work" / "a b"
        block = await shared.run_command("echo one\necho two # ' comment\nfalse", epoch=epoch)
        assert (block.output, block.exit_code) == ("one\ntwo", 1)
        hard = "printf '%s ' 'tab\there' \"bang! \" '\\n' '$(no)' 'q\"q' '漢字'"
        written = await shared.run_command(hard, epoch=epoch)
        assert written.output == 'tab\there bang!  \\n $(no) q"q 漢字 '
        assert [c.by for c in witness.commands] == ["agent"] * 6
        assert witness.commands[-1].command == hard
        assert not witness.forged


@pytest.mark.parametrize("shell", [p for p in SHELLS if p.values[0] != "fish"])
async def test_a_heredoc_and_history_signs_arrive_as_written(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        text = "line $HOME !! !x\n\ttab `no`\nlast \\ line"
        done = await shared.run_command(f"cat > f.txt <<'EOF'\n{text}\nEOF", epoch=epoch)
        assert (done.status, done.exit_code) == ("done", 0)
        assert (tmp_path / "work" / "f.txt").read_text() == text + "\n"


@pytest.mark.parametrize("shell", SHELLS)
async def test_ctrl_c_ends_a_command_with_130(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        running_command = asyncio.create_task(shared.run_command("sleep 60", epoch=epoch))
        async with asyncio.timeout(10):
            while shared.program != "sleep":
                await asyncio.sleep(0)
        await shared.interrupt()
        outcome = await running_command
        assert (outcome.status, outcome.exit_code) == ("interrupted", 130)


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_command_that_cannot_be_parsed_is_not_typed(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        epoch = shared.lease.acquire_agent("test")
        before = shared.cast_offset
        for broken in ("echo 'open", "for x in 1 2 3", "echo $(", ""):
            outcome = await shared.run_command(broken, epoch=epoch)
            assert (outcome.status, bool(outcome.output), outcome.exit_code) == ("error", True, None)
        escape = await shared.run_command("echo \x1b[201~; true", epoch=epoch)
        assert (escape.status, "U+001B" in escape.output) == ("error", True)
        assert shared.cast_offset == before
        assert not witness.commands


@pytest.mark.parametrize("shell", SHELLS)
async def test_what_the_person_runs_is_told_with_its_text(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, witness):
        typed = "echo 'hi  ünï' \"$HOME\" | tr a-z A-Z; false"
        for line in ("", typed, typed):  # an empty line is no command; a repeated one is one
            for character in line + "\r":
                assert shared.type_human(character.encode()) == "typed"
            if line:
                before = len(witness.commands)
                await witness.until(lambda before=before: len(witness.commands) > before and shared.state == "prompt")
        assert [(c.by, c.command, c.exit_code) for c in witness.commands] == [("human", typed, 1)] * 2
        assert witness.commands[0].output.lower() == f"hi  ünï {tmp_path / 'home'}".lower()
        events = [json.loads(line) for line in _cast(tmp_path)[1:]]
        assert "".join(data for _, code, data in events if code == "i") == "\r" + (typed + "\r") * 2


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_python_prompt_is_driven_by_keys(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        started = await shared.run_command("python3 -q", epoch=epoch, wait_s=20)
        assert (started.status, started.state) == ("needs_input", "repl")
        assert started.screen.endswith(">>>")
        refused = await shared.run_command("echo no", epoch=epoch)
        assert (refused.status, "python3" in refused.output) == ("error", True)
        answered = await shared.send(epoch=epoch, text="6 * 7\n")
        assert "\n42\n" in answered.screen
        assert answered.program.startswith("python")
        ended = await shared.send(epoch=epoch, keys=["c-d"], wait_s=10)
        assert ended.finished is not None
        assert (ended.status, ended.finished.command, ended.finished.exit_code) == ("done", "python3 -q", 0)
        assert "42" in ended.finished.output


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_job_runs_in_the_background(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        compound = "sleep 0.2; echo done > made.txt" if shell != "fish" else "sleep 0.2; echo done >made.txt"
        outcome = await shared.run_command(compound, epoch=epoch, background=True, wait_s=10)
        assert (outcome.status, outcome.state) == ("done", "prompt")
        made = await shared.run_command(
            "while true\n test -s made.txt && break\n sleep 0.05\nend; cat made.txt"
            if shell == "fish"
            else "until test -s made.txt; do sleep 0.05; done; cat made.txt",
            epoch=epoch,
        )
        assert "done" in made.output.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
async def test_five_megabytes_keep_head_tail_and_spool(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        spool = tmp_path / "whole.txt"
        outcome = await shared.run_command("seq 1000000 1700000", epoch=epoch, wait_s=60, spool=spool)
        lines = outcome.output.split("\n")
        assert (outcome.status, outcome.exit_code) == ("done", 0)
        assert (lines[0], lines[-1]) == ("1000000", "1700000")
        assert outcome.truncated_bytes > 1024 * 1024
        assert len(outcome.output) < 3 * 1024 * 1024
        assert outcome.spool == spool
        assert spool.stat().st_mode & 0o777 == 0o600
        # fish sets title and colours after it said that the command began
        printed = spool.read_bytes().decode().replace("\r\n", "\n").rpartition("\x1b[m")[2].removeprefix("\r")
        assert printed == "".join(f"{n}\n" for n in range(1000000, 1700001))
        assert outcome.cast_from is not None and outcome.cast_to is not None
        assert outcome.cast_to - outcome.cast_from >= 700001 * 8


@pytest.mark.parametrize("shell", SHELLS)
async def test_progress_bars_and_full_screens_become_plain_text(tmp_path: Path, shell: ShellName) -> None:
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        bar = await shared.run_command(r"printf ' 10%%\r 50%%\r\033[32m100%%\033[0m\n'", epoch=epoch)
        assert bar.output == "100%"
        full = await shared.run_command(
            r"printf '\033[?1049h\033[2J\033[3;5Hinside\033[?1049l'; echo after", epoch=epoch
        )
        assert full.output.split() == ["inside", "after"]


def _cast(place: Path) -> list[str]:
    return (place / "shell-000.cast").read_text().splitlines()

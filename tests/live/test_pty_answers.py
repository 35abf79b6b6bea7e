"""The terminal answers programs that read the answer, and never types one at the prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from pty_workbench import SHELLS, running

from limi_sessions.records.payload import ShellName

ASK = "echo -en '\\033[6n'; read -sdR place; echo got ${#place}"
"""How scripts ask for the cursor: the question goes out before the terminal is told to hide the answer."""


async def test_a_script_that_asks_before_it_reads_gets_its_answer(tmp_path: Path) -> None:
    async with running(tmp_path, "bash") as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        for command in (ASK, f'bash -c "{ASK.replace("$", chr(92) + "$")}"'):
            outcome = await shared.run_command(command, epoch=epoch)
            assert (outcome.exit_code, outcome.output[:4]) == (0, "got "), outcome
            assert int(outcome.output[4:]) >= 5


@pytest.mark.parametrize("shell", SHELLS)
async def test_questions_in_plain_output_leave_the_prompt_clean(tmp_path: Path, shell: ShellName) -> None:
    questions = tmp_path / "questions"
    questions.write_bytes(b"\x1b[c\x1b[6n\x1b[5n text\n" * 400)
    async with running(tmp_path, shell) as (shared, _):
        epoch = shared.lease.acquire_agent("test")
        for number in range(8):
            assert (await shared.run_command(f"cat {questions}", epoch=epoch)).exit_code == 0
            outcome = await shared.run_command(f"echo clean {number}", epoch=epoch)
            assert (outcome.exit_code, outcome.output) == (0, f"clean {number}")

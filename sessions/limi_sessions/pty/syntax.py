"""Whether a command is whole and well-formed, asked of the shell itself before anything is typed.

Unfinished input would leave the shared shell at a continuation prompt. Runs the shell with its "read, do not execute"
option.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping

from limi_sessions.records.payload import ShellName

_OPTIONS: dict[ShellName, tuple[str, ...]] = {
    "bash": ("--norc", "-O", "extglob", "-n"),
    "zsh": ("-f", "-n", "-o", "interactive_comments", "-o", "extended_glob"),
    "fish": ("--no-config", "--no-execute"),
}
_TIMEOUT_S = 5.0
_HEREDOC = re.compile(r"<<-?\s*(?![<(])([\"']?)\\?([A-Za-z_][\w.-]*)\1")
_ERROR_MAX = 2000


async def syntax_problem(command: str, shell: ShellName, program: str, environment: Mapping[str, str]) -> str | None:
    """The shell's message about a command that it cannot parse; None when it can, or cannot be asked."""
    try:
        process = await asyncio.create_subprocess_exec(
            program, *_OPTIONS[shell],
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            env=dict(environment), start_new_session=True,
        )  # fmt: skip
    except OSError:
        return None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            # With a last newline zsh takes an unfinished `for` for a whole one; without, bash warns of a heredoc.
            end = "" if shell == "zsh" else "\n"
            _, said = await process.communicate((command + end).encode("utf-8", "replace"))
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    message = said.decode("utf-8", "replace").strip()[:_ERROR_MAX]
    if process.returncode:
        return message or f"{shell} cannot parse the command"
    if "here-document" in message:
        return message
    return _open_heredoc(command) if shell == "zsh" else None


def _open_heredoc(command: str) -> str | None:
    """What is missing; zsh itself takes the end of its input for the end of a heredoc."""
    lines = command.split("\n")
    for number, line in enumerate(lines):
        for found in _HEREDOC.finditer(line):
            if not any(later.strip() == found.group(2) for later in lines[number + 1 :]) and "#" not in line:
                return f"zsh: the here-document at line {number + 1} has no end (wanted `{found.group(2)}')"
    return None

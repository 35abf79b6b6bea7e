"""Each shell that is installed, really started and asked to run a command through the hooks of the shared shell."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import get_args

from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.errors import ShellError
from limi_sessions.pty.shell import CommandOutcome, SharedShell, ShellConfig
from limi_sessions.pty.unheard import Unheard
from limi_sessions.records.payload import ShellName
from limi_tui.verbs.doctor.finding import Finding

_SECONDS = 5.0
"""For the start of a shell, and again for one command in it."""


def examine_shells() -> list[Finding]:
    """Every shell that limi can share; a problem only where none works."""
    return asyncio.run(_examine())


async def _examine() -> list[Finding]:
    names: tuple[ShellName, ...] = get_args(ShellName)
    findings = list(await asyncio.gather(*(_examine_shell(name) for name in names)))
    if not any(finding.verdict == "ok" for finding in findings):
        findings.append(Finding("shells", "problem", "no shell can be shared", "install bash"))
    return findings


async def _examine_shell(name: ShellName) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name, "warning", "not installed", f"apt install {name}, or brew install {name}, if you want it")
    with tempfile.TemporaryDirectory(prefix="limi-doctor-") as scratch:
        try:
            return await _try(name, path, Path(scratch))
        except TimeoutError:
            text = f"{path} did not answer within {_SECONDS:.0f} s"
            return Finding(name, "warning", text, f"look at what your start-up files of {name} wait for")
        except (ShellError, OSError) as error:
            return Finding(name, "warning", f"{path} cannot be shared: {error}", "choose another with --shell")


async def _try(name: ShellName, path: str, scratch: Path) -> Finding:
    config = ShellConfig(
        shell=name,
        cwd=scratch,
        cast_path=scratch / "shell.cast",
        home=scratch / "shell",
        environment=shell_environment(os.environ),
        start_timeout_s=_SECONDS,
    )
    shell = await SharedShell.start(config, Unheard())
    try:
        async with asyncio.timeout(_SECONDS):
            epoch = shell.lease.acquire_agent("limi doctor")
            outcome = await shell.run_command("true", epoch=epoch, wait_s=_SECONDS)
        return _verdict(shell, path, outcome, name=name)
    finally:
        await shell.close()


def _verdict(shell: SharedShell, path: str, outcome: CommandOutcome, *, name: ShellName) -> Finding:
    text = f"{shell.version} ({path})"
    if outcome.exit_code != 0 or outcome.status != "done":
        answer = f"`true` ended as {outcome.status} with exit {outcome.exit_code}"
        return Finding(name, "warning", f"{text}: {answer}", f"look at your start-up files of {name}")
    if shell.marks == "plain":
        fix = f"exit codes are still right; look at what your start-up files of {name} do to the prompt"
        return Finding(name, "warning", f"{text}: works without its hooks", fix)
    return Finding(name, "ok", f"{text}, hooks work")

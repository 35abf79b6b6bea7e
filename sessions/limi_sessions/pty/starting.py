"""How a shared shell comes up: found, hooked, spawned, and at its first prompt, or without its hooks."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil

from limi_sessions.pty.core import ShellCore
from limi_sessions.pty.errors import ShellMissing, ShellStartFailed
from limi_sessions.pty.hooks import HookedStart, hooked_start
from limi_sessions.pty.process import PtyChild
from limi_sessions.pty.values import ShellConfig, ShellListener
from limi_sessions.pty.waiting import WAITING
from limi_sessions.terminal.engine import TermEngine

_ASKS_S = 1.5
"""A start-up file that has waited for keys this long will not go on by itself: the person must see the pane."""


async def spawned(
    config: ShellConfig, listener: ShellListener, engine: TermEngine | None
) -> tuple[ShellCore, HookedStart]:
    """A shell that has just been spawned.

    Raises:
        ShellMissing: the shell is not installed.
        ShellStartFailed: it could not be spawned.
    """
    program = shutil.which(config.shell, path=config.environment.get("PATH"))
    if program is None:
        raise ShellMissing(f"{config.shell} is not installed (not found on PATH). Install it or choose another shell.")
    if engine is None:
        from limi_sessions.terminal import open_engine

        # The first engine of a process is loaded and tested, which takes a while.
        engine = await asyncio.to_thread(open_engine, config.cols, config.rows)
    nonce = secrets.token_hex(16)
    try:
        hooked = await asyncio.to_thread(
            hooked_start, config.shell, program, nonce=nonce, home=config.home, environment=config.environment
        )
        # A sandbox looks at many places to say what it shows of them.
        argv = await asyncio.to_thread(config.wrap, hooked.argv) if config.wrap else hooked.argv
        core = ShellCore(config, listener, engine=engine, nonce=nonce, program=program)
    except FileExistsError as error:
        raise ShellStartFailed(f"the recording {config.cast_path} exists already") from error
    except OSError as error:
        raise ShellStartFailed(f"cannot write the shell's start-up files in {config.home}: {error}") from error
    try:
        child = await asyncio.to_thread(
            PtyChild.spawn, argv, cwd=config.cwd, environment=hooked.environment, cols=config.cols, rows=config.rows,
            wrapped=config.wrap is not None, most_processes=config.most_processes,
        )  # fmt: skip
    except ShellStartFailed:
        await asyncio.to_thread(core.cast.close)
        raise
    core.attach(child)
    return core, hooked


async def first_prompt(core: ShellCore, hooked: HookedStart) -> None:
    """Wait for the hooks; without them, go on without.

    Raises:
        ShellStartFailed: the shell ended.
    """

    def spoke() -> None:
        core.hooks_spoke = lambda: None
        core.marks = "osc133"
        core.tracker.plain = False
        core.watcher.know_shell()
        with contextlib.suppress(OSError):
            hooked.remove_secrets()

    core.hooks_spoke = spoke
    deadline = core.loop.time() + core.config.start_timeout_s
    while core.state != "prompt":
        if core.lost:
            raise ShellStartFailed(f"{core.config.shell} ended while it started: {core.screen()[-500:]}")
        asks = core.state in WAITING and core.watcher.unchanged_s >= _ASKS_S
        if (left := deadline - core.loop.time()) <= 0 or asks:
            core.marks = "plain"
            core.tracker.plain = True
            core.scanner.plain = True
            core.watcher.know_shell()
            return
        await core.bell.wait(min(left, 0.25))

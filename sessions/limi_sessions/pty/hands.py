"""The agent's hands on the shared shell: run a command, type keys, read the screen, wait.

Every call wakes by events; only what the kernel cannot announce (a program began to wait for keys) is looked at by
the watcher.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from limi_sessions.pty.commandevents import RawFinished
from limi_sessions.pty.errors import LeaseLost
from limi_sessions.pty.lines import KEYS, background_form, one_line, refusal, sentinel_line, spelled
from limi_sessions.pty.outbound import Unit
from limi_sessions.pty.proctable import program_name
from limi_sessions.pty.syntax import syntax_problem
from limi_sessions.pty.values import CommandOutcome, ScreenReading, lost_outcome, tool_status, with_reason
from limi_sessions.pty.waiting import WAITING

if TYPE_CHECKING:
    from limi_sessions.pty.core import ShellCore
    from limi_sessions.pty.values import FinishedCommand, Until

LINE_WAIT_S = 0.4
"""A program that reads a line for this long, and prints nothing, waits for us."""
KEY_WAIT_S = 0.7
"""The same for one that reads keys: it may be working as well."""
QUIET_S = 0.12
"""After keys: the program has answered when it has been quiet for this long and waits."""
UNBEGUN_S = 3.0
"""A typed line that has not begun by then stands at a continuation prompt, or in the hands of something else."""
UNREAD_S = 0.3
"""After Ctrl-C: when nothing has happened by then, the foreground job is signalled."""


class AgentHands:
    """One caller at a time, as the lease has it."""

    def __init__(self, core: ShellCore) -> None:
        self._core = core
        self._interrupts = 0

    async def run_command(
        self, command: str, *, epoch: int, wait_s: float, background: bool, spool: Path | None
    ) -> CommandOutcome:
        """See `SharedShell.run_command`."""
        core = self._core
        if core.lost:
            return lost_outcome(core.lost_because, cwd=core.tracker.cwd)
        core.lease.check(epoch)
        interrupts = self._interrupts
        command = command.replace("\r\n", "\n").strip("\n")
        if problem := refusal(command) or await self._syntax(command):
            return CommandOutcome(status="error", output=problem, cwd=core.tracker.cwd)
        await self._start_up(epoch, wait_s)
        why = "it was interrupted before" if self._interrupts != interrupts else self._in_the_way()
        if why:
            return CommandOutcome(
                status="error",
                output=f"nothing was typed: {why}",
                screen=core.screen(),
                state=core.state,
                cwd=core.tracker.cwd,
            )
        typed = background_form(command, core.config.shell) if background else command
        with core.lease.agent(epoch):
            core.finisher.last_agent = None
            core.finisher.owed = None
            serial = core.tracker.expect(typed, spool=spool, cast_offset=core.cast.offset)
            line = Unit(self._line(typed), "agent", epoch, typed=lambda: core.tracker.typed(serial))
            core.outbound.put(line)
        core.finisher.awaited.add(serial)
        try:
            return await self._outcome(serial, epoch=epoch, wait_s=wait_s)
        except BaseException:
            # A line that is typed whole begins even now, and it is the agent's, whoever holds the lease by then.
            core.tracker.withdraw(serial, if_typed=False)
            raise
        finally:
            core.finisher.awaited.discard(serial)
            core.finisher.ended.pop(serial, None)

    async def _start_up(self, epoch: int, wait_s: float) -> None:
        """Wait for a first prompt that start-up files still hold back."""
        core, interrupts, deadline = self._core, self._interrupts, time.monotonic() + wait_s
        while core.tracker.phase == "starting" and core.state in ("starting", "running"):
            if self._interrupts != interrupts or not await core.bell.wait(deadline - time.monotonic()):
                break
            core.lease.check(epoch)

    def _in_the_way(self) -> str | None:
        """Why a command cannot be typed now."""
        core, state = self._core, self._core.state
        program = core.tracker.command or core.watcher.program or "a program"
        if core.tracker.phase == "starting" and state == "running":
            return f"the start-up files of {core.config.shell} still run ({program})"
        if state != "prompt":
            return f"{program} has the terminal ({state})"
        why = core.agent_line.blocker
        return f"{why}; finish it or send the key c-c" if why else None

    async def send(self, *, epoch: int, text: str, keys: Sequence[str], wait_s: float) -> ScreenReading:
        """See `SharedShell.send`."""
        core = self._core
        if unknown := [key for key in keys if key not in KEYS and len(key) != 1]:
            raise ValueError(
                f"unknown keys {', '.join(unknown)}; known are single characters and {', '.join(sorted(KEYS))}"
            )
        if core.lost:
            return self._reading(met=False)
        core.lease.check(epoch)
        # Ctrl-C alone is no secret: without it nobody could end the question in a run without a person.
        if core.state == "needs_password" and (text or list(keys) != ["c-c"]):
            core.watcher.look_now()
            return self._reading(met=False)
        payload = spelled(text) + self._keys(keys)
        since, offset = time.monotonic(), core.cast.offset
        with core.lease.agent(epoch):
            core.finisher.last_agent = None
            if core.tracker.phase == "prompt":
                self._type_at_prompt(text, keys)
            if payload:
                core.outbound.put(Unit(payload, "agent", epoch))
        if "c-c" in keys:
            core.tracker.interrupt()
        core.watcher.look_soon()
        met = await self._answered(since, since + wait_s, epoch=epoch)
        return self._reading(met=met, cast_from=offset)

    async def wait_until(self, until: Until, *, text: str | None, idle_s: float, timeout_s: float) -> ScreenReading:
        """See `SharedShell.wait_until`."""
        core = self._core
        if until == "text" and not text:
            raise ValueError("wait_until('text') needs the text to wait for")
        offset = core.cast.offset
        started = time.monotonic()
        while True:
            now = time.monotonic()
            quiet = now - max(started, core.stream.last_output)
            if core.lost or self._has_come(until, text or "", quiet >= idle_s):
                return self._reading(met=not core.lost or until == "exit", cast_from=offset)
            left = started + timeout_s - now
            if left <= 0:
                return self._reading(met=False, cast_from=offset)
            await core.bell.wait(min(left, idle_s - quiet) if until == "idle" else left)

    def read(self, lines: int) -> ScreenReading:
        """See `SharedShell.read_screen`."""
        core = self._core
        with core.engine_lock:
            engine = core.engine
            shown = "\n".join(engine.text()).rstrip().split("\n")
            if (more := lines - len(shown)) > 0 and not engine.modes.alternate_screen:
                top = engine.total_rows - engine.rows
                shown = engine.history_text(max(0, top - more), top) + shown
        return self._reading(screen="\n".join(shown[-max(1, lines) :]))

    async def interrupt(self) -> None:
        """See `SharedShell.interrupt`."""
        core = self._core
        since = core.stream.last_output
        deadline = time.monotonic() + UNREAD_S
        self._interrupts += 1
        core.interrupt()
        while core.tracker.runs and core.stream.last_output == since and not core.lost:
            if (left := deadline - time.monotonic()) <= 0:
                # The child reads nothing, so the key may not have reached the terminal's line discipline. The shell
                # itself gets no second signal: it would lose the hooks that it is about to run.
                core.child.signal_foreground(signal.SIGINT)
                return
            await core.bell.wait(left)

    async def _syntax(self, command: str) -> str | None:
        core = self._core
        return await syntax_problem(command, core.config.shell, core.program, core.config.environment)

    def _line(self, command: str) -> bytes:
        core = self._core
        if core.tracker.plain:
            line = sentinel_line(command, core.nonce, program_name(core.child.shell))
            return line.replace("\n", "\r").encode("utf-8", "replace") + b"\r"
        # fish drops tabs from what is pasted.
        if core.config.shell != "fish" or "\t" not in command:
            with core.engine_lock:
                if core.engine.modes.bracketed_paste:
                    return core.engine.encode_paste(command) + b"\r"
        return one_line(command, core.config.shell).encode("utf-8", "replace") + b"\r"

    def _type_at_prompt(self, text: str, keys: Sequence[str]) -> None:
        line = self._core.agent_line
        if text:
            line.typed(spelled(text))
        for key in keys:
            line.typed({"enter": b"\r", "c-c": b"\x03", "c-u": b"\x15", "backspace": b"\x7f"}.get(key, b"\x1b"))

    def _keys(self, keys: Sequence[str]) -> bytes:
        with self._core.engine_lock:
            return b"".join(self._core.engine.encode_key(key, text=key if len(key) == 1 else None) for key in keys)

    async def _outcome(self, serial: int, *, epoch: int, wait_s: float) -> CommandOutcome:
        core = self._core
        started = time.monotonic()
        while True:
            if (ended := core.finisher.ended.pop(serial, None)) is not None:
                return self._finished(*ended)
            if not core.lease.holds(epoch) and core.state != "needs_password":
                raise LeaseLost(core.lease.lost_because())
            now = time.monotonic()
            if core.tracker.expects and now - started > UNBEGUN_S and core.tracker.withdraw(serial):
                core.interrupt()
                return await self._unfinished(serial, started, status_error=True)
            left = started + wait_s - now
            if left <= 0 or self._waits_for_keys():
                return await self._unfinished(serial, started)
            await core.bell.wait(min(left, 0.25 if now - started > LINE_WAIT_S else LINE_WAIT_S))

    def _waits_for_keys(self) -> bool:
        core = self._core
        if core.tracker.expects or core.tracker.plain or (state := core.state) not in WAITING:
            return False
        patience = LINE_WAIT_S if state in ("needs_input", "needs_password") else KEY_WAIT_S
        return min(core.watcher.unchanged_s, time.monotonic() - core.stream.last_output) >= patience

    def _finished(self, raw: RawFinished, finished: FinishedCommand) -> CommandOutcome:
        core = self._core
        core.finisher.last_agent = None
        if raw.lost:
            status = "shell_lost"
        else:
            status = "interrupted" if finished.interrupted and finished.exit_code in (130, None) else "done"
        return CommandOutcome(
            status=status, output=with_reason(finished.output, core.lost_because), exit_code=finished.exit_code,
            cwd=finished.cwd, duration_s=finished.duration_s, cast_from=finished.cast_from, cast_to=finished.cast_to,
            state=core.state, output_bytes=finished.output_bytes, truncated_bytes=finished.truncated_bytes,
            spool=raw.spool,
        )  # fmt: skip

    async def _unfinished(self, serial: int, started: float, *, status_error: bool = False) -> CommandOutcome:
        core = self._core
        if not status_error:
            core.finisher.owed = serial
        state = core.state
        printed = core.tracker.so_far(serial)
        output = await core.finisher.text(printed)
        if status_error:
            output = "the shell did not run the line: it wanted more input, or something else read it; Ctrl-C was sent"
        return CommandOutcome(
            status="error" if status_error else "running" if state == "prompt" else tool_status(state),
            output=output, cwd=core.tracker.cwd, duration_s=time.monotonic() - started, screen=core.screen(),
            state=state, output_bytes=printed.size, truncated_bytes=printed.omitted,
        )  # fmt: skip

    async def _answered(self, since: float, deadline: float, *, epoch: int) -> bool:
        """Wait until the program has taken the keys and waits again; False when the time was up."""
        core = self._core
        while True:
            now = time.monotonic()
            if core.lost or core.finisher.last_agent is not None:
                return True
            if not core.lease.holds(epoch) and core.state != "needs_password":
                raise LeaseLost(core.lease.lost_because())
            quiet = now - max(since, core.stream.last_output)
            if quiet >= QUIET_S and core.stream.last_output > since and (core.state in WAITING or self._at_prompt()):
                return True
            if now >= deadline:
                return core.state != "running"
            await core.bell.wait(min(deadline - now, max(0.02, QUIET_S - quiet)))

    def _at_prompt(self) -> bool:
        """The prompt is there, and what the command before it printed is ready to be told."""
        return self._core.state == "prompt" and self._core.finisher.owed is None

    def _has_come(self, until: Until, text: str, quiet: bool) -> bool:
        match until:
            case "prompt":
                return self._at_prompt()
            case "exit":
                return self._core.finisher.last_agent is not None or self._at_prompt()
            case "text":
                return text in self._core.screen()
            case "idle":
                return quiet

    def _reading(self, *, met: bool = True, screen: str | None = None, cast_from: int | None = None) -> ScreenReading:
        core = self._core
        state = core.state
        finished, core.finisher.last_agent = core.finisher.last_agent, None
        shown = with_reason(core.screen() if screen is None else screen, core.lost_because)
        return ScreenReading(
            screen=shown, state=state, status=tool_status(state), program=core.watcher.program, cwd=core.tracker.cwd,
            met=met, finished=finished, cast_from=cast_from, cast_to=core.cast.offset,
        )  # fmt: skip

"""run_shell_command, terminal_send, terminal_read and terminal_wait: the agent's hands on the shared shell.

Knows nothing of ptys: `SharedShell` types, waits and reads; here stand schemas and how the outcome reads to a model.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, cast

from limi_sessions.paths import private_directory
from limi_sessions.pty.errors import LeaseLost, LeaseRefused, ShellError
from limi_sessions.records.message import ToolSchema
from limi_sessions.records.payload import ToolStatus
from limi_sessions.records.value import JsonObject
from limi_sessions.records.visible import suspicious_characters
from limi_sessions.tools.arguments import flag_of, number_of, text_of, texts_of
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.schema import array, choice, flag, integer, number, object_schema, string
from limi_sessions.tools.tool import Effect, Preview, ToolContext, ToolResult

if TYPE_CHECKING:
    from limi_sessions.pty.values import CommandOutcome, ScreenReading, Until

KEYS = (
    *("enter", "tab", "escape", "backspace", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *(f"c-{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
    *(f"f{number}" for number in range(1, 13)),
)
"""Key names, as in prompt_toolkit."""
_LONGEST_WAIT_S = 600.0
_LONGEST_INPUT = 100_000
_GONE = "the shell is gone; a new one starts before your next call, without the old one's variables and jobs"
_BUSY = "terminal_send types into the program that has the terminal, keys ['c-c'] interrupt it"
_ADVICE: dict[ToolStatus, str] = {
    "running": "it goes on running: terminal_wait waits for it, terminal_read shows the screen, terminal_send types",
    "needs_input": "it waits for input: answer with terminal_send",
    "needs_password": "it waits for a password: the expert types it, you cannot; terminal_wait waits for it",
    "shell_lost": _GONE,
}


class RunShellCommand:
    """Run a command in the shared shell."""

    effect: Effect = "commands"
    schema = ToolSchema(
        name="run_shell_command",
        description=(
            "Run a command in the shell that you share with the expert: its directory, variables and jobs persist. "
            "Returns what it printed and its exit code. A command that still runs or wants input after wait_s is not "
            "stopped: you get its screen and go on with terminal_wait, terminal_send and terminal_read."
        ),
        parameters=object_schema(
            {
                "command": string("The command line or script, exactly as typed.", shortest=1, longest=_LONGEST_INPUT),
                "description": string("What it does and why, in one line for the expert.", longest=1000),
                "wait_s": number("Seconds to wait for its end.", low=0, high=_LONGEST_WAIT_S, default=30),
                "is_background": flag("Start it as a background job and return."),
            },
            required=("command",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The exact command."""
        command = text_of(arguments, "command")
        why = text_of(arguments, "description", "")
        title = "run in the background" if flag_of(arguments, "is_background") else "run in the shell"
        return Preview(
            title=f"{title}: {why}" if why else title,
            body=command,
            form="command",
            suspicious=suspicious_characters(command),
        )

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """What the command printed, or the screen when it goes on."""
        command = text_of(arguments, "command")
        if not command.strip():
            raise ToolRefused("command is empty")
        _refuse_half_pairs(command, "command")
        shell = context.shell
        if shell is None:
            return _lost()
        spool = private_directory(context.artifacts) / f".{secrets.token_hex(8)}.spool"
        whole: Path | None = None
        try:
            outcome = await shell.run_command(
                command,
                epoch=context.lease_epoch(),
                wait_s=number_of(arguments, "wait_s", 30),
                background=flag_of(arguments, "is_background"),
                spool=spool,
            )
            whole = outcome.spool
        except ShellError as error:
            return _stopped(error)
        finally:
            if whole is None:
                spool.unlink(missing_ok=True)
        return _command_result(outcome)


class TerminalSend:
    """Type into whatever runs in the shared shell."""

    effect: Effect = "commands"
    schema = ToolSchema(
        name="terminal_send",
        description=(
            "Type into the program that runs in the shared shell: first text, then keys. Text is typed as it is, "
            "without Enter: end with keys ['enter'] to send a line, ['c-c'] interrupts. Returns the screen."
        ),
        parameters=object_schema(
            {
                "text": string("Text to type.", longest=_LONGEST_INPUT),
                "keys": array("Keys to press after the text, in order.", choice("A key.", *KEYS), most=100),
                "wait_s": number("Seconds to let the program react.", low=0, high=_LONGEST_WAIT_S, default=2),
            }
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The exact text and the keys."""
        text, keys = text_of(arguments, "text", ""), texts_of(arguments, "keys")
        body = "\n".join([*([text] if text else []), *([f"keys: {' '.join(keys)}"] if keys else [])])
        return Preview(
            title="type into the terminal", body=body, form="command", suspicious=suspicious_characters(text)
        )

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The screen after typing."""
        text, keys = text_of(arguments, "text", ""), texts_of(arguments, "keys")
        if not text and not keys:
            raise ToolRefused("give text, keys or both")
        _refuse_half_pairs(text, "text")
        shell = context.shell
        if shell is None:
            return _lost()
        try:
            reading = await shell.send(
                epoch=context.lease_epoch(), text=text, keys=keys, wait_s=number_of(arguments, "wait_s", 2)
            )
        except ShellError as error:
            return _stopped(error)
        return _screen_result(reading)


class TerminalRead:
    """Read the screen of the shared shell."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="terminal_read",
        description="Read the last lines of the shared shell's screen and scrollback, as plain text.",
        parameters=object_schema({"lines": integer("How many lines.", low=1, high=2000, default=40)}),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """How many lines."""
        return Preview(title="read the screen", body=f"{number_of(arguments, 'lines', 40):g} lines", form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The lines."""
        shell = context.shell
        if shell is None:
            return _lost()
        return _screen_result(await shell.read_screen(int(number_of(arguments, "lines", 40))))


class TerminalWait:
    """Wait for something to happen in the shared shell."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="terminal_wait",
        description=(
            "Wait until the shared shell shows its prompt, until the screen holds a text, until nothing was printed "
            "for idle_s, or until the running program exits; at most timeout_s. Returns the screen."
        ),
        parameters=object_schema(
            {
                "until": choice("What to wait for.", "prompt", "text", "idle", "exit"),
                "text": string("With until=text: the text.", shortest=1, longest=1000),
                "idle_s": number("With until=idle: seconds of silence.", low=0.1, high=60, default=1),
                "timeout_s": number("Longest wait in seconds.", low=0, high=_LONGEST_WAIT_S, default=30),
            },
            required=("until",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """What is waited for."""
        body = f"until {text_of(arguments, 'until')} {text_of(arguments, 'text', '')}".rstrip()
        return Preview(title="wait for the terminal", body=body, form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The screen when it happened, or at the end of the wait."""
        until = text_of(arguments, "until")
        text = text_of(arguments, "text", "") or None
        if until == "text" and text is None:
            raise ToolRefused("until=text needs text")
        shell = context.shell
        if shell is None:
            return _lost()
        reading = await shell.wait_until(
            cast("Until", until),
            text=text,
            idle_s=number_of(arguments, "idle_s", 1),
            timeout_s=number_of(arguments, "timeout_s", 30),
        )
        return _screen_result(reading, note="" if reading.met else f"[not yet: {until}; the time was up]\n")


def _command_result(outcome: CommandOutcome) -> ToolResult:
    ended = outcome.status in {"done", "interrupted"}
    text = outcome.output if ended else _with_advice(_so_far(outcome), outcome.status)
    if outcome.status == "error" and outcome.screen:
        text += f"\n[{_BUSY}]"
    return ToolResult(
        status=outcome.status,
        text=text,
        exit_code=outcome.exit_code,
        cwd=outcome.cwd,
        duration_s=outcome.duration_s,
        truncated_chars=outcome.truncated_bytes,
        cast_from=outcome.cast_from,
        cast_to=outcome.cast_to,
        is_command=ended,
        whole=outcome.spool,
    )


def _so_far(outcome: CommandOutcome) -> str:
    """What a command that goes on printed, then the screen where it shows more than that."""
    output, screen = outcome.output.strip("\n"), outcome.screen.rstrip()
    if not screen or output.endswith(screen):
        return output
    return screen if output in screen else f"{output}\n--- screen ---\n{screen}"


def _screen_result(reading: ScreenReading, *, note: str = "") -> ToolResult:
    """The screen, or the whole output of a command that ended meanwhile and printed more than the screen holds."""
    ended = reading.finished
    text, truncated = reading.screen, 0
    if ended is not None and ended.output.count("\n") > reading.screen.count("\n"):
        text, truncated = ended.output, ended.truncated_bytes
    return ToolResult(
        status=reading.status,
        text=note + _with_advice(text, reading.status),
        exit_code=None if ended is None else ended.exit_code,
        cwd=reading.cwd,
        truncated_chars=truncated,
        cast_from=reading.cast_from,
        cast_to=reading.cast_to,
        is_command=ended is not None,
    )


def _with_advice(text: str, status: ToolStatus) -> str:
    advice = _ADVICE.get(status)
    if advice is None:
        return text
    return f"{text.rstrip(chr(10))}\n[{advice}]" if text.strip() else f"[{advice}]"


def _stopped(error: ShellError) -> ToolResult:
    """How a call reads that could not type."""
    if isinstance(error, LeaseLost):
        return ToolResult(status="taken_over", text=f"{error}; what was typed before goes on")
    if isinstance(error, LeaseRefused):
        return ToolResult(status="taken_over", text=f"nothing was typed: {error}")
    return ToolResult(status="shell_lost", text=f"{error}\n[{_GONE}]")


def _lost() -> ToolResult:
    return ToolResult(status="shell_lost", text=f"[{_GONE}]")


def _refuse_half_pairs(text: str, name: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ToolRefused(f"{name} holds half of a surrogate pair at character {error.start + 1}") from error

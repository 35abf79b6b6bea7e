"""The tools of a session: offered, checked, previewed, run. Whatever a model asks for, an answer comes back.

Knows nothing of who approves and of where results are recorded.
"""

from __future__ import annotations

import asyncio
import dataclasses
import difflib
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from limi_sessions.records.message import ToolCall, ToolSchema
from limi_sessions.records.payload import ProfileName
from limi_sessions.records.value import JsonObject
from limi_sessions.records.visible import visible_text
from limi_sessions.tools.arguments import ArgumentsUnreadable, parsed_arguments, problems_of
from limi_sessions.tools.asking import AskUser, TodoWrite
from limi_sessions.tools.reading import ListDirectory, ReadFile, ReadManyFiles
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.result import capped, encodable, render, status_line
from limi_sessions.tools.searching import Glob, SearchFileContent
from limi_sessions.tools.shell import RunShellCommand, TerminalRead, TerminalSend, TerminalWait
from limi_sessions.tools.tool import Effect, Preview, Tool, ToolContext, ToolResult
from limi_sessions.tools.writing import Replace, WriteFile

__all__ = ["CheckedCall", "Toolbox", "render", "status_line", "tool_set_sha256"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CheckedCall:
    """A call whose arguments were read and checked."""

    call: ToolCall
    tool: Tool | None
    """None when there is a problem."""
    arguments: JsonObject
    """Empty when there is a problem."""
    problem: str = ""
    """Why the call cannot run, for the model; empty when it can."""

    @property
    def effect(self) -> Effect:
        """What it may change; nothing when it cannot run."""
        return "none" if self.tool is None else self.tool.effect

    @property
    def needs_approval(self) -> bool:
        """Whether mode ``ask`` asks before it runs."""
        return self.effect != "none"


class Toolbox:
    """The tools of one profile."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.schema.name: tool for tool in tools}
        self.schemas: tuple[ToolSchema, ...] = tuple(tool.schema for tool in tools)
        self.sha256 = tool_set_sha256(self.schemas)

    @classmethod
    def for_profile(cls, profile: ProfileName) -> Toolbox:
        """``limi``: all tools; ``bash-only``: run_shell_command; ``none``: no tools."""
        match profile:
            case "limi":
                return cls(_all_tools())
            case "bash-only":
                return cls([RunShellCommand()])
            case "none":
                return cls([])
            case _:
                assert_never(profile)

    def check(self, call: ToolCall) -> CheckedCall:
        """The call with its arguments read and checked; what is wrong with it is in ``problem``, never raised."""
        tool = self._tools.get(call.name)
        if tool is None:
            return CheckedCall(call=call, tool=None, arguments={}, problem=self._unknown(call.name))
        try:
            arguments = parsed_arguments(call.arguments)
        except ArgumentsUnreadable as error:
            return CheckedCall(call=call, tool=None, arguments={}, problem=f"{call.name}: {error}")
        if problem := problems_of(arguments, tool.schema.parameters):
            return CheckedCall(call=call, tool=None, arguments={}, problem=f"{call.name}: {problem}")
        return CheckedCall(call=call, tool=tool, arguments=arguments)

    async def preview(self, checked: CheckedCall, context: ToolContext) -> Preview:
        """What a person approves, hidden characters drawn; a call that would fail shows why."""
        if checked.tool is None:
            shown = Preview(title=f"{checked.call.name}: cannot run", body=checked.problem, form="text")
        else:
            try:
                shown = await asyncio.to_thread(checked.tool.preview, checked.arguments, context)
            except (ToolRefused, OSError) as error:
                shown = Preview(title=f"{checked.call.name}: would fail", body=_message(error), form="text")
        return dataclasses.replace(shown, title=visible_text(shown.title, keep=""), body=visible_text(shown.body))

    async def run(self, checked: CheckedCall, context: ToolContext) -> ToolResult:
        """Run a call; whatever goes wrong is a result of status ``error``. Only cancellation is raised."""
        began = context.clock()
        result = await self._run(checked, context)
        if not result.duration_s:
            result = dataclasses.replace(result, duration_s=context.clock() - began)
        kept = await asyncio.to_thread(capped, result, context)
        return dataclasses.replace(kept, text=encodable(kept.text), cwd=kept.cwd and encodable(kept.cwd))

    async def _run(self, checked: CheckedCall, context: ToolContext) -> ToolResult:
        if checked.tool is None:
            return ToolResult(status="error", text=checked.problem)
        try:
            return await checked.tool.run(checked.arguments, context)
        except (ToolRefused, OSError) as error:
            return ToolResult(status="error", text=_message(error))
        except Exception as error:  # noqa: BLE001 - the boundary to a call: a defect of one tool must not end a session
            _LOG.exception("tool %s failed", checked.call.name)
            return ToolResult(status="error", text=f"{checked.call.name} failed: {type(error).__name__}: {error}")

    def _unknown(self, name: str) -> str:
        if not self._tools:
            return f"unknown tool {name[:80]!r}; this session has no tools"
        close = difflib.get_close_matches(name, self._tools, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"unknown tool {name[:80]!r}; {hint}The tools are: {', '.join(self._tools)}"


def tool_set_sha256(schemas: Sequence[ToolSchema]) -> str:
    """The hash by which a sample names its tool set: SHA-256 of the schemas as JSON.

    The list keeps its order, keys are sorted, nothing is spaced, and what is not ASCII is escaped.
    """
    plain = [schema.model_dump(mode="json") for schema in schemas]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _all_tools() -> list[Tool]:
    return [
        RunShellCommand(),
        TerminalSend(),
        TerminalRead(),
        TerminalWait(),
        ReadFile(),
        ReadManyFiles(),
        WriteFile(),
        Replace(),
        Glob(),
        SearchFileContent(),
        ListDirectory(),
        TodoWrite(),
        AskUser(),
    ]


def _message(error: ToolRefused | OSError) -> str:
    if isinstance(error, OSError):
        named = f": {error.filename}" if error.filename is not None else ""
        return f"{error.strerror or error}{named}"
    return str(error)

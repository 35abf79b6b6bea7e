"""What the expert accepted for the rest of the session.

A command is covered when it is the same bytes, typed in the same directory of the same shell, while the files that it
names hold what they held; nothing is forgotten but what it leaves behind in the shell. A file is covered by its path:
every further change of it. Nothing is kept beyond the session's process.

None of this is a boundary. It saves the expert from being asked the same thing twice. What a program does depends on
more than its words and the files they name, and whoever may run commands may change that unseen; the sandbox is what
holds. So whatever is doubtful is asked about again.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from limi_sessions.approval.fingerprints import FileTooLarge, Fingerprint, files_in, fingerprint_of
from limi_sessions.approval.simple import keeps_meanings, not_simple, words_of
from limi_sessions.tools.arguments import flag_of, text_of
from limi_sessions.tools.pathpolicy import Workspace
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.tool import ToolContext
from limi_sessions.tools.toolbox import CheckedCall

if TYPE_CHECKING:
    from limi_sessions.pty.shell import SharedShell

_COPIERS = frozenset("cp mv ln install tee touch dd rsync curl wget".split())
"""Programs whose arguments name files that they make."""
_PART = re.compile(r"[\s;&|<>'\"=:,(){}]+")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class CommandRule:
    """A command that was accepted for the session."""

    command: str
    background: bool
    cwd: str
    shell_pid: int
    files: Fingerprint

    @property
    def program(self) -> str:
        """Name of the program, without its directory."""
        return PurePath(words_of(self.command)[0]).name

    @property
    def words(self) -> str:
        """What it covers, for a person."""
        named = [path.removeprefix(f"{self.cwd}/") for path in files_in(self.files)]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        unchanged = f", while unchanged: {', '.join(named[:_MOST_NAMED])}{more}" if named else ""
        return f"exactly this command in {self.cwd}{unchanged}"


@dataclass(frozen=True, slots=True)
class FileRule:
    """A file whose changes were accepted for the session."""

    path: str
    """Relative to the workspace."""
    real: str
    """Where it is once links are resolved."""

    @property
    def words(self) -> str:
        """What it covers, for a person."""
        return f"every change of {self.path} by write_file and replace"


Rule = CommandRule | FileRule


def _programs_of(path: str) -> frozenset[str]:
    """What a file may be called as: its name, or what a shell loads a function from: ``cat.fish`` defines ``cat``."""
    return frozenset((PurePath(path).name, PurePath(path).stem))


class NotRememberable(Exception):
    """A call cannot be accepted for the session; the message says why, for a person."""


class Remembered:
    """The rules of one session."""

    def __init__(self) -> None:
        self._rules: set[Rule] = set()

    def add(self, rule: Rule) -> None:
        """Cover from now on what a rule says."""
        self._rules.add(rule)

    def covers(self, rule: Rule) -> bool:
        """Whether a call that would make this rule was accepted before."""
        return rule in self._rules

    def command_ran(self, command: str) -> None:
        """Forget what a command of either hand may have changed: every command, or those whose program it may replace.

        Args:
            command: as the shell read it; empty when the shell did not say.
        """
        if not keeps_meanings(command):
            self._forget(lambda rule: True)
            return
        parts = _PART.split(command.strip())
        makes = not _COPIERS.isdisjoint(PurePath(part).name for part in parts)
        named = {name for part in parts[1:] if makes or "/" in part for name in _programs_of(part)}
        self._forget(lambda rule: rule.command != command and rule.program in named)

    def file_changed(self, path: str) -> None:
        """Forget the commands whose program a changed file may stand for."""
        self._forget(lambda rule: rule.program in _programs_of(path))

    def _forget(self, doubtful: Callable[[CommandRule], bool]) -> None:
        self._rules = {rule for rule in self._rules if isinstance(rule, FileRule) or not doubtful(rule)}


async def rule_for(checked: CheckedCall, context: ToolContext) -> Rule:
    """The rule that would cover exactly this call now.

    Raises:
        NotRememberable: there is none.
    """
    match checked.call.name:
        case "run_shell_command":
            return await _command_rule(checked, context)
        case "write_file" | "replace":
            return await asyncio.to_thread(_file_rule, text_of(checked.arguments, "file_path"), context.workspace)
        case "terminal_send":
            raise NotRememberable("what is typed means something else in every program")
        case name:
            raise NotRememberable(f"calls of {name} are always asked about")


async def _command_rule(checked: CheckedCall, context: ToolContext) -> CommandRule:
    command, shell = text_of(checked.arguments, "command"), context.shell
    if why := not_simple(command):
        raise NotRememberable(why)
    cwd = _known_directory(shell)
    if shell is None or cwd is None:
        raise NotRememberable("the shell does not say where it is and what it runs")
    try:
        files = await asyncio.to_thread(fingerprint_of, words_of(command), cwd, workspace=context.workspace)
    except FileTooLarge as error:
        raise NotRememberable(str(error)) from error
    return CommandRule(command, flag_of(checked.arguments, "is_background"), str(cwd), shell.pid, files)


def _known_directory(shell: SharedShell | None) -> Path | None:
    # Without marks nothing says what the expert ran, and so what words mean by now.
    return shell.cwd if shell is not None and shell.marks == "osc133" else None


def _file_rule(given: str, root: Path) -> FileRule:
    try:
        with Workspace(root) as workspace:
            path = workspace.relative(given)
        return FileRule(str(path), os.path.realpath(root / path))
    except (ToolRefused, OSError) as error:
        raise NotRememberable(str(error)) from error

"""glob and search_file_content: finding files by name and by what stands in them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from limi_sessions.records.message import ToolSchema
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.arguments import text_of
from limi_sessions.tools.child import ChildEnd, run_child
from limi_sessions.tools.pathpolicy import Workspace
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.schema import object_schema, string
from limi_sessions.tools.tool import Effect, Preview, ToolContext, ToolResult
from limi_sessions.tools.walking import SKIPPED_DIRECTORIES, GlobPattern, Walk
from limi_sessions.tools.wording import counted

MOST_FOUND = 1000
"""Files or matching lines of one answer."""
SEARCH_SECONDS = 10.0
_WORKER = "limi_sessions.tools.search_worker"
_SKIPS = ", ".join(sorted(SKIPPED_DIRECTORIES))


class Glob:
    """Find files by a glob pattern."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="glob",
        description=(
            "Find files by name. Patterns: * ? [abc] {a,b}, and ** for any number of directories (**/*.py). "
            f"Returns up to {MOST_FOUND} paths relative to the workspace, sorted. Does not enter {_SKIPS}."
        ),
        parameters=object_schema(
            {
                "pattern": string("Pattern of paths relative to dir_path.", longest=1000),
                "dir_path": string("Directory to search in; default: the workspace."),
            },
            required=("pattern",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The pattern and where."""
        place = text_of(arguments, "dir_path", ".")
        return Preview(title=f"find files in {place}", body=text_of(arguments, "pattern"), form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The matching paths, one a line."""
        return await asyncio.to_thread(_glob, arguments, context)


class SearchFileContent:
    """Find lines by a regular expression."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="search_file_content",
        description=(
            "Search the lines of text files for a Python regular expression (case-sensitive; begin with (?i) to ignore "
            f"case). Returns up to {MOST_FOUND} lines as path:line:text. Does not enter {_SKIPS}; stops after "
            f"{SEARCH_SECONDS:g} s."
        ),
        parameters=object_schema(
            {
                "pattern": string("Regular expression, matched line by line.", longest=1000),
                "dir_path": string("Directory to search in; default: the workspace."),
                "include": string("Glob pattern of the files to search, such as *.py or src/**/*.{ts,tsx}."),
            },
            required=("pattern",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The expression and where."""
        place = text_of(arguments, "dir_path", ".")
        return Preview(title=f"search files in {place}", body=text_of(arguments, "pattern"), form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The matching lines, grouped by file."""
        with Workspace(context.workspace) as workspace:
            start = workspace.relative(text_of(arguments, "dir_path", "."))
        request: JsonObject = {
            "root": str(context.workspace),
            "start": str(start),
            "pattern": text_of(arguments, "pattern"),
            "include": text_of(arguments, "include", ""),
            "seconds": SEARCH_SECONDS - 1,
            "most": MOST_FOUND,
        }
        search = _Search()
        end = await run_child(_WORKER, request, timeout_s=SEARCH_SECONDS, take=search.take)
        return ToolResult(status="done", text=search.report(end, start))


@dataclass
class _Search:
    """What the worker has told so far."""

    lines: list[str] = field(default_factory=list[str])
    searched: int = 0
    skipped: int = 0
    stopped: str = ""

    def take(self, answer: JsonObject) -> None:
        if isinstance(problem := answer.get("problem"), str):
            raise ToolRefused(problem)
        if "path" in answer:
            self.lines.append(f"{answer['path']}:{answer['line']}:{answer['text']}")
            return
        self.searched = _count(answer, "searched", self.searched)
        self.skipped = _count(answer, "skipped", self.skipped)
        self.stopped = str(answer.get("stopped", ""))

    def report(self, end: ChildEnd, start: PurePosixPath) -> str:
        stopped = self.stopped
        if end == "timed_out":
            stopped = f"stopped after {SEARCH_SECONDS:g} s; use a simpler pattern, dir_path or include"
        elif end == "failed":
            stopped = "stopped: the search needed too much memory or time; use a simpler pattern, dir_path or include"
        head = f"{counted(len(self.lines), 'matching line')} in {start}" if self.lines else f"no matches in {start}"
        head += f" ({counted(self.searched, 'file')} searched"
        head += f", {self.skipped} binary, large or unreadable skipped)" if self.skipped else ")"
        if stopped:
            head += f"; {stopped}"
        return "\n".join([f"[{head}]", *self.lines])


def _count(answer: JsonObject, name: str, default: int) -> int:
    value = answer.get(name, default)
    return value if isinstance(value, int) else default


def _glob(arguments: JsonObject, context: ToolContext) -> ToolResult:
    with Workspace(context.workspace) as workspace:
        start = workspace.relative(text_of(arguments, "dir_path", "."))
        given = text_of(arguments, "pattern")
        if given.startswith("/") and not start.parts:
            given = str(workspace.relative(given))
        elif given.startswith("/") or ".." in PurePosixPath(given).parts:
            raise ToolRefused(f"{given}: the pattern must be relative to dir_path and free of '..'")
        pattern = GlobPattern(given)
        walk = Walk(workspace, seconds=SEARCH_SECONDS, clock=context.clock)
        found: list[str] = []
        for path in walk.files(start):
            if pattern.matches(path.relative_to(start)):
                found.append(str(path))
                if len(found) == MOST_FOUND:
                    walk.stopped = f"stopped after {MOST_FOUND} files"
                    break
    head = f"{counted(len(found), 'file')} of {given}" if found else f"no files match {given} in {start}"
    if walk.stopped:
        head += f"; {walk.stopped}"
    return ToolResult(status="done", text="\n".join([f"[{head}]", *found]))

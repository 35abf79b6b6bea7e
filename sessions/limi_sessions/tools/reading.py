"""read_file, read_many_files and list_directory."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath

from limi_sessions.records.message import ToolSchema
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.arguments import number_of, text_of, texts_of
from limi_sessions.tools.pathpolicy import LARGEST_FILE, DirectoryEntry, Workspace
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.schema import array, integer, object_schema, string
from limi_sessions.tools.textfile import text_file
from limi_sessions.tools.tool import Effect, Preview, ToolContext, ToolResult
from limi_sessions.tools.walking import GlobPattern, Walk
from limi_sessions.tools.wording import counted

MOST_FILES = 100
"""Files of one read_many_files."""
MOST_NAMES = 2000
"""Names of one list_directory."""
_GLOB_CHARACTERS = frozenset("*?[{")


class ReadFile:
    """Read a text file, whole or some of its lines."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="read_file",
        description=(
            "Read a text file of the workspace, verbatim. With start_line or end_line only those lines, from 1, "
            f"both included. Files over {LARGEST_FILE // 1_000_000} MB and binary files are refused."
        ),
        parameters=object_schema(
            {
                "file_path": string("Path relative to the workspace, or absolute inside of it."),
                "start_line": integer("First line.", low=1),
                "end_line": integer("Last line.", low=1),
            },
            required=("file_path",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The path."""
        return Preview(title="read a file", body=text_of(arguments, "file_path"), form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The text, after a bracketed line when there is something to say about it."""
        return await asyncio.to_thread(_read_file, arguments, context)


class ReadManyFiles:
    """Read several text files."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="read_many_files",
        description=(
            f"Read up to {MOST_FILES} text files of the workspace at once, each after a line '--- path ---'. "
            "A path may be a glob pattern such as src/**/*.py."
        ),
        parameters=object_schema(
            {"paths": array("Paths or glob patterns.", string("Path or pattern."), least=1, most=MOST_FILES)},
            required=("paths",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The paths."""
        return Preview(title="read files", body="\n".join(texts_of(arguments, "paths")), form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """All texts; a file that cannot be read gives its reason instead."""
        return await asyncio.to_thread(_read_many, arguments, context)


class ListDirectory:
    """List a directory."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="list_directory",
        description=(
            "List a directory of the workspace: 'name/' is a directory, 'name (bytes)' a file, 'name -> target' a link."
        ),
        parameters=object_schema({"dir_path": string("Path; . is the workspace.")}, required=("dir_path",)),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The path."""
        return Preview(title="list a directory", body=text_of(arguments, "dir_path"), form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """One name a line, directories first."""
        return await asyncio.to_thread(_list_directory, arguments, context)


def _read_file(arguments: JsonObject, context: ToolContext) -> ToolResult:
    with Workspace(context.workspace) as workspace:
        path = workspace.relative(text_of(arguments, "file_path"))
        content = text_file(path, workspace.read_bytes(path))
    text, notes = content.text, [content.note] if content.note else []
    if not text:
        notes.append("the file is empty")
    if "start_line" in arguments or "end_line" in arguments:
        lines = _lines(text)
        first = int(number_of(arguments, "start_line", 1))
        last = min(int(number_of(arguments, "end_line", len(lines))), len(lines))
        if first > last:
            raise ToolRefused(f"{path} has {len(lines)} lines; there are none from {first} to {last}")
        text = "".join(lines[first - 1 : last])
        notes.insert(0, f"lines {first}-{last} of {len(lines)}")
    head = f"[{path}: {'; '.join(notes)}]\n" if notes else ""
    return ToolResult(status="done", text=f"{head}{text}")


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one, as in every editor and compiler."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]


def _read_many(arguments: JsonObject, context: ToolContext) -> ToolResult:
    with Workspace(context.workspace) as workspace:
        paths, notes = _expanded(workspace, texts_of(arguments, "paths"), context)
        if not paths:
            raise ToolRefused("; ".join(notes) or "no files")
        pieces = [f"[{counted(len(paths), 'file')}{''.join(f'; {note}' for note in notes)}]"]
        room = LARGEST_FILE
        for path in paths:
            body = _body(workspace, path, room)
            room = max(0, room - len(body))
            pieces.append(f"--- {path} ---\n{body.removesuffix(chr(10))}")
    return ToolResult(status="done", text="\n".join(pieces))


def _body(workspace: Workspace, path: PurePosixPath, room: int) -> str:
    try:
        content = text_file(path, workspace.read_bytes(path, limit=room))
    except ToolRefused as error:
        return f"[not read: {error}]"
    except OSError as error:
        return f"[not read: {error.strerror or error}]"
    return f"[{content.note}]\n{content.text}" if content.note else content.text


def _expanded(
    workspace: Workspace, given: tuple[str, ...], context: ToolContext
) -> tuple[list[PurePosixPath], list[str]]:
    """Paths in the order asked for, each once, and what to say about patterns."""
    paths: dict[PurePosixPath, None] = {}
    notes: list[str] = []
    for text in given:
        relative = workspace.relative(text)
        if _GLOB_CHARACTERS.isdisjoint(text) or _is_file(workspace, relative):
            paths[relative] = None
            continue
        pattern = GlobPattern(str(relative))
        walk = Walk(workspace, clock=context.clock)
        found = [path for path in walk.files(PurePosixPath()) if pattern.matches(path)]
        notes += [] if found else [f"no files match {text}"]
        notes += [f"{text}: {walk.stopped}"] if walk.stopped else []
        paths.update(dict.fromkeys(found))
    if len(paths) > MOST_FILES:
        notes.append(f"{len(paths) - MOST_FILES} more left out")
    return list(paths)[:MOST_FILES], notes


def _is_file(workspace: Workspace, path: PurePosixPath) -> bool:
    """Whether a name with glob characters in it stands there literally."""
    try:
        with workspace.opened(path):
            return True
    except (ToolRefused, OSError):
        return False


def _list_directory(arguments: JsonObject, context: ToolContext) -> ToolResult:
    with Workspace(context.workspace) as workspace:
        path = workspace.relative(text_of(arguments, "dir_path"))
        entries = workspace.entries(path, most=MOST_NAMES + 1)
    more = len(entries) > MOST_NAMES
    shown = sorted(entries[:MOST_NAMES], key=lambda entry: (entry.kind != "directory", entry.name))
    names = f"over {MOST_NAMES} names" if more else counted(len(shown), "name")
    head = f"[{path}: {names}]" if shown else f"[{path} is empty]"
    return ToolResult(status="done", text="\n".join([head, *map(_line, shown)]))


def _line(entry: DirectoryEntry) -> str:
    if entry.kind == "directory":
        return f"{entry.name}/"
    if entry.kind == "link":
        return f"{entry.name} -> {entry.target}"
    return f"{entry.name} ({entry.size} bytes)" if entry.kind == "file" else f"{entry.name} (no regular file)"

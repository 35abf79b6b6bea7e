"""write_file and replace, each followed by a syntax check of what was written."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from limi_sessions.records.message import ToolSchema
from limi_sessions.records.value import JsonObject
from limi_sessions.records.visible import suspicious_characters
from limi_sessions.tools.arguments import flag_of, text_of
from limi_sessions.tools.diff import unified_diff
from limi_sessions.tools.pathpolicy import LARGEST_FILE, Workspace
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.schema import flag, object_schema, string
from limi_sessions.tools.syntax import syntax_line
from limi_sessions.tools.textfile import kind_of
from limi_sessions.tools.tool import Effect, FileEdit, Preview, ToolContext, ToolResult
from limi_sessions.tools.wording import counted

_MOST_LINES_NAMED = 10


class WriteFile:
    """Write a whole file."""

    effect: Effect = "files"
    schema = ToolSchema(
        name="write_file",
        description=(
            "Write a file of the workspace, replacing all it held; missing directories are made. "
            "The content is written exactly as given. To change a part of a file use replace."
        ),
        parameters=object_schema(
            {
                "file_path": string("Path relative to the workspace, or absolute inside of it."),
                "content": string("The whole new content.", longest=LARGEST_FILE),
            },
            required=("file_path", "content"),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The diff against what the file holds now."""
        content = text_of(arguments, "content")
        _encoded(content, "content")
        with Workspace(context.workspace) as workspace:
            path = workspace.relative(text_of(arguments, "file_path"))
            try:
                old = workspace.read_bytes(path)
            except FileNotFoundError:
                old = None
        return _diff_preview("create" if old is None else "overwrite", path, old, content)

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """What was written, and whether it parses."""
        content = text_of(arguments, "content")
        encoded = _encoded(content, "content")
        path, created = await asyncio.to_thread(_write, text_of(arguments, "file_path"), encoded, context)
        lines = content.count("\n") + (not content.endswith("\n") and bool(content))
        verb = "created" if created else "overwrote"
        said = f"{verb} {path} ({counted(len(encoded), 'byte')}, {counted(lines, 'line')})"
        return await _checked(said, path, content)


class Replace:
    """Replace a text in a file by another."""

    effect: Effect = "files"
    schema = ToolSchema(
        name="replace",
        description=(
            "Replace old_string in a file of the workspace by new_string. old_string must occur exactly once, "
            "whitespace included: give enough lines around the change. allow_multiple replaces every occurrence."
        ),
        parameters=object_schema(
            {
                "file_path": string("Path relative to the workspace, or absolute inside of it."),
                "old_string": string("Text that the file holds, verbatim.", shortest=1, longest=LARGEST_FILE),
                "new_string": string("Text to put in its place.", longest=LARGEST_FILE),
                "allow_multiple": flag("Replace every occurrence."),
            },
            required=("file_path", "old_string", "new_string"),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The diff that the replacement would make."""
        _encoded(text_of(arguments, "new_string"), "new_string")
        with Workspace(context.workspace) as workspace:
            path = workspace.relative(text_of(arguments, "file_path"))
            change = _change(workspace, path, arguments)
        return _diff_preview("change", path, _encoded_back(change.before), _readable(_encoded_back(change.after)))

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """How much was replaced where, and whether the file parses."""
        _encoded(text_of(arguments, "new_string"), "new_string")
        path, change = await asyncio.to_thread(_replace, arguments, context)
        said = f"changed {path} in {counted(change.count, 'place')} ({_line_numbers(change.before, change.old)})"
        return await _checked(said, path, change.after)


@dataclass(frozen=True, slots=True)
class _Change:
    """A file's text before and after; bytes that are no UTF-8 are surrogates in both."""

    before: str
    after: str
    old: str
    count: int


def replaced(text: str, old: str, new: str, *, allow_multiple: bool) -> tuple[str, str, int]:
    """A text with a part replaced; in a text whose lines all end in CRLF the given strings' line ends become CRLF.

    Returns:
        The new text, the old string as found, and the number of places.

    Raises:
        ToolRefused: nothing would change, or the old string is not there, or more than once and that is not allowed.
    """
    if "\r\n" in text and text.count("\n") == text.count("\r\n"):
        old, new = _with_crlf(old), _with_crlf(new)
    if not old:
        raise ToolRefused("old_string is empty; use write_file to make a file")
    if old == new:
        raise ToolRefused("old_string and new_string are the same; nothing would change")
    count = text.count(old)
    if count == 0:
        raise ToolRefused(f"old_string does not occur{_near_miss(text, old)}")
    if count > 1 and not allow_multiple:
        raise ToolRefused(
            f"old_string occurs {count} times ({_line_numbers(text, old)}); "
            "add lines around it until it is unique, or set allow_multiple"
        )
    return text.replace(old, new), old, count


def _change(workspace: Workspace, path: PurePosixPath, arguments: JsonObject) -> _Change:
    content = workspace.read_bytes(path)
    if b"\0" in content:
        raise ToolRefused(f"{path} is binary: {len(content):,} bytes, {kind_of(content)}")
    before = content.decode("utf-8", "surrogateescape")
    try:
        after, old, count = replaced(
            before,
            text_of(arguments, "old_string"),
            text_of(arguments, "new_string"),
            allow_multiple=flag_of(arguments, "allow_multiple"),
        )
    except ToolRefused as error:
        raise ToolRefused(f"{path}: {error}") from error
    return _Change(before, after, old, count)


def _replace(arguments: JsonObject, context: ToolContext) -> tuple[PurePosixPath, _Change]:
    with Workspace(context.workspace) as workspace:
        path = workspace.relative(text_of(arguments, "file_path"))
        change = _change(workspace, path, arguments)
        _refuse_unseen(path, _encoded_back(change.before), context)
        workspace.write_bytes(path, _encoded_back(change.after))
    return path, change


def _write(given: str, content: bytes, context: ToolContext) -> tuple[PurePosixPath, bool]:
    with Workspace(context.workspace) as workspace:
        path = workspace.relative(given)
        if context.approved is not None:
            try:
                old = workspace.read_bytes(path)
            except FileNotFoundError:
                old = None
            _refuse_unseen(path, old, context)
        return path, workspace.write_bytes(path, content)


def _refuse_unseen(path: PurePosixPath, old: bytes | None, context: ToolContext) -> None:
    """Refuse a change of a file that no longer is what a person saw when accepting it."""
    approved = context.approved
    if approved is not None and (approved.path != str(path) or approved.base_sha256 != _sha256(old)):
        raise ToolRefused(f"{path}: the file changed after this was approved; read it and propose again")


def _sha256(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _encoded_back(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _readable(content: bytes) -> str:
    return content.decode("utf-8", "replace")


async def _checked(said: str, path: PurePosixPath, text: str) -> ToolResult:
    line = await syntax_line(path, text.encode("utf-8", "replace").decode().removeprefix("\ufeff"))
    return ToolResult(status="done", text=said if line is None else f"{said}\n{line}")


def _encoded(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ToolRefused(f"{name} holds half of a surrogate pair at character {error.start + 1}") from error


def _with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _line_numbers(text: str, part: str) -> str:
    """``line 3`` or ``lines 3, 10, 20``, at most ten."""
    numbers: list[int] = []
    at, line, seen = text.find(part), 1, 0
    while at >= 0 and len(numbers) < _MOST_LINES_NAMED:
        line += text.count("\n", seen, at)
        seen = at
        numbers.append(line)
        at = text.find(part, at + len(part))
    more = ", ..." if at >= 0 else ""
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}{more}"


def _near_miss(text: str, part: str) -> str:
    """Where the text would be but for its whitespace, so that the model reads there again."""
    first = next((line.split() for line in part.split("\n") if line.split()), None)
    if first is None:
        return "; read the file again"
    for number, line in enumerate(text.split("\n"), start=1):
        if line.split() == first:
            return f"; line {number} differs from its first line at most in whitespace: read the file there again"
    return "; read the file again and copy the text verbatim"


def _diff_preview(verb: str, path: PurePosixPath, base: bytes | None, new: str) -> Preview:
    old = None if base is None else _readable(base)
    added = re.sub(r"\r\n", "\n", new)
    known = frozenset(old or "")
    return Preview(
        title=f"{verb} {path}",
        body=unified_diff(path, old, new),
        form="diff",
        suspicious=tuple(found for found in suspicious_characters(added) if chr(found.code_point) not in known)[:100],
        edit=FileEdit(path=str(path), before=old, after=new, base_sha256=_sha256(base)),
    )

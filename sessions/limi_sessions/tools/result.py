"""How a result reads: long text cut in its middle, the whole kept beside it, one status line at the end.

Knows nothing of single tools.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from limi_sessions.paths import private_directory
from limi_sessions.records.visible import visible_text
from limi_sessions.tools.tool import ToolContext, ToolResult

LONGEST_TEXT = 30_000
"""Characters of a result that the model sees, marker line included."""
_MARKER_ROOM = 200
_PIECE = 1 << 20


def status_line(result: ToolResult) -> str:
    """The last line of every result: ``[status=done exit=1 cwd=/w dur=3.2s truncated=0 by=agent]``.

    ``exit`` and ``cwd`` are left out where they mean nothing; the exit code of an ended command is never left out.
    """
    fields = [f"status={result.status}"]
    if result.exit_code is not None:
        fields.append(f"exit={result.exit_code}")
    elif result.is_command:
        fields.append("exit=unknown")
    if result.cwd is not None:
        fields.append(f"cwd={visible_text(result.cwd, keep='')}")
    fields += [f"dur={result.duration_s:.1f}s", f"truncated={result.truncated_chars}", "by=agent"]
    return f"[{' '.join(fields)}]"


def render(result: ToolResult) -> str:
    """Exactly what the model gets: the text and, on a line of its own, the status."""
    separator = "" if not result.text or result.text.endswith("\n") else "\n"
    return f"{result.text}{separator}{status_line(result)}"


def capped(result: ToolResult, context: ToolContext) -> ToolResult:
    """The result with at most 30,000 characters of text; the whole goes into an artifact when something was cut.

    Blocks: it may write a file. An artifact that cannot be written costs no result; the marker line says why.
    """
    lost = result.truncated_chars
    if len(result.text) <= LONGEST_TEXT and not lost:
        if result.whole is not None:
            result.whole.unlink(missing_ok=True)
        return dataclasses.replace(result, whole=None)
    artifact: str | None = None
    try:
        artifact = _kept(result, context)
        note = f"the whole is kept as {artifact}"
    except OSError as error:
        note = f"the whole could not be kept: {error.strerror or error}"
    text, cut = _cut(result.text, note)
    return dataclasses.replace(result, text=text, truncated_chars=lost + cut, artifact=artifact, whole=None)


def _cut(text: str, note: str) -> tuple[str, int]:
    if len(text) <= LONGEST_TEXT - _MARKER_ROOM:
        return f"{text}\n[{note}]", 0
    side = (LONGEST_TEXT - _MARKER_ROOM) // 2
    cut = len(text) - 2 * side
    return f"{text[:side]}\n[... {cut:,} characters cut here; {note} ...]\n{text[-side:]}", cut


def _kept(result: ToolResult, context: ToolContext) -> str:
    """Put the whole output in place, known secrets masked; its path relative to the session's directory."""
    directory = private_directory(context.artifacts)
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=".whole-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            sha256 = hashlib.sha256()
            for piece in _pieces(result):
                masked = context.mask(piece).encode("utf-8", "surrogateescape")
                sha256.update(masked)
                stream.write(masked)
        number = 1 + max((int(path.name[:4]) for path in directory.glob("[0-9][0-9][0-9][0-9]-*.txt")), default=0)
        kept = temporary.rename(directory / f"{number:04d}-{sha256.hexdigest()[:12]}.txt")
    finally:
        temporary.unlink(missing_ok=True)
        if result.whole is not None:
            result.whole.unlink(missing_ok=True)
    return f"{directory.name}/{kept.name}"


def _pieces(result: ToolResult) -> Iterator[str]:
    """The whole output in pieces that end with a line, so that no secret of one line is split."""
    if result.whole is None:
        yield encodable(result.text)
        return
    with result.whole.open("rb") as stream:
        while piece := stream.read(_PIECE):
            piece += stream.readline(_PIECE)
            yield piece.decode("utf-8", "surrogateescape")


def encodable(text: str) -> str:
    """The text with half surrogate pairs (of file names that are no UTF-8) as escapes, so that it can be stored."""
    return text.encode("utf-8", "backslashreplace").decode()

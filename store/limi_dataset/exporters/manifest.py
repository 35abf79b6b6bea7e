"""Export files and the manifest beside each: what is in it, how it was chosen, and what it lacks.

Neither holds a time or a path of this machine: the same sessions give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import cast

from limi_dataset.exporters.errors import ExportError
from limi_dataset.exporters.result import ExportFormat, ExportResult
from limi_sessions.paths import write_private
from limi_sessions.records.event import SCHEMA
from limi_sessions.records.value import JsonObject, Value

STDOUT = "-"
_MANIFEST_VERSION = 1
_PARTS = ("messages", "prompt", "chosen", "rejected")
"""Where messages stand in a row."""
_NEVER_SAID = (
    "times and durations",
    "token counts and costs",
    "exit codes and working directories, other than in the text of results",
    "decisions of the expert on calls, other than in the text of results",
    "recordings of the terminal",
    "model names and sampling parameters",
)
"""What the format has no place for, in any session."""


class ExportReport(Value):
    """What was written."""

    path: str
    """``-`` for standard output."""
    sha256: str
    rows: int
    size_bytes: int
    manifest: JsonObject


def export_bytes(result: ExportResult, *, file_format: ExportFormat) -> bytes:
    """The file's content: ``limi`` is one JSON array, a row a line; the others are JSON lines."""
    lines = [_json(row) for row in result.rows]
    if file_format != "limi":
        return b"".join(line + b"\n" for line in lines)
    return b"[\n" + b",\n".join(lines) + b"\n]\n" if lines else b"[]\n"


def manifest_of(result: ExportResult, *, file_format: ExportFormat, content: bytes, file: str) -> JsonObject:
    """The manifest of an export whose content is known."""
    messages = [
        message for row in result.rows for part in _PARTS for message in cast("list[JsonObject]", row.get(part, []))
    ]
    roles = Counter(cast(str, message["role"]) for message in messages)
    calls = sum(len(cast("list[object]", message.get("tool_calls", []))) for message in messages)
    origins: JsonObject = (
        {"origins": [cast(JsonObject, origin.model_dump(mode="json")) for origin in result.origins]}
        if result.origins
        else {}
    )
    return {
        "manifest_version": _MANIFEST_VERSION,
        "file": file,
        "format": file_format,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "versions": {"limi": _limi_version(), "events": SCHEMA},
        "filters": cast(JsonObject, result.filters.model_dump(mode="json", exclude_none=True)),
        "counts": {
            "rows": len(result.rows),
            "messages": dict(sorted(roles.items())),
            "tool_calls": calls,
            "losses": dict(sorted(Counter(loss.kind for loss in result.losses).items())),
        },
        "session_ids": list(result.session_ids),
        **origins,
        "losses": [cast(JsonObject, loss.model_dump(mode="json")) for loss in result.losses],
        "never_said": list(_NEVER_SAID),
    }


def write_export(result: ExportResult, file_format: ExportFormat, path: Path | str) -> ExportReport:
    """Write an export and, beside it, ``FILE.manifest.json``; an older file of that name is replaced as a whole.

    Args:
        result: what `limi_rows` or `preference_rows` gave.
        file_format: the form of its rows.
        path: where to; ``-`` writes to standard output, without a manifest file.

    Raises:
        ExportError: it cannot be written there.
    """
    to_stdout = str(path) == STDOUT
    content = export_bytes(result, file_format=file_format)
    name = STDOUT if to_stdout else Path(path).name
    manifest = manifest_of(result, file_format=file_format, content=content, file=name)
    try:
        if to_stdout:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            target = Path(path)
            if not target.parent.is_dir():
                raise FileNotFoundError(2, "there is no such directory", str(target.parent))
            write_private(target, content)
            write_private(manifest_path(target), json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        raise ExportError(
            f"cannot write the export {path}: {error.strerror or error}. Choose another -o FILE."
        ) from error
    return ExportReport(
        path=str(path),
        sha256=hashlib.sha256(content).hexdigest(),
        rows=len(result.rows),
        size_bytes=len(content),
        manifest=manifest,
    )


def manifest_path(path: Path) -> Path:
    """Where the manifest of an export file lies."""
    return path.with_name(path.name + ".manifest.json")


def _json(row: JsonObject) -> bytes:
    # A lone surrogate becomes its JSON escape: valid JSON, and the same text when read.
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _limi_version() -> str:
    try:
        return version("limi-tui")
    except PackageNotFoundError:
        return "unknown"

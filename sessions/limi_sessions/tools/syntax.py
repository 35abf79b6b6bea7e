"""Whether what was just written can be parsed, by the file's suffix; parsed in a child, never executed."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath

from limi_sessions.records.value import JsonObject
from limi_sessions.tools.child import run_child

_LANGUAGES = {
    ".py": "python",
    ".pyi": "python",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".sh": "shell",
    ".bash": "shell",
}
_LARGEST = 1_000_000
_SECONDS = 5.0
_WORKER = "limi_sessions.tools.syntax_worker"


async def syntax_line(path: PurePosixPath, text: str) -> str | None:
    """``syntax: ok``, ``syntax: line 3: ...`` or ``syntax: not checked: ...``; None for files of no known language."""
    language = _LANGUAGES.get(path.suffix.lower())
    shell = shutil.which("bash") or ""
    if language is None or (language == "shell" and not shell):
        return None
    if len(text) > _LARGEST:
        return f"syntax: not checked: over {_LARGEST:,} characters"
    verdicts: list[str] = []

    def take(answer: JsonObject) -> None:
        verdicts.append(str(answer.get("verdict", "")))

    request: JsonObject = {"language": language, "text": text, "shell": shell}
    try:
        end = await run_child(_WORKER, request, timeout_s=_SECONDS, take=take)
    except OSError as error:
        return f"syntax: not checked: {error.strerror or error}"
    if end == "timed_out":
        return f"syntax: not checked: took over {_SECONDS:g} s"
    return f"syntax: {verdicts[0]}" if verdicts else "syntax: not checked: the parser gave up"

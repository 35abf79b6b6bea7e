"""The program that searches file contents for a regular expression; run by `searching`, killed when it takes too long.

Standard input: ``{root, start, pattern, include, seconds, most, parent}``. Standard output, an object a line:
``{problem}``, or ``{path, line, text}`` a match, ``{searched}`` now and then, and at the end ``{searched, skipped,
stopped}``.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from limi_sessions.tools.confined import confine_self
from limi_sessions.tools.pathpolicy import Workspace
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.walking import GlobPattern, Walk

LONGEST_LINE = 500
"""Characters of a matching line that are printed."""
_REPORT_EVERY_S = 0.25


def main() -> None:
    """Read the request, search, print."""
    request = json.load(sys.stdin)
    seconds = float(request["seconds"])
    confine_self(cpu_s=int(seconds) + 2, parent=int(request["parent"]))
    try:
        pattern = re.compile(request["pattern"])
        include = GlobPattern(request["include"]) if request["include"] else None
    except (re.error, OverflowError, RecursionError, ToolRefused) as error:
        _print({"problem": f"the pattern is no valid regular expression: {error}"})
        return
    try:
        with Workspace(Path(request["root"])) as workspace:
            walk = Walk(workspace, seconds=seconds)
            _search(
                walk,
                PurePosixPath(request["start"]),
                pattern=pattern,
                include=include,
                most=int(request["most"]),
            )
    except ToolRefused as error:
        _print({"problem": str(error)})
    except OSError as error:
        _print({"problem": f"cannot search {request['start']}: {error.strerror or error}"})


def _search(
    walk: Walk, start: PurePosixPath, *, pattern: re.Pattern[str], include: GlobPattern | None, most: int
) -> None:
    searched = skipped = found = 0
    reported = time.monotonic()
    for path in walk.files(start):
        if include is not None and not _included(include, path, start):
            continue
        if (text := _text_of(walk.workspace, path)) is None:
            skipped += 1
            continue
        searched += 1
        for number, line in _matching_lines(text, pattern):
            found += 1
            if found > most:
                _print({"searched": searched, "skipped": skipped, "stopped": f"stopped after {most} lines"})
                return
            _print({"path": str(path), "line": number, "text": line})
        if time.monotonic() - reported > _REPORT_EVERY_S:
            reported = time.monotonic()
            _print({"searched": searched})
    _print({"searched": searched, "skipped": skipped, "stopped": walk.stopped})


def _text_of(workspace: Workspace, path: PurePosixPath) -> str | None:
    """The text of a file, None when it is binary, too large or unreadable."""
    try:
        content = workspace.read_bytes(path)
    except (ToolRefused, OSError):
        return None
    return None if b"\0" in content[:8192] else content.decode("utf-8", "replace")


def _included(include: GlobPattern, path: PurePosixPath, start: PurePosixPath) -> bool:
    """A pattern without a slash speaks of names, any other of paths beneath the start."""
    return include.matches(PurePosixPath(path.name)) or include.matches(path.relative_to(start))


def _matching_lines(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    for number, ended_line in enumerate(text.split("\n"), start=1):
        line = ended_line.removesuffix("\r")
        if (found := pattern.search(line)) is not None:
            yield number, _excerpt(line, found.start())


def _excerpt(line: str, at: int) -> str:
    """The line, or of a long one the part around an offset."""
    start = max(0, min(at - LONGEST_LINE // 4, len(line) - LONGEST_LINE))
    end = start + LONGEST_LINE
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def _print(answer: dict[str, str | int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

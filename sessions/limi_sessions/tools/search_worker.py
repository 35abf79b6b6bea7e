"""The program that searches file contents for a regular expression; run by `searching`, killed when it takes too long.

Standard input: ``{root, start, pattern, include, seconds, parent}``. Standard output, an object a line: ``{problem}``, or
``{path, line, text}`` a match, ``{searched}`` now and then, and at the end ``{searched, skipped, stopped}``.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
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
            _search(walk, PurePosixPath(request["start"]), pattern, include)
    except ToolRefused as error:
        _print({"problem": str(error)})
    except OSError as error:
        _print({"problem": f"cannot search {request['start']}: {error.strerror or error}"})


def _search(walk: Walk, start: PurePosixPath, pattern: re.Pattern[str], include: GlobPattern | None) -> None:
    searched = skipped = 0
    reported = time.monotonic()
    for path in walk.files(start):
        if include is not None and not _included(include, path, start):
            continue
        try:
            content = walk.workspace.read_bytes(path)
        except (ToolRefused, OSError):
            skipped += 1
            continue
        if b"\0" in content[:8192]:
            skipped += 1
            continue
        searched += 1
        _search_text(path, content.decode("utf-8", "replace"), pattern)
        if time.monotonic() - reported > _REPORT_EVERY_S:
            reported = time.monotonic()
            _print({"searched": searched})
    _print({"searched": searched, "skipped": skipped, "stopped": walk.stopped})


def _included(include: GlobPattern, path: PurePosixPath, start: PurePosixPath) -> bool:
    """A pattern without a slash speaks of names, any other of paths beneath the start."""
    return include.matches(PurePosixPath(path.name)) or include.matches(path.relative_to(start))


def _search_text(path: PurePosixPath, text: str, pattern: re.Pattern[str]) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if (found := pattern.search(line.removesuffix("\r"))) is not None:
            _print({"path": os.fsdecode(os.fsencode(path)), "line": number, "text": _excerpt(line, found.start())})


def _excerpt(line: str, at: int) -> str:
    if len(line) <= LONGEST_LINE:
        return line.removesuffix("\r")
    start = max(0, min(at - LONGEST_LINE // 4, len(line) - LONGEST_LINE))
    return (
        f"{'…' if start else ''}{line[start : start + LONGEST_LINE]}{'…' if start + LONGEST_LINE < len(line) else ''}"
    )


def _print(answer: dict[str, str | int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

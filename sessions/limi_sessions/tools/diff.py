"""A unified diff of two texts, bounded in time and length, hidden characters drawn.

Source: the unified format, https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import PurePosixPath

from limi_sessions.records.visible import visible_text

_CONTEXT = 3
_MOST_COMPARED = 2000
"""Lines of the changed middle beyond which old and new are shown one after the other."""
_MOST_SHOWN = 2000
_LONGEST_SHOWN = 2000


def unified_diff(path: PurePosixPath, old: str | None, new: str) -> str:
    """The diff from one text to another; None as old: the file is new."""
    before, after = _lines(old or ""), _lines(new)
    lines = [f"--- {'/dev/null' if old is None else visible_text(f'a/{path}', keep='')}"]
    lines.append(f"+++ {visible_text(f'b/{path}', keep='')}")
    lines += [f"{line[0]}{_drawn(line[1:])}" for line in _hunks(before, after)]
    if len(lines) > _MOST_SHOWN:
        lines[_MOST_SHOWN:] = [f"[{len(lines) - _MOST_SHOWN:,} more lines of this diff are not shown]"]
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    """Lines without their ends; a last line that has none keeps a line feed as a mark of that."""
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n"] if last else lines


def _drawn(line: str) -> str:
    drawn = visible_text(line.removesuffix("\n"), keep="\t")
    if len(drawn) > _LONGEST_SHOWN:
        drawn = f"{drawn[:_LONGEST_SHOWN]} [{len(drawn) - _LONGEST_SHOWN:,} more characters of this line]"
    return f"{drawn}\n\\ No newline at end of file" if line.endswith("\n") else drawn


def _hunks(before: list[str], after: list[str]) -> Iterator[str]:
    # Equal ends are taken off first: the matcher's cost is that of the changed middle, not of the file.
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    first, last = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    old, new = before[first : len(before) - last], after[first : len(after) - last]
    if len(old) > _MOST_COMPARED or len(new) > _MOST_COMPARED:
        yield _range_line(first, len(old), first, len(new))
        yield from (f"-{line}" for line in old)
        yield from (f"+{line}" for line in new)
        return
    matcher = difflib.SequenceMatcher(None, old, new)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        yield _range_line(first + i1, i2 - i1, first + j1, j2 - j1)
        for tag, a1, a2, b1, b2 in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[a1:a2])
                continue
            yield from (f"-{line}" for line in old[a1:a2])
            yield from (f"+{line}" for line in new[b1:b2])


def _range_line(old_start: int, old_count: int, new_start: int, new_count: int) -> str:
    """Starts counted from 0; the format counts from 1, or from 0 where a side has no lines."""
    return f"@@ -{old_start + (old_count > 0)},{old_count} +{new_start + (new_count > 0)},{new_count} @@"


def _common(first: list[str], second: list[str]) -> int:
    """How many leading lines are equal."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count

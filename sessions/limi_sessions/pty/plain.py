"""Terminal output as the plain text that a person would have read: returns, backspaces, cursor moves applied.

A line discipline, not a terminal: it has no width, so lines are never wrapped, and absolute positions begin a new
line. What a full-screen program drew on the alternate screen is handed to a real terminal by the caller.

Source: ECMA-48; xterm control sequences (DECSET 47, 1047, 1049).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from limi_sessions.pty.window import Printed

_ALTERNATE = re.compile(rb"\x1b\[\?(?:1049|1047|47)([hl])")
_CONTROL = re.compile(
    r"\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|(?P<single>[\x00-\x08\x0a-\x1f\x7f-\x9f])"
)
_STYLE_OR_MODE = re.compile(r"\x1b\[[0-?]*[mhl]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>]|\x1b\([A-Z0-9]")
_STILL_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLUMNS_MAX = 256
"""Farthest column that a cursor movement reaches: hostile output must not buy memory with four bytes."""
_ROW_EDITABLE = 16 * 1024
"""Longer rows are final: each edit copies the row."""


def plain_text(printed: Printed, draw: Callable[[bytes], str]) -> str:
    """The text of a command's output, without the last newline.

    Args:
        printed: the bytes kept; what was left out is said in a line of its own.
        draw: the final screen of bytes that belong to the alternate screen.
    """
    if not printed.omitted:
        return _rendered(printed.head + printed.tail, draw)
    note = f"[... {printed.omitted} bytes left out ...]"
    return "\n".join((_rendered(printed.head, draw), note, _rendered(printed.tail, draw)))


def _rendered(raw: bytes, draw: Callable[[bytes], str]) -> str:
    if _ALTERNATE.search(raw) is None:
        return _lines(raw.decode("utf-8", "replace"))
    shown: list[str] = []
    position = 0
    alternate = False
    for found in _ALTERNATE.finditer(raw):
        part = raw[position : found.start()]
        shown.append(draw(part).rstrip() if alternate else _lines(part.decode("utf-8", "replace")))
        alternate = found.group(1) == b"h"
        position = found.end()
    rest = raw[position:]
    shown.append(draw(rest).rstrip() if alternate else _lines(rest.decode("utf-8", "replace")))
    return "\n".join(part for part in shown if part.strip())


def _lines(text: str) -> str:
    simple = _STYLE_OR_MODE.sub("", text).replace("\r\n", "\n")
    if _STILL_CONTROL.search(simple) is None:
        return simple.removesuffix("\n")
    page = _Page()
    position = 0
    for found in _CONTROL.finditer(text):
        if found.start() > position:
            page.write(text[position : found.start()])
        position = found.end()
        if final := found["final"]:
            page.sequence(found["parameters"], final)
        elif single := found["single"]:
            page.control(single)
    page.write(text[position:])
    return page.text().removesuffix("\n")


class _Page:
    """Rows of text and a cursor; rows grow to the right and downwards without bound."""

    def __init__(self) -> None:
        self.rows = [""]
        self.y = 0
        self.x = 0

    def text(self) -> str:
        return "\n".join(self.rows)

    def write(self, text: str) -> None:
        row = self.rows[self.y]
        if self.x >= len(row):
            row = row.ljust(self.x) + text
        else:
            row = row[: self.x] + text + row[self.x + len(text) :]
        self.rows[self.y] = row
        self.x += len(text)

    def control(self, character: str) -> None:
        if character == "\n" or character in "\x0b\x0c\x84\x85":
            self.y += 1
            self.x = 0
            if self.y == len(self.rows):
                self.rows.append("")
        elif len(self.rows[self.y]) > _ROW_EDITABLE:
            self._new_row()
        elif character == "\r":
            self.x = 0
        elif character == "\b":
            self.x = max(0, self.x - 1)

    def sequence(self, parameters: str, final: str) -> None:
        first = parameters.partition(";")[0]
        number = int(first) if first.isdigit() else 0
        count = min(max(1, number), 4096)
        row = self.rows[self.y]
        if len(row) > _ROW_EDITABLE:
            return
        match final:
            case "A" | "F":
                self.y = max(0, self.y - count)
                self.x = 0 if final == "F" else self.x
            case "B" | "E":
                self.y = min(len(self.rows) - 1, self.y + count)
                self.x = 0 if final == "E" else self.x
            case "C" | "a":
                self.x = max(self.x, min(self.x + count, _COLUMNS_MAX))
            case "D":
                self.x = max(0, self.x - count)
            case "G" | "`":
                self.x = min(count, _COLUMNS_MAX) - 1
            case "K":
                self.rows[self.y] = (row[: self.x], " " * (self.x + 1) + row[self.x + 1 :], "")[min(number, 2)]
            case "J" if number == 0:
                self.rows[self.y] = row[: self.x]
                del self.rows[self.y + 1 :]
            case "P":
                self.rows[self.y] = row[: self.x] + row[self.x + count :]
            case "X":
                self.rows[self.y] = row[: self.x] + " " * min(count, max(0, len(row) - self.x)) + row[self.x + count :]
            case "H" | "f" | "d":
                self._new_row()
            case _:
                pass

    def _new_row(self) -> None:
        if self.rows[-1]:
            self.rows.append("")
        self.y, self.x = len(self.rows) - 1, 0

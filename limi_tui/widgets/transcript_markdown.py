"""Markdown that grows: text arrives in pieces of any size, and only lines after the last settled one change.

Line-based on purpose: headings, lists, quotes, rules, fenced code and tables are told by their own lines, so a piece
costs its own length and not that of the message. Knows nothing of widths.
"""

from __future__ import annotations

import re

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.transcript_code import highlighted
from limi_tui.widgets.transcript_inline import inline_spans
from limi_tui.widgets.transcript_rows import Role, Span, TextLine, shortened, spans_width

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*$")
_BULLET = re.compile(r"(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$")
_TASK = re.compile(r"\[([ xX])\]\s+(.*)$")
_QUOTE = re.compile(r"\s{0,3}>\s?(.*)$")
_RULE = re.compile(r"\s{0,3}([-*_])(\s*\1){2,}\s*$")
_TABLE = re.compile(r"\s*\|.*\|\s*$")
_TABLE_RULE = re.compile(r"[\s|:-]+$")
_LONGEST_TAIL = 8_000
"""Characters of an unfinished line after which it is settled at a space, so that no line costs its length squared."""
_LONGEST_TABLE = 60
_CODE_EDGE = (Span(" ", "fill-code"),)


class MarkdownFeed:
    """A growing text as logical lines."""

    def __init__(self, *, role: Role = "text", markup: bool = True) -> None:
        self.lines: list[TextLine] = []
        """All lines so far; those from the last returned index on may still change."""
        self._role: Role = role
        self._markup = markup
        self._tail = ""
        self._settled = 0
        self._changed = 0
        self._blank_due = False
        self._fence = ""
        self._language = ""
        self._code: list[str] = []
        self._table: list[str] = []

    def feed(self, text: str) -> int:
        """Add text; the result is the number of the first line that changed."""
        self._begin_change()
        *complete, self._tail = (self._tail + text).split("\n")
        for line in complete:
            self._take(line)
        while len(self._tail) > _LONGEST_TAIL and not self._fence:
            cut = self._tail.rfind(" ", 0, _LONGEST_TAIL) + 1 or _LONGEST_TAIL
            self._take(self._tail[:cut])
            self._tail = self._tail[cut:]
        self._show_open(self._tail)
        return self._changed

    def finish(self) -> int:
        """No more text comes; the result is the number of the first line that changed."""
        self._begin_change()
        tail, self._tail = self._tail, ""
        if tail:
            self._take(tail)
        self._close_table()
        self._settled = len(self.lines)
        return self._changed

    def _begin_change(self) -> None:
        self._changed = self._settled
        del self.lines[self._settled :]

    def _take(self, source: str) -> None:
        line = _shown(source)
        if self._fence:
            self._take_code(line)
            return
        if self._markup and _TABLE.match(line) and len(self._table) < _LONGEST_TABLE:
            self._table.append(line)
            return
        self._close_table()
        if not line.strip():
            self._blank_due = bool(self.lines)
            return
        fence = _FENCE.match(line) if self._markup else None
        if fence:
            self._open_fence(fence)
        else:
            self._settle(self._prose(line))

    def _show_open(self, tail: str) -> None:
        """Show what is not settled: an unfinished table and the unfinished line."""
        self._settled = len(self.lines)
        tail = _shown(tail)
        if self._table:
            self.lines.extend(self._spaced(_table_lines([*self._table, tail] if tail.startswith("|") else self._table)))
        if not tail.strip():
            return
        if self._fence:
            self.lines.append(_code_line((Span(tail),)))
        elif not (self._table and tail.startswith("|")):
            self.lines.extend(self._spaced([self._prose(tail)]))

    def _settle(self, *lines: TextLine) -> None:
        self.lines.extend(self._spaced(list(lines)))
        self._blank_due = False
        self._settled = len(self.lines)

    def _spaced(self, lines: list[TextLine]) -> list[TextLine]:
        return [TextLine(), *lines] if self._blank_due and self.lines else lines

    def _open_fence(self, fence: re.Match[str]) -> None:
        self._fence, self._language, self._code = fence[1], fence[2], []
        if self._language:
            self._settle(_code_line((Span(shortened(self._language, 40), "muted"),)))
        elif self._blank_due:
            self._settle()

    def _take_code(self, line: str) -> None:
        mark = line.strip()
        if mark.startswith(self._fence) and not mark.strip(self._fence[0]):
            whole = highlighted("\n".join(self._code), self._language) if self._code else ()
            first = len(self.lines) - len(self._code)
            self.lines[first:] = [_code_line(spans) for spans in whole]
            self._changed = min(self._changed, first)
            self._fence, self._code = "", []
        else:
            self._code.append(line)
            self.lines.append(_code_line(highlighted(line, self._language)[0]))
        self._settled = len(self.lines)

    def _close_table(self) -> None:
        if self._table:
            table, self._table = self._table, []
            self._settle(*_table_lines(table))

    def _prose(self, line: str) -> TextLine:
        if not self._markup:
            return TextLine((Span(line, self._role),))
        if heading := _HEADING.match(line):
            return TextLine(inline_spans(heading[2], "heading"))
        if _RULE.match(line):
            return TextLine((Span("─" * 24, "guide"),))
        if quote := _QUOTE.match(line):
            edge = (Span("│ ", "guide"),)
            return TextLine(inline_spans(quote[1], "emphasis"), lead=edge, hang=edge)
        if bullet := _BULLET.match(line):
            return _list_line(bullet)
        return TextLine(inline_spans(line, self._role))


def _shown(source: str) -> str:
    return visible_text(source.removesuffix("\r")).expandtabs(4)


def _code_line(spans: tuple[Span, ...]) -> TextLine:
    return TextLine(spans, lead=_CODE_EDGE, hang=_CODE_EDGE, fill="fill-code", fold=True)


def _list_line(bullet: re.Match[str]) -> TextLine:
    indent, sign, text = bullet[1], bullet[2], bullet[3]
    mark = "•" if len(sign) == 1 else sign
    if task := _TASK.match(text):
        mark, text = ("☑" if task[1] != " " else "☐"), task[2]
    lead = (Span(indent), Span(f"{mark} ", "mark"))
    return TextLine(inline_spans(text), lead=lead, hang=(Span(" " * spans_width(lead)),))


def _table_lines(table: list[str]) -> list[TextLine]:
    rows = [[inline_spans(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in table]
    ruled = len(table) > 1 and _TABLE_RULE.match(table[1]) is not None
    shown = [row for number, row in enumerate(rows) if not (ruled and number == 1)]
    columns = max(map(len, shown), default=0)
    widths = [max([spans_width(row[c]) for row in shown if c < len(row)], default=0) for c in range(columns)]
    lines = [_table_line(row, widths, heading=ruled and not number) for number, row in enumerate(shown)]
    if ruled:
        lines.insert(1, TextLine((Span("─┼─".join(["─" * width for width in widths]), "guide"),), fold=True))
    return lines


def _table_line(row: list[tuple[Span, ...]], widths: list[int], *, heading: bool) -> TextLine:
    spans: list[Span] = []
    for column, width in enumerate(widths):
        cell = row[column] if column < len(row) else ()
        if column:
            spans.append(Span(" │ ", "guide"))
        spans.extend([Span(span.text, "strong") for span in cell] if heading else cell)
        spans.append(Span(" " * (width - spans_width(cell))))
    return TextLine(tuple(spans), fold=True)

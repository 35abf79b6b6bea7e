"""What unfolds below a one-line form: arguments, diff and output, behind a guide line and never more than asked for.

Only the lines that are shown are made visible and wrapped, so that a megabyte of output costs what is seen of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.transcript_blocks import ToolBlock, named_arguments
from limi_tui.widgets.transcript_head import GUTTER, flat
from limi_tui.widgets.transcript_rows import Role, Row, Span, TextLine, wrap

LONGEST_LINE = 4_000
"""Characters of a line of output that are shown."""

_GUIDE: tuple[Span, ...] = (Span(" "), Span(" " * (GUTTER - 1)), Span("│ ", "guide"))
_CHANGES: dict[str, Role] = {"+": "added", "-": "removed"}


class Section(NamedTuple):
    """Lines of foreign text and how one of them is shown."""

    lines: list[str]
    shown: Callable[[str], TextLine]


def plain_line(line: str) -> TextLine:
    """A line of output, folded at the edge."""
    text = visible_text(line[:LONGEST_LINE].removesuffix("\r")).expandtabs(8)
    spans: tuple[Span, ...] = (Span(text),) if text else ()
    if len(line) > LONGEST_LINE:
        spans += (Span(f" … {len(line) - LONGEST_LINE:,} more characters", "muted"),)
    return TextLine(spans, fold=True)


def text_section(text: str) -> Section:
    """Plain foreign text."""
    return Section(text.rstrip("\n").split("\n") if text else [], plain_line)


def tool_sections(block: ToolBlock) -> list[Section]:
    """Everything that a call unfolds to: arguments, diff, output."""
    sections = _argument_sections(block)
    if block.diff:
        sections += [_label("diff"), Section(block.diff.rstrip("\n").split("\n"), _diff_line)]
    if block.output:
        sections += [_label("output"), text_section(block.output)]
    if block.artifact:
        sections.append(Section([f"whole output: {flat(block.artifact)}"], _muted_line))
    return sections


def body_rows(sections: list[Section], width: int, limit: int) -> list[Row]:
    """The rows of at most ``limit`` lines, and one that counts the hidden ones."""
    rows: list[Row] = []
    left = limit
    for section in sections:
        for line in section.lines[:left]:
            rows.extend(wrap(section.shown(line)._replace(lead=_GUIDE, hang=_GUIDE), width))
        left -= min(left, len(section.lines))
    hidden = sum(len(section.lines) for section in sections) - limit
    return [*rows, more_row(hidden, _GUIDE)] if hidden > 0 else rows


def more_row(hidden: int, lead: tuple[Span, ...]) -> Row:
    """The row that stands for hidden lines."""
    words = f"… {hidden:,} more {'line' if hidden == 1 else 'lines'} (m shows more)"
    return Row((*lead, Span(words, "link")), prefix=sum([len(span.text) for span in lead]), more=True)


def _argument_sections(block: ToolBlock) -> list[Section]:
    named = named_arguments(block.arguments)
    if named is None:
        return [text_section(block.arguments)]
    sections: list[Section] = []
    for name, value in named.items():
        label = Span(f"{flat(name)}: ", "muted")
        if "\n" not in value:
            sections.append(Section([value], _labelled(label)))
        elif not block.diff:
            sections += [Section([""], _labelled(label)), Section(value.split("\n"), _labelled(Span("  ")))]
    return sections


def _labelled(label: Span) -> Callable[[str], TextLine]:
    def shown(line: str) -> TextLine:
        plain = plain_line(line)
        return plain._replace(spans=(label, *plain.spans))

    return shown


def _label(words: str) -> Section:
    return Section([f"── {words} ──"], _guide_line)


def _guide_line(line: str) -> TextLine:
    return TextLine((Span(line, "guide"),))


def _muted_line(line: str) -> TextLine:
    return TextLine((Span(line, "muted"),))


def _diff_line(line: str) -> TextLine:
    plain = plain_line(line)
    return plain._replace(spans=tuple(Span(span.text, _diff_role(line, span.role)) for span in plain.spans))


def _diff_role(line: str, role: Role) -> Role:
    if role != "text":
        return role
    if line.startswith("@@"):
        return "hunk"
    if line.startswith(("+++", "---")):
        return "muted"
    return _CHANGES.get(line[:1], "text")

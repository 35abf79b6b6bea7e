"""Rows of a block at a width: marks, one-line forms and how much is unfolded below them.

Every row begins with a gutter of three cells; the mark in it tells the kind of block without colour. Knows nothing of
styles and widgets.
"""

from __future__ import annotations

from dataclasses import dataclass

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.transcript_blocks import (
    AgentBlock,
    Block,
    HumanCommandBlock,
    NoticeBlock,
    NoticeKind,
    ObservationBlock,
    ReasoningBlock,
    ToolBlock,
    ToolState,
    UserBlock,
    duration_words,
    told_arguments,
)
from limi_tui.widgets.transcript_body import body_rows, more_row, text_section, tool_sections
from limi_tui.widgets.transcript_head import GUTTER, Head, flat, head_row
from limi_tui.widgets.transcript_rows import Role, Row, Span, TextLine, wrap

FOLDED_LINES = 40
"""Lines of a user's message that are shown while it is folded."""
OPEN_LINES = 200
"""Lines that unfolding shows at first."""

BLANK: tuple[Span, ...] = (Span(" "), Span(" " * (GUTTER - 1)))
"""The gutter of a row without a mark."""

_STATES: dict[ToolState, tuple[str, str, Role]] = {
    "writing": ("…", "writing", "active"),
    "waiting": ("?", "waiting for you", "warning"),
    "started": ("◌", "running", "active"),
    "done": ("✓", "done", "done"),
    "running": ("◌", "still running", "active"),
    "needs_input": ("?", "needs input", "warning"),
    "needs_password": ("?", "needs password", "warning"),
    "interrupted": ("■", "interrupted", "warning"),
    "denied": ("⊘", "denied", "failed"),
    "taken_over": ("⇄", "taken over", "warning"),
    "shell_lost": ("✗", "shell lost", "failed"),
    "error": ("✗", "error", "failed"),
}
_NOTICES: dict[NoticeKind, tuple[str, Role]] = {
    "note": ("·", "muted"),
    "retry": ("↻", "warning"),
    "error": ("✗", "error"),
    "limit": ("■", "warning"),
    "lease": ("⇄", "muted"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of a block is shown, and how wide."""

    width: int
    opened: bool = False
    limit: int = OPEN_LINES
    """Lines below the one-line form when opened."""


def foldable(block: Block) -> bool:
    """Whether a block has parts that unfolding shows."""
    match block:
        case ToolBlock() | ReasoningBlock():
            return True
        case HumanCommandBlock():
            return bool(block.output)
        case ObservationBlock():
            return bool(block.text)
        case UserBlock():
            return block.text.count("\n") >= FOLDED_LINES
        case _:
            return False


def gap_between(above: Block, block: Block) -> bool:
    """Messages stand apart; calls, commands and notices stand close; reasoning leads on to what follows."""
    if isinstance(above, ReasoningBlock):
        return isinstance(block, UserBlock)
    return isinstance(above, UserBlock | AgentBlock) or isinstance(block, UserBlock | AgentBlock)


def estimated_height(block: Block, width: int) -> int:
    """Rows of a folded block, guessed from the length of its text."""
    if isinstance(block, AgentBlock | UserBlock):
        return block.text.count("\n") + len(block.text) // width + 1
    return 1


def block_rows(block: Block, shape: Shape) -> list[Row]:
    """The rows of a block whose text does not grow.

    Raises:
        TypeError: it grows; `GrowingRows` lays it out.
    """
    match block:
        case UserBlock():
            return _user_rows(block, shape)
        case ToolBlock():
            return _tool_rows(block, shape)
        case HumanCommandBlock():
            return _human_rows(block, shape)
        case ObservationBlock():
            head = Head("»", "muted", (Span(flat(block.title), "muted"),), foldable=bool(block.text))
            rows = [head_row(head, shape.width, opened=shape.opened)]
            return rows + (body_rows([text_section(block.text)], shape.width, shape.limit) if shape.opened else [])
        case NoticeBlock():
            mark, role = _NOTICES[block.kind]
            return notice_rows(mark, role, block.text, width=shape.width)
        case _:
            raise TypeError(f"a {type(block).__name__} grows and has no fixed rows")


def notice_rows(mark: str, role: Role, text: str, *, width: int) -> list[Row]:
    """Wrapped text behind a mark."""
    rows: list[Row] = []
    for number, line in enumerate(visible_text(text).expandtabs(4).split("\n")):
        lead = BLANK if number else (Span(" "), Span(f"{mark} ", role))
        rows.extend(wrap(TextLine((Span(line, role),), lead=lead, hang=BLANK), width))
    return rows


def _user_rows(block: UserBlock, shape: Shape) -> list[Row]:
    rows: list[Row] = []
    lines = visible_text(block.text).expandtabs(4).rstrip("\n").split("\n")
    limit = max(shape.limit, FOLDED_LINES) if shape.opened else FOLDED_LINES
    for number, line in enumerate(lines[:limit]):
        lead = BLANK if number else (Span(" "), Span("› ", "user"))
        rows.extend(wrap(TextLine((Span(line, "user"),), lead=lead, hang=BLANK, fill="fill-user"), shape.width))
    if len(lines) > limit:
        rows.append(more_row(len(lines) - limit, BLANK)._replace(fill="fill-user"))
    return rows


def _human_rows(block: HumanCommandBlock, shape: Shape) -> list[Row]:
    ended = "" if block.exit_code is None else f"exit {block.exit_code}"
    head = Head(
        "$",
        "failed" if block.exit_code else "done",
        (Span(flat(block.command), "strong"),),
        words=" · ".join(part for part in (ended, "" if block.told else "agent not told") if part),
        detail="" if block.duration_ms is None else duration_words(block.duration_ms),
        foldable=bool(block.output),
    )
    rows = [head_row(head, shape.width, opened=shape.opened)]
    return rows + (body_rows([text_section(block.output)], shape.width, shape.limit) if shape.opened else [])


def _tool_rows(block: ToolBlock, shape: Shape) -> list[Row]:
    mark, words, role = _STATES[block.state]
    if block.state == "done" and block.exit_code:
        mark, words, role = "✗", f"exit {block.exit_code}", "failed"
    spans = (Span(flat(block.name), "name"), Span("  "), Span(flat(told_arguments(block))))
    lasted = "" if block.duration_ms is None else duration_words(block.duration_ms)
    detail = " · ".join(part for part in (block.decided, lasted) if part)
    rows = [head_row(Head(mark, role, spans, words, detail), shape.width, opened=shape.opened)]
    if block.remark:
        lead, hang = (*BLANK, Span("└ ", "guide")), (Span(" " * (GUTTER + 2)),)
        rows += wrap(TextLine((Span(flat(block.remark), role),), lead=lead, hang=hang), shape.width)
    return rows + (body_rows(tool_sections(block), shape.width, shape.limit) if shape.opened else [])

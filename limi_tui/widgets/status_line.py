"""One row that says how the session stands: who may type, what is allowed, what it costs.

Parts have a priority and the least important ones are left out where there is no room; nothing is told by colour alone.
Painted only when a value changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from limi_sessions.records.payload import ApprovalMode, LeaseOwner
from limi_sessions.records.visible import visible_text
from limi_tui.widgets.transcript_rows import shortened

TRAINING_LIMIT = 125_000
"""Tokens above which a session is too long to be trained on."""

Activity = Literal[
    "opening", "idle", "thinking", "running", "waiting", "waiting for the shell", "stopping", "closing", "not open"
]

_OWNERS: dict[LeaseOwner, str] = {"human": "YOU", "agent": "AGENT", "free": "FREE"}
_ACTIVITIES: dict[Activity, str] = {
    "opening": "opening",
    "idle": "idle",
    "thinking": "thinking",
    "running": "running",
    "waiting": "waiting for you",
    "waiting for the shell": "waiting for the shell",
    "stopping": "stopping",
    "closing": "closing",
    "not open": "not open",
}


@dataclass(frozen=True, slots=True)
class StatusValues:
    """Everything that the status line shows."""

    mode: ApprovalMode = "ask"
    lease: LeaseOwner = "free"
    sandbox: str = "none"
    model: str = ""
    demo: bool = False
    tokens: int | None = None
    """Of the last request and its answer; None when unknown."""
    tokens_estimated: bool = False
    token_limit: int = TRAINING_LIMIT
    cost_usd: float | None = None
    """None when the price is unknown."""
    active_s: float = 0.0
    """Seconds of work, pauses left out."""
    activity: Activity = "idle"


class StatusPart(NamedTuple):
    """A part of the row."""

    text: str
    role: str
    rank: int
    """The highest is left out first."""


class StatusLine(Widget):
    """The row."""

    DEFAULT_CSS = """
    StatusLine {
        height: 1;
        background: $panel;
        color: $foreground;
        .status--plain { color: $foreground; }
        .status--muted { color: $text-muted; }
        .status--human { background: $success; color: $background; text-style: bold; }
        .status--agent { background: $primary; color: $background; text-style: bold; }
        .status--free { color: $foreground; text-style: bold; }
        .status--warning { color: $text-warning; text-style: bold; }
        .status--danger { color: $text-error; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--plain",
        "status--muted",
        "status--human",
        "status--agent",
        "status--free",
        "status--warning",
        "status--danger",
    }
    ALLOW_SELECT = False

    def __init__(self, values: StatusValues | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._values = values or StatusValues()

    @property
    def values(self) -> StatusValues:
        """What is shown; setting equal values paints nothing."""
        return self._values

    @values.setter
    def values(self, values: StatusValues) -> None:
        if values != self._values:
            before = status_parts(self._values)
            self._values = values
            if status_parts(values) != before:
                self.refresh()

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        segments: list[Segment] = []
        for part in fitting_parts(status_parts(self._values), width):
            if segments:
                segments.append(Segment(" ", self._style("plain")))
            segments.append(Segment(part.text, self._style(part.role)))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _style(self, role: str) -> Style:
        return self.get_component_rich_style(f"status--{role}")


def status_parts(values: StatusValues) -> list[StatusPart]:
    """All parts from left to right."""
    waiting = values.activity == "waiting"
    parts = [
        StatusPart(f" {_OWNERS[values.lease]} ", values.lease, 0),
        StatusPart(f" {_ACTIVITIES[values.activity]} ", "warning" if waiting else "plain", 2),
        StatusPart(f" {values.mode.upper()} ", "danger" if values.mode == "yolo" else "plain", 1),
        StatusPart(f" sandbox: {visible_text(values.sandbox)} ", "danger" if values.sandbox == "none" else "muted", 3),
    ]
    if values.demo or values.model:
        name = shortened(visible_text(values.model, keep=""), 32)
        label = f" DEMO {name} " if values.demo else f" {name} "
        parts.append(StatusPart(label, "warning" if values.demo else "plain", 5))
    parts.append(_token_part(values))
    cost = "cost unknown" if values.cost_usd is None else f"${values.cost_usd:.4f}"
    parts.append(StatusPart(f" {cost} ", "muted", 6))
    parts.append(StatusPart(f" {clock_words(values.active_s)} ", "muted", 7))
    return parts


def fitting_parts(parts: list[StatusPart], width: int) -> list[StatusPart]:
    """Those that fit with a cell between them, the most important ones kept."""
    kept = list(parts)
    while len(kept) > 1 and sum(cell_len(part.text) + 1 for part in kept) - 1 > width:
        kept.remove(max(kept, key=lambda part: part.rank))
    return kept


def clock_words(seconds: float) -> str:
    """Hours, minutes and seconds: ``0:04:31``."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _token_part(values: StatusValues) -> StatusPart:
    if values.tokens is None:
        return StatusPart(" tokens unknown ", "muted", 4)
    about = "~" if values.tokens_estimated else ""
    full = values.tokens >= values.token_limit
    words = f" {about}{_thousands(values.tokens)}/{_thousands(values.token_limit)} tokens "
    return StatusPart(f" over limit:{words}" if full else words, "danger" if full else "plain", 4)


def _thousands(tokens: int) -> str:
    return str(tokens) if tokens < 1_000 else f"{tokens / 1000:.1f}k" if tokens < 100_000 else f"{tokens // 1000}k"

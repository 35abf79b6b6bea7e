"""One row that says how the session stands: who may type, what is allowed, what it costs.

Painted only when a value changes; a click on a part is told.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from limi_tui.widgets.status_parts import PartName, StatusValues, fitting_parts, status_parts


class StatusLine(Widget):
    """The row; its parts can be clicked."""

    class PartClicked(Message):
        """A person clicked a part."""

        def __init__(self, name: PartName) -> None:
            super().__init__()
            self.name = name

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

    def on_click(self, event: events.Click) -> None:
        """Tell which part was meant."""
        start = 0
        for part in fitting_parts(status_parts(self._values), self.size.width):
            if start <= event.x < start + cell_len(part.text):
                self.post_message(self.PartClicked(part.name))
                return
            start += cell_len(part.text) + 1

    def _style(self, role: str) -> Style:
        return self.get_component_rich_style(f"status--{role}")

"""The exact text that a call will run or write, folded at the edge and scrolled, its unusual characters marked.

Hidden characters are drawn, and whatever reads as something else is highlighted: what is approved is what is seen.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from limi_sessions.records.visible import suspicious_characters, visible_text
from limi_tui.widgets.transcript_rows import Row, Span, TextLine, wrap

_DRAWN_TAB = "→   "


class ApprovalPreview(ScrollView, can_focus=False):
    """A scrolled text without wrapping at words: nothing is lost at an edge."""

    DEFAULT_CSS = """
    ApprovalPreview {
        height: auto;
        max-height: 12;
        background: $surface;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        .approval--unusual { background: $error; color: $background; text-style: bold; }
        .approval--added { color: $text-success; }
        .approval--removed { color: $text-error; }
        .approval--tab { color: $text-disabled; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "approval--unusual",
        "approval--added",
        "approval--removed",
        "approval--tab",
    }

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._rows: list[Row] = []
        self._width = 0

    @property
    def unusual(self) -> tuple[str, ...]:
        """Names of the unusual characters in the text, each once, in order."""
        return tuple(dict.fromkeys(found.label for found in suspicious_characters(self._text)))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows of the whole text at a width."""
        self._wrap(width)
        return len(self._rows)

    def on_resize(self, _event: events.Resize) -> None:
        """Fold at the new edge."""
        self._wrap(self.scrollable_content_region.width)
        self.virtual_size = Size(self._width, len(self._rows))

    def render_line(self, y: int) -> Strip:
        """One row of the text."""
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        segments = [Segment(span.text, self._style(span.role)) for span in self._rows[number].spans]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _wrap(self, width: int) -> None:
        if width == self._width or width <= 0:
            return
        self._width = width
        self._rows = []
        for line in self._text.split("\n"):
            self._rows.extend(wrap(TextLine(exact_spans(line), fold=True), width))

    def _style(self, role: str) -> Style:
        if role == "text":
            return self.rich_style
        names = {"error": "unusual", "added": "added", "removed": "removed"}
        return self.get_component_rich_style(f"approval--{names.get(role, 'tab')}")


def exact_spans(line: str) -> tuple[Span, ...]:
    """The spans of one line: unusual characters in role ``error``, lines of a diff by their first character."""
    role = "added" if line.startswith("+") else "removed" if line.startswith("-") else "text"
    spans: list[Span] = []
    start = 0
    marked = [(found.offset, "error") for found in suspicious_characters(line)]
    marked += [(offset, "muted") for offset, character in enumerate(line) if character == "\t"]
    for offset, mark in sorted(marked):
        if offset > start:
            spans.append(Span(line[start:offset], role))
        character = line[offset]
        drawn = _DRAWN_TAB if character == "\t" else visible_text(character)
        if mark == "error" and drawn.isspace():
            drawn = f"<U+{ord(character):04X}>"
        spans.append(Span(drawn, "error" if mark == "error" else "muted"))
        start = offset + 1
    spans.append(Span(line[start:], role))
    kept = len(line.rstrip(" "))
    if kept < len(line) and spans[-1].text.endswith(" "):
        tail = spans.pop().text
        solid = tail.rstrip(" ")
        spans += [Span(solid, role), Span("·" * (len(tail) - len(solid)), "muted")]
    return tuple(span for span in spans if span.text)

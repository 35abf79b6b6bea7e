"""A terminal that can be read: kept rows by wheel and pages, selection by mouse, review and search by keyboard, copy.

Gives nothing to a child: `TerminalPane` does. What is copied leaves as a message, asked for by a key of a person.
"""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from limi_tui.widgets.terminal_bar import BarContent
from limi_tui.widgets.terminal_frame import Mark
from limi_tui.widgets.terminal_keys import REVIEW_KEY
from limi_tui.widgets.terminal_review import Extent, Review
from limi_tui.widgets.terminal_selection import Position, Selection, word_at
from limi_tui.widgets.terminal_view import TerminalView

WHEEL_ROWS = 3


class TerminalReader(TerminalView, can_focus=True):
    """Scrollback, selection, review and search over a `TerminalView`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+pageup,alt+pageup", "page(-1)", "Scroll back", id="shell-back", priority=True, show=False),
        Binding("shift+pagedown,alt+pagedown", "page(1)", "Scroll down", id="shell-down", priority=True, show=False),
        Binding(REVIEW_KEY, "review", "Review", id="shell-review", priority=True),
        Binding("ctrl+shift+f", "search", "Search", id="shell-search", priority=True, show=False),
        Binding("alt+c,ctrl+shift+c,ctrl+insert", "copy", "Copy", id="shell-copy", priority=True, show=False),
    ]

    class CopyRequested(Message, namespace="terminal_pane"):
        """A person pressed a key to copy."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.review: Review | None = None
        """The review of the kept rows, None while there is none."""
        self.selection: Selection | None = None
        """What the mouse has selected."""
        self._drag: Position | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave a chord to the child where it would do nothing here."""
        if action == "page":
            return self.review is None and not self.frame.modes.alternate_screen
        if action == "copy":
            return self.selection is not None or (self.review is not None and self.review.selection is not None)
        return super().check_action(action, parameters)

    def action_page(self, pages: int) -> None:
        """Move the view by pages, one row kept in sight."""
        self.scroll_rows(pages * max(1, self.frame.height - 1))

    def action_review(self) -> None:
        """Open the review at the child's cursor; close it when it is open."""
        if self.review is not None:
            self.return_to_live()
        elif self._engine is not None:
            y = self.frame.cursor.y if self.frame.top is None else self.frame.height - 1
            cursor = Position(self.frame.first + y, self.frame.cursor.x)
            self.review = Review(cursor, self.selection)
            self.selection = None
            self.hold_rows(self.frame.first)

    def action_search(self) -> None:
        """Open the review with its search."""
        if self.review is None:
            self.action_review()
        if self.review is not None:
            self.review.prompt = ""
            self.refresh()

    def action_copy(self) -> None:
        """Ask for the selection on the clipboard, and drop it."""
        selection = self.review.selection if self.review else self.selection
        if selection is None or self._engine is None:
            return
        start, end = selection.bounds(self.frame.cols)
        with self._lock:
            text = self._engine.selected_text(start, end)
        self.post_message(self.CopyRequested(text).set_sender(self))
        self.return_to_live()

    def return_to_live(self) -> None:
        """Drop review and selection, and follow the child's screen."""
        if self.review is None and self.selection is None and self.frame.top is None:
            return
        self.review = self.selection = self._drag = None
        self.show_rows(None)
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        """Give a key to the review that is open."""
        review = self.review
        if review is None or self._engine is None:
            return
        event.stop()
        event.prevent_default()
        extent = Extent(self.frame.total, self.frame.cols, max(1, self.frame.height - 1))
        step = review.press(event.key, event.character, extent)
        if step == "leave":
            self.return_to_live()
            return
        if step == "copy":
            self.action_copy()
            return
        if step == "search":
            with self._lock:
                matches = self._engine.search(review.needle)
            review.found(matches, extent)
        row = review.cursor.row
        self.hold_rows(min(max(self.frame.first, row - self.frame.height + 1), row))

    def on_paste(self, event: events.Paste) -> None:
        """Give a paste to the search that is being typed."""
        if self.review is not None:
            event.stop()
            if self.review.prompt is not None:
                self.review.prompt += event.text.partition("\n")[0]
                self.refresh()

    def cell_of(self, event: events.MouseEvent) -> Position:
        """Row on view and column under the pointer; outside the pane also beyond its edges."""
        offset = event.get_content_offset_capture(self)
        return Position(offset.y, offset.x)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a selection."""
        event.stop()
        if event.button != 1 or self.review is not None:
            return
        y, x = self.cell_of(event)
        if self.selection is not None:
            self.selection = None
            self.refresh()
        if y < self.frame.height:
            self._drag = Position(self.frame.first + y, min(x, self.frame.cols - 1))
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Extend the selection; beyond an edge the view scrolls."""
        event.stop()
        if self._drag is None:
            return
        y, x = self.cell_of(event)
        if y < 0 or y >= self.frame.height:
            self.scroll_rows(-1 if y < 0 else 1)
        row = self.frame.first + max(0, min(y, self.frame.height - 1))
        head = Position(row, max(0, min(x, self.frame.cols - 1)))
        selected = Selection(self._drag, head) if self.selection is not None or head != self._drag else None
        if selected != self.selection:
            self.selection = selected
            self.refresh()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End the selection."""
        event.stop()
        if self._drag is not None:
            self._drag = None
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Select a word by two clicks, a row by three."""
        event.stop()
        y, x = self.cell_of(event)
        if event.chain < 2 or self.review is not None or not 0 <= y < self.frame.height:
            return
        row = self.frame.first + y
        start, end = word_at(self.frame.row(y), x, self.frame.cols)
        self.selection = Selection(Position(row, start), Position(row, end), lines=event.chain > 2)
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll towards older rows."""
        self._wheel(event, -WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll towards newer rows."""
        self._wheel(event, WHEEL_ROWS)

    def _wheel(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        event.prevent_default()
        if self.review is None:
            self.scroll_rows(rows)
        else:
            self.hold_rows(max(0, min(self.frame.first + rows, self.frame.live_top)))

    def bar_content(self) -> BarContent:
        """The state the reader is in, when there is one."""
        if self.review is not None:
            return BarContent(self.owner, *self.review.says())
        if self.selection is not None and not self.banner:
            return BarContent(self.owner, "selected", "alt+c copies · typing clears")
        return super().bar_content()

    def marks(self, y: int) -> list[Mark]:
        """Search hits, the selection and the cursor, in this order."""
        row, review = self.frame.first + y, self.review
        marks: list[Mark] = []
        if review is not None:
            marks += [
                self.component_mark(hit.start, hit.end, "current-match" if current else "match")
                for hit, current in review.hits_in(row)
            ]
        selection = review.selection if review else self.selection
        if selection is not None and (span := selection.span(row, self.frame.cols)):
            marks.append(self.component_mark(*span, "selection"))
        if review is None:
            marks += self._child_cursor(y)
        elif review.cursor.row == row:
            marks.append(Mark(review.cursor.col, review.cursor.col + 1, _reversed))
        return marks

    def _child_cursor(self, y: int) -> list[Mark]:
        cursor = self.frame.cursor
        if self.frame.top is not None or not cursor.visible or cursor.y != y:
            return []
        x = min(cursor.x, self.frame.cols - 1)
        hollow = cursor.shape == "underline" or not self.has_focus
        return [Mark(x, x + 1, _underlined if hollow else _reversed)]


def _reversed(style: Style) -> Style:
    return style + Style(reverse=not style.reverse)


def _underlined(style: Style) -> Style:
    return style + Style(underline=not style.underline, bold=True)

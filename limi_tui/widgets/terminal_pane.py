"""The live shell as a person uses it: keys, mouse and pastes for the child, scrollback, search and selection for the eye.

Knows no pty: what is typed leaves as messages, and who may type is the shell's to decide. While rows above the live screen
are on view, or a selection stands, typing goes to the child all the same and brings the live screen back.
"""

from __future__ import annotations

from typing import ClassVar

from limi_sessions.terminal.engine import Match, MouseAction
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from limi_tui.widgets.terminal_bar import BarContent
from limi_tui.widgets.terminal_frame import Mark
from limi_tui.widgets.terminal_keys import LEAVE_KEY, REVIEW_KEY, press_of
from limi_tui.widgets.terminal_review import Extent, Review
from limi_tui.widgets.terminal_selection import Position, Selection, word_at
from limi_tui.widgets.terminal_view import TerminalView

_WHEEL_ROWS = 3


class TerminalPane(TerminalView, can_focus=True):
    """The shell pane."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "shift+pageup,alt+pageup", "page(-1)", "Scroll back", id="shell-scroll-back", priority=True, show=False
        ),
        Binding(
            "shift+pagedown,alt+pagedown", "page(1)", "Scroll down", id="shell-scroll-down", priority=True, show=False
        ),
        Binding(REVIEW_KEY, "review", "Review", id="shell-review", priority=True),
        Binding("ctrl+shift+f", "search", "Search", id="shell-search", priority=True, show=False),
        Binding("alt+c,ctrl+shift+c,ctrl+insert", "copy", "Copy", id="shell-copy", priority=True, show=False),
    ]

    class Typed(Message):
        """A key or mouse event for the child, encoded."""

        def __init__(self, data: bytes) -> None:
            super().__init__()
            self.data = data

    class Pasted(Message):
        """A paste for the child, as it came."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class CopyRequested(Message):
        """A person pressed a key to copy."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.review: Review | None = None
        """The review of the kept rows, None while keys go to the child."""
        self.selection: Selection | None = None
        """What the mouse has selected."""
        self._drag: Position | None = None
        self._pointed = Position(-1, -1)

    # Keys

    def on_key(self, event: events.Key) -> None:
        """Give a key to the review that is open, else to the child."""
        if self._engine is None or event.key == LEAVE_KEY:
            return
        if self.review is not None:
            event.stop()
            event.prevent_default()
            self._review_press(self.review, event)
            return
        press = press_of(event.key, event.character)
        if press is None:
            return
        if len(press.key) > 1 and press.key == press.text:
            typed = press.key.encode("utf-8", "replace")
        else:
            with self._lock:
                typed = self._engine.encode_key(
                    press.key, shift=press.shift, alt=press.alt, ctrl=press.ctrl, text=press.text
                )
        if typed:
            event.stop()
            event.prevent_default()
            self._type(typed)

    def _type(self, typed: bytes) -> None:
        self.return_to_live()
        self.post_message(self.Typed(typed))

    def on_paste(self, event: events.Paste) -> None:
        """Give a paste to the search that is being typed, else to the child."""
        event.stop()
        event.prevent_default()
        if self.review is not None:
            if self.review.prompt is not None:
                self.review.prompt += event.text.partition("\n")[0]
                self.refresh()
        elif self._engine is not None:
            self.return_to_live()
            self.post_message(self.Pasted(event.text))

    def on_blur(self) -> None:
        """Draw the cursor hollow."""
        self.refresh()

    def on_focus(self) -> None:
        """Draw the cursor full."""
        self.refresh()

    # Scrollback and review

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
            row = self.frame.first + (self.frame.cursor.y if self.frame.top is None else self.frame.height - 1)
            self.review = Review(Position(row, self.frame.cursor.x), self.selection)
            self.selection = None
            # An explicit top holds the view still while output goes on.
            self._hold_view(self.frame.first)

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
        self.post_message(self.CopyRequested(text))
        self.return_to_live()

    def return_to_live(self) -> None:
        """Drop review and selection, and follow the child's screen."""
        if self.review is None and self.selection is None and self.frame.top is None:
            return
        self.review = self.selection = self._drag = None
        self.show_rows(None)
        self.refresh()

    def _hold_view(self, top: int) -> None:
        self.frame.top, self._reread = top, True
        self._cancel()
        self._paint()
        self.refresh()

    def _review_press(self, review: Review, event: events.Key) -> None:
        extent = Extent(self.frame.total, self.frame.cols, max(1, self.frame.height - 1))
        step = review.press(event.key, event.character, extent)
        if step == "leave":
            self.return_to_live()
            return
        if step == "copy":
            self.action_copy()
            return
        if step == "search" and self._engine is not None:
            with self._lock:
                matches = self._engine.search(review.needle)
            review.found(matches, extent)
        row, height = review.cursor.row, self.frame.height
        top = min(max(self.frame.first, row - height + 1), row)
        self._hold_view(top)

    # Mouse

    def _cell(self, event: events.MouseEvent) -> Position:
        offset = event.get_content_offset_capture(self)
        return Position(offset.y, offset.x)

    def _tracked(self, event: events.MouseEvent) -> bool:
        """Whether a mouse event is the child's: it asked for them, sees the live screen, and Shift is not held."""
        return (
            self.frame.modes.mouse_tracking != "off"
            and not event.shift
            and self.review is None
            and self.frame.top is None
            and self._drag is None
        )

    def _give_mouse(self, action: MouseAction, event: events.MouseEvent) -> bool:
        y, x = self._cell(event)
        if self._engine is None or not self._tracked(event) or not 0 <= y < self.frame.height:
            return False
        if action == "motion" and self._pointed == (y, x):
            return True
        self._pointed = Position(y, x)
        with self._lock:
            typed = self._engine.encode_mouse(
                action, x=x, y=y, button=event.button, shift=event.shift, alt=event.meta, ctrl=event.ctrl
            )
        if typed:
            self.post_message(self.Typed(typed))
        return True

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press in the child, or begin a selection."""
        event.stop()
        if self._give_mouse("press", event) or event.button != 1 or self.review is not None:
            return
        y, x = self._cell(event)
        if self.selection is not None:
            self.selection = None
            self.refresh()
        if y < self.frame.height:
            self._drag = Position(self.frame.first + y, min(x, self.frame.cols - 1))
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move in the child, or extend the selection; beyond an edge the view scrolls."""
        event.stop()
        if self._drag is None:
            self._give_mouse("motion", event)
            return
        y, x = self._cell(event)
        if y < 0 or y >= self.frame.height:
            self.scroll_rows(-1 if y < 0 else 1)
        row = self.frame.first + max(0, min(y, self.frame.height - 1))
        head = Position(row, max(0, min(x, self.frame.cols - 1)))
        if self.selection is not None or head != self._drag:
            self.selection = Selection(self._drag, head)
            self.refresh()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Release in the child, or end the selection."""
        event.stop()
        if self._drag is None:
            self._give_mouse("release", event)
        else:
            self._drag = None
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Select a word by two clicks, a row by three."""
        event.stop()
        y, x = self._cell(event)
        if event.chain < 2 or self._tracked(event) or self.review is not None or not 0 <= y < self.frame.height:
            return
        row = self.frame.first + y
        start, end = word_at(self.frame.row(y), x, self.frame.cols)
        self.selection = Selection(Position(row, start), Position(row, end), lines=event.chain > 2)
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll in the child or towards older rows."""
        self._wheel("wheel_up", event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll in the child or towards newer rows."""
        self._wheel("wheel_down", event)

    def _wheel(self, action: MouseAction, event: events.MouseEvent) -> None:
        event.stop()
        event.prevent_default()
        if self._engine is None or self._give_mouse(action, event):
            return
        if self.frame.modes.alternate_screen and self.review is None:
            # A full-screen program without mouse keeps no rows above: it scrolls by arrows.
            with self._lock:
                arrow = self._engine.encode_key("up" if action == "wheel_up" else "down")
            self.post_message(self.Typed(arrow * _WHEEL_ROWS))
            return
        rows = -_WHEEL_ROWS if action == "wheel_up" else _WHEEL_ROWS
        if self.review is None:
            self.scroll_rows(rows)
        else:
            self._hold_view(max(0, min(self.frame.first + rows, self.frame.live_top)))

    # Drawing

    def bar_content(self) -> BarContent:
        """The state the pane is in, when it is not simply live."""
        content = super().bar_content()
        if self.review is not None:
            main, hint = self.review.says()
            return BarContent(self.owner, main, hint)
        if self.selection is not None and not self.banner:
            return BarContent(self.owner, "selected", "alt+c copies · typing clears")
        return content

    def marks(self, y: int) -> list[Mark]:
        """Search hits, the selection and the cursor, in this order."""
        row, cols = self.frame.first + y, self.frame.cols
        marks: list[Mark] = []
        review = self.review
        if review is not None:
            marks += [
                self._hit_mark(review, index, match) for index, match in enumerate(review.matches) if match.row == row
            ]
        selection = review.selection if review else self.selection
        if selection is not None and (span := selection.span(row, cols)):
            marks.append(self.component_mark(*span, "selection"))
        if review is not None:
            if review.cursor.row == row:
                marks.append(Mark(review.cursor.col, review.cursor.col + 1, _reversed))
        elif self.frame.top is None and self.frame.cursor.visible and self.frame.cursor.y == y:
            x = min(self.frame.cursor.x, cols - 1)
            underlined = self.frame.cursor.shape == "underline" or not self.has_focus
            marks.append(Mark(x, x + 1, _underlined if underlined else _reversed))
        return marks

    def _hit_mark(self, review: Review, index: int, match: Match) -> Mark:
        return self.component_mark(match.start, match.end, "current-match" if index == review.current else "match")


def _reversed(style: Style) -> Style:
    return style + Style(reverse=not style.reverse)


def _underlined(style: Style) -> Style:
    return style + Style(underline=not style.underline, bold=True)

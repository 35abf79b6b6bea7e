"""The live shell as a person uses it: keys, pastes and the mouse for the child, all else for the reader's eye.

Knows no pty: what is typed leaves as messages, and who may type is the shell's to decide. While older rows are on view
or a selection stands, typing goes to the child all the same and brings the live screen back.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from limi_sessions.terminal.engine import MouseAction
from limi_tui.widgets.terminal_keys import LEAVE_KEY, press_of
from limi_tui.widgets.terminal_reader import WHEEL_ROWS, TerminalReader
from limi_tui.widgets.terminal_selection import Position


class TerminalPane(TerminalReader, can_focus=True):
    """The shell pane.

    Handlers that give an event to the child prevent the reader's handler of the same event, which Textual calls next.
    """

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

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._pointed = Position(-1, -1)

    def on_key(self, event: events.Key) -> None:
        """Give a key to the child, but those that leave the pane or belong to a review."""
        if self._engine is None or event.key == LEAVE_KEY or self.review is not None:
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
        self.post_message(self.Typed(typed).set_sender(self))

    def on_paste(self, event: events.Paste) -> None:
        """Give a paste to the child."""
        if self._engine is not None and self.review is None:
            event.stop()
            event.prevent_default()
            self.return_to_live()
            self.post_message(self.Pasted(event.text).set_sender(self))

    def on_blur(self) -> None:
        """Draw the cursor hollow, and tell a child that wants to know."""
        self._tell_focus(b"\x1b[O")

    def on_focus(self) -> None:
        """Draw the cursor full, and tell a child that wants to know."""
        self._tell_focus(b"\x1b[I")

    def _tell_focus(self, report: bytes) -> None:
        self.refresh()
        if self._engine is not None and self.frame.modes.focus_events:
            self.post_message(self.Typed(report).set_sender(self))

    def _give_mouse(self, action: MouseAction, event: events.MouseEvent) -> bool:
        """Give a mouse event to the child, if it is the child's.

        It is when the child asked for the mouse, its live screen is on view, and Shift is not held.
        """
        y, x = self.cell_of(event)
        modes = self.frame.modes
        if (
            self._engine is None
            or modes.mouse_tracking == "off"
            or event.shift
            or self.review is not None
            or self.frame.top is not None
            or self._drag is not None
            or not 0 <= y < self.frame.height
        ):
            return False
        event.stop()
        event.prevent_default()
        if action == "motion" and self._pointed == (y, x):
            return True
        self._pointed = Position(y, x)
        with self._lock:
            typed = self._engine.encode_mouse(
                action, x=x, y=y, button=event.button, shift=event.shift, alt=event.meta, ctrl=event.ctrl
            )
        if typed:
            self.post_message(self.Typed(typed).set_sender(self))
        return True

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press in the child."""
        self._give_mouse("press", event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move in the child."""
        self._give_mouse("motion", event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Release in the child."""
        self._give_mouse("release", event)

    def on_click(self, event: events.Click) -> None:
        """Select nothing where the child has the mouse."""
        if self.frame.modes.mouse_tracking != "off" and not event.shift and self.frame.top is None:
            event.stop()
            event.prevent_default()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll in the child."""
        if not self._give_mouse("wheel_up", event):
            self._give_arrows("up", event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll in the child."""
        if not self._give_mouse("wheel_down", event):
            self._give_arrows("down", event)

    def _give_arrows(self, arrow: str, event: events.MouseEvent) -> None:
        """Scroll a full-screen program that wants no mouse: it keeps no rows above, and reads arrows."""
        if self._engine is None or not self.frame.modes.alternate_screen or self.review is not None:
            return
        event.stop()
        event.prevent_default()
        with self._lock:
            typed = self._engine.encode_key(arrow)
        self.post_message(self.Typed(typed * WHEEL_ROWS).set_sender(self))

"""The text area of the composer: keys that belong to the composer act at once and in the order they were typed.

A binding would act after the key has bubbled up to the app, and the next key could be in the text before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, cast

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import Binding, BindingType
from textual.keys import Keys
from textual.widgets import TextArea

from limi_tui.widgets.composer_paste import FoldedPastes

_NOT_TAKEN = ("f6", "f7")
"""Keys that a text area selects with and that are left to the screen."""


class ComposerText(TextArea):
    """Several lines of plain text."""

    DEFAULT_CSS = """
    ComposerText {
        height: auto;
        min-height: 1;
        max-height: 10;
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size-vertical: 1;
    }
    ComposerText:focus { border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="composer-send"),
        Binding("shift+enter,alt+enter,ctrl+j", "newline", "New line", id="composer-newline", show=False),
        Binding("ctrl+r", "search_history", "Search history", id="composer-history", show=False),
        Binding("ctrl+x", "edit", "Open $EDITOR", id="composer-edit", show=False),
        Binding("tab", "complete", "Complete a command", id="composer-complete", show=False),
    ]

    def __init__(self, pastes: FoldedPastes, *, placeholder: str) -> None:
        super().__init__(
            placeholder=placeholder, compact=True, highlight_cursor_line=False, show_line_numbers=False, soft_wrap=True
        )
        self.cursor_blink = False
        for key in _NOT_TAKEN:
            self._bindings.key_to_bindings.pop(key, None)
        _teach_alt_enter()
        self._pastes = pastes
        self._actions: Mapping[str, Callable[[], bool]] = {}
        self._first: Callable[[events.Key], bool] = _nothing
        self._walk: Callable[[int], bool] = _no_walk

    def connect(
        self,
        actions: Mapping[str, Callable[[], bool]],
        *,
        first: Callable[[events.Key], bool],
        walk: Callable[[int], bool],
    ) -> None:
        """Say who acts.

        Args:
            actions: by the name of a binding's action; the result tells whether the key was used.
            first: gets every key before all else; the result tells whether it was used.
            walk: gets -1 or 1 when the cursor is moved beyond the first or last row.
        """
        self._actions, self._first, self._walk = actions, first, walk

    async def _on_key(self, event: events.Key) -> None:
        if self._first(event) or self._act(event.key) or (event.key == "backspace" and self._delete_token()):
            event.stop()
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert(self._pastes.folded(event.text))
        self.focus()

    def action_cursor_up(self, select: bool = False) -> None:  # Textual's signature
        """Move up, from the first row into the history."""
        if select or self._visual_row() > 0 or not self._walk(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:  # Textual's signature
        """Move down, from the last row back out of the history."""
        if select or self._visual_row() < self.wrapped_document.height - 1 or not self._walk(1):
            super().action_cursor_down(select)

    def show(self, text: str) -> None:
        """Put a text in the place of all, the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def _act(self, key: str) -> bool:
        bound = [binding.action for binding in self._bindings.key_to_bindings.get(key, ())]
        return any(self._actions[action]() for action in bound if action in self._actions)

    def _visual_row(self) -> int:
        return self.wrapped_document.location_to_offset(self.cursor_location).y

    def _delete_token(self) -> bool:
        """Delete a folded paste as one character."""
        start, end = self.selection
        if start != end:
            return False
        token = self._pastes.token_before(self.document.get_line(end[0])[: end[1]])
        if token:
            self.delete((end[0], end[1] - len(token)), end)
        return bool(token)


def _teach_alt_enter() -> None:
    """Read Alt+Enter of terminals without the kitty protocol (ESC CR) as Ctrl+J; Textual drops it or sends Enter."""
    sequences = cast(dict[str, tuple[Keys, ...]], ANSI_SEQUENCES_KEYS)
    sequences.setdefault("\x1b\r", (Keys.ControlJ,))


def _nothing(_event: events.Key) -> bool:
    return False


def _no_walk(_step: int) -> bool:
    return False

"""One line of text, asked for in the middle of the screen."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class TextPrompt(ModalScreen[str | None]):
    """Returns the text, stripped; None when the person leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", id="leave-prompt")]
    DEFAULT_CSS = """
    TextPrompt {
        align: center middle;
        background: $background 70%;
        & > Vertical { width: 64; max-width: 96%; height: auto; padding: 1 2; background: $surface; }
        & > Vertical { border: round $primary; }
        .prompt-keys { color: $text-muted; margin-top: 1; }
        & Input, & Input:focus { border: none; background: $background; height: 1; margin-top: 1; padding: 0 1; }
    }
    """

    def __init__(self, question: str, text: str = "") -> None:
        super().__init__()
        self._question, self._text = question, text

    def compose(self) -> ComposeResult:
        """The question and its line."""
        with Vertical():
            yield Static(self._question, markup=False)
            yield Input(self._text, select_on_focus=False)
            yield Static("Enter keeps it · Esc leaves it as it is", classes="prompt-keys")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

"""The card at the end of a session, and the question before it is left.

A minute's work: outcome by one key, a note if there is something to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from limi_sessions.records.visible import visible_text

Outcome = Literal["success", "partial", "failure", "unjudged"]

_OUTCOMES: tuple[tuple[Outcome, str], ...] = (
    ("success", "did what was asked"),
    ("partial", "did a part of it"),
    ("failure", "did not"),
    ("unjudged", "judge it later"),
)


@dataclass(frozen=True, slots=True)
class FinishVerdict:
    """What the expert says about a finished session."""

    outcome: Outcome
    note: str = ""


class FinishCard(ModalScreen[FinishVerdict | None]):
    """Outcome and note; None when the expert went back to the session."""

    DEFAULT_CSS = """
    FinishCard {
        align: center middle;
        & > Vertical {
            width: 64;
            max-width: 100%;
            height: auto;
            padding: 1 2;
            background: $surface;
            border: round $primary;
        }
        OptionList, OptionList:focus {
            height: auto;
            border: none;
            padding: 0;
            margin: 1 0;
            background: $surface;
        }
        Input { height: 3; border: round $border-blurred; background: $surface; }
        Input:focus { border: round $border; }
        .card-title { text-style: bold; }
        .card-summary, .card-keys { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "choose(0)", "Success", id="finish-success", show=False),
        Binding("2", "choose(1)", "Partial", id="finish-partial", show=False),
        Binding("3", "choose(2)", "Failure", id="finish-failure", show=False),
        Binding("4", "choose(3)", "Unjudged", id="finish-unjudged", show=False),
        Binding("escape", "back", "Back to the session", id="finish-back"),
    ]

    def __init__(self, *, summary: str = "", outcome: Outcome = "unjudged") -> None:
        """Ask for a verdict.

        Args:
            summary: a line about the session: turns, tokens, cost, time.
            outcome: chosen at first.
        """
        super().__init__()
        self._summary = summary
        self._outcome: Outcome = outcome
        self._note = Input(placeholder="Note: what should the next reader know?")
        self._note.cursor_blink = False

    def compose(self) -> ComposeResult:
        """The card."""
        with Vertical():
            yield Static("Finish the session", classes="card-title", markup=False)
            if self._summary:
                yield Static(visible_text(self._summary), classes="card-summary", markup=False)
            yield OptionList(*[Option(_prompt(number, *words)) for number, words in enumerate(_OUTCOMES)])
            yield self._note
            keys = "1-4 choose · Tab note · Enter finishes · Esc goes back"
            yield Static(keys, classes="card-keys", markup=False)

    def on_mount(self) -> None:
        """Choose the outcome that is given."""
        choice = self.query_one(OptionList)
        choice.highlighted = [outcome for outcome, _ in _OUTCOMES].index(self._outcome)
        choice.focus()

    def action_choose(self, number: int) -> None:
        """Choose an outcome and go on to the note."""
        self.query_one(OptionList).highlighted = number
        self._note.focus()

    def action_back(self) -> None:
        """Go back without a verdict."""
        self.dismiss(None)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Mark the chosen outcome, not by colour alone."""
        event.stop()
        for number, words in enumerate(_OUTCOMES):
            mark = "›" if number == event.option_index else " "
            event.option_list.replace_option_prompt_at_index(number, _prompt(number, *words, mark=mark))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on an outcome finishes."""
        event.stop()
        self.finish()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the note finishes."""
        event.stop()
        self.finish()

    def finish(self) -> None:
        """Take the verdict as it stands."""
        number = self.query_one(OptionList).highlighted
        outcome = self._outcome if number is None else _OUTCOMES[number][0]
        self.dismiss(FinishVerdict(outcome, self._note.value.strip()))


class ConfirmQuit(ModalScreen[bool]):
    """Whether to leave while something is going on."""

    DEFAULT_CSS = """
    ConfirmQuit {
        align: center middle;
        & > Vertical {
            width: 56;
            max-width: 100%;
            height: auto;
            padding: 1 2;
            background: $surface;
            border: round $warning;
        }
        .card-title { text-style: bold; }
        .card-keys { color: $text-muted; margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Quit", id="quit-yes"),
        Binding("n,escape", "answer(False)", "Stay", id="quit-no"),
    ]

    def __init__(self, reason: str) -> None:
        """Ask.

        Args:
            reason: what goes on, and what leaving does to it.
        """
        super().__init__()
        self._reason = reason

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical():
            yield Static("Quit limi?", classes="card-title", markup=False)
            yield Static(visible_text(self._reason), markup=False)
            yield Static("y quits · n stays", classes="card-keys", markup=False)

    def action_answer(self, leave: bool) -> None:  # called by name from a binding
        """Answer."""
        self.dismiss(leave)


def _prompt(number: int, outcome: Outcome, words: str, *, mark: str = " ") -> Content:
    return Content(f"{mark} {number + 1}  {outcome.capitalize():<10}{words}")

"""First start without a model: what was found on this machine, and one of them to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, OptionList, Static
from textual.widgets.option_list import Option

from limi_sessions.agent.probe import FoundProvider
from limi_sessions.agent.spec import UnknownModel, parse_model
from limi_sessions.records.visible import visible_text

_INTRODUCTION = (
    "limi needs a model to work with. This is what was found here: keys in the environment or the keyring, servers on "
    "this machine, and the small embedded DEMO model, which shows how things work and is no good at tasks."
)


@dataclass(frozen=True)
class ChosenModel:
    """The model to begin with."""

    model: str
    remember: bool
    """Use it from now on without asking."""


class ModelChoice(ModalScreen[ChosenModel | None]):
    """Returns the chosen model, None when the person leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="leave-model-choice"),
    ]
    CSS_PATH = "model_choice.tcss"

    def __init__(self, found: Sequence[FoundProvider], environ: Mapping[str, str]) -> None:
        """Args: found: what is there; environ: where keys are looked up."""
        super().__init__()
        self._found = found
        self._environ = environ

    def compose(self) -> ComposeResult:
        """The list, a line for any other name, and whether to remember."""
        with Vertical(id="choice"):
            yield Static("Which model?", id="choice-title")
            yield Static(_INTRODUCTION, markup=False)
            yield OptionList(*map(_option, self._found), id="found", markup=False)
            yield Input(placeholder="another one: zai/glm-4.5, openai/NAME, ollama/NAME", id="other")
            yield Static("", id="problem", markup=False)
            yield Checkbox("use it from now on without asking", id="remember")
            yield Static("Enter begins, Tab moves on, Escape decides later. /model changes it.", id="choice-hint")

    def on_mount(self) -> None:
        """Begin at the first that is ready."""
        ready = [number for number, found in enumerate(self._found) if found.ready]
        if ready:
            options = self.query_one("#found", OptionList)
            options.highlighted = ready[0]
            options.focus()
        else:
            self.query_one("#other", Input).focus()
            self.query_one("#problem", Static).update("Nothing is ready here: type a name, or see `limi doctor`.")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(self._found[event.option_index].model)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self._choose(event.value.strip())

    def _choose(self, model: str) -> None:
        try:
            parse_model(model, environ=self._environ)
        except UnknownModel as error:
            self.query_one("#problem", Static).update(visible_text(str(error)))
            return
        self.dismiss(ChosenModel(model, self.query_one(Checkbox).value))

    def action_leave(self) -> None:
        """Leave without a model."""
        self.dismiss(None)


def _option(found: FoundProvider) -> Option:
    return Option(Content(visible_text(f"{found.model:<28} {found.how}", keep="")), disabled=not found.ready)

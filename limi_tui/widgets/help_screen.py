"""Every key of the screen below, as it is bound now: nothing here is written by hand."""

from __future__ import annotations

import re
from typing import ClassVar, cast

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

_HIDDEN = frozenset({"Maximize", "Minimize", "Copy selected text"})


class HelpScreen(ModalScreen[None]):
    """Keys by the widget that takes them."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 72;
            max-width: 100%;
            height: auto;
            max-height: 90%;
            padding: 1 2;
            background: $surface;
            border: round $primary;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "close", "Close", id="help-close")]

    def __init__(self, described: Screen[object]) -> None:
        """Describe a screen.

        Args:
            described: the screen whose keys, and those of its widgets, are listed.
        """
        super().__init__()
        self._sections = key_sections(described)

    def compose(self) -> ComposeResult:
        """The list."""
        with VerticalScroll() as card:
            card.border_title = "Keys"
            card.border_subtitle = "Esc closes"
            for title, keys in self._sections:
                yield Static(Content.styled(title, "bold"))
                for key, words in keys:
                    yield Static(Content(f"  {key:<20} {words}"))
                yield Static("")

    def action_close(self) -> None:
        """Close the list."""
        self.dismiss(None)


def key_sections(described: Screen[object]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Keys and what they do, by screen and widget, outermost first; widgets of one kind once."""
    app = cast(App[object], described.app)  # pyright: ignore[reportUnknownMemberType]  # generic in Textual
    nodes: list[DOMNode] = [app, described, *described.walk_children()]
    sections: dict[str, list[tuple[str, str]]] = {}
    for node in nodes:
        title = "Everywhere" if node is app else _spoken(type(node).__name__)
        if title not in sections:
            sections[title] = _keys_of(node, app)
    return [(title, keys) for title, keys in sections.items() if keys]


def _spoken(class_name: str) -> str:
    """A widget's name in words: ``TerminalPane`` is the terminal pane, a screen goes by what it shows."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", class_name.removesuffix("Screen")).capitalize()


def _keys_of(node: DOMNode, app: App[object]) -> list[tuple[str, str]]:
    actions: dict[str, tuple[list[str], str]] = {}
    # Textual has no public view of the bindings of a widget that does not have the focus.
    for bindings in node._bindings.key_to_bindings.values():  # pyright: ignore[reportPrivateUsage]
        for binding in bindings:
            if binding.description and binding.description not in _HIDDEN and not binding.system:
                keys, _ = actions.setdefault(binding.action, ([], binding.description))
                keys.append(app.get_key_display(binding))
    return [(", ".join(keys), words) for keys, words in actions.values()]

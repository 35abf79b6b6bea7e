"""The rows above the composer's text: the question that is asked, and the search through the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.content import Content
from textual.widgets import Static

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.composer_history import HistorySearch, PromptHistory


class ComposerQuestion(Static):
    """A question of the agent with its options."""

    DEFAULT_CSS = """
    ComposerQuestion {
        display: none;
        height: auto;
        max-height: 8;
        overflow-y: auto;
        color: $text-warning;
        text-style: bold;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.asked = False
        self._options: tuple[str, ...] = ()

    def ask(self, question: str, options: Sequence[str]) -> None:
        """Show a question."""
        self.asked, self._options = True, tuple(options)
        numbered = [f"{number}  {visible_text(option)}" for number, option in enumerate(options, start=1)]
        self.update(Content("\n".join([visible_text(question), *numbered])))
        self.display = True

    def end(self) -> None:
        """Hide the question."""
        self.asked, self._options, self.display = False, (), False

    def option(self, event: events.Key) -> str | None:
        """The option whose number a key is, None for other keys."""
        digit = event.character or ""
        number = int(digit) if digit.isascii() and digit.isdecimal() else 0
        return self._options[number - 1] if 1 <= number <= len(self._options) else None


class ComposerSearch(Static):
    """A search backwards through the history, letter by letter."""

    DEFAULT_CSS = """
    ComposerSearch { display: none; height: 1; color: $text-muted; }
    """

    def __init__(self, history: PromptHistory, *, show: Callable[[str], None]) -> None:
        """Search a history.

        Args:
            history: what is searched.
            show: gets what the composer's text is to be.
        """
        super().__init__(markup=False)
        self._search = HistorySearch(history)
        self._show = show

    @property
    def active(self) -> bool:
        """Whether keys belong to the search."""
        return self._search.active

    def begin(self, draft: str) -> None:
        """Ask for a needle."""
        self._search.begin(draft)
        self.update(self._search.status())
        self.display = True

    def take_key(self, event: events.Key) -> bool:
        """Search on, or end; the result tells whether the key was used up."""
        search = self._search
        if event.key == "ctrl+r":
            search.older()
        elif event.key == "backspace":
            search.type(search.needle[:-1])
        elif event.is_printable and event.character:
            search.type(search.needle + event.character)
        else:
            search.end()
            self.display = False
            if event.key == "escape":
                self._show(search.draft)
            return event.key in {"escape", "enter"}
        self.update(search.status())
        self._show(search.text)
        return True

"""Where the expert writes: messages, commands and answers, in several lines.

Enter sends; Shift+Enter, Alt+Enter or Ctrl+J begin a new line (terminals without the kitty protocol send the same for
Enter and Shift+Enter: Ctrl+J always works). The composer decides what a text is and posts it; it runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from textual import events, on
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.composer_commands import Commands
from limi_tui.widgets.composer_editor import EditorUnusable, edited
from limi_tui.widgets.composer_history import PromptHistory
from limi_tui.widgets.composer_paste import FoldedPastes
from limi_tui.widgets.composer_rows import ComposerQuestion, ComposerSearch
from limi_tui.widgets.composer_text import ComposerText


class Composer(Vertical):
    """The input at the bottom of a session."""

    DEFAULT_CSS = """
    Composer {
        height: auto;
        max-height: 24;
        padding: 0 1;
        background: $surface;
        border-left: outer $border-blurred;
        &:focus-within { border-left: outer $primary; }
        .composer-hint { display: none; height: 1; color: $text-warning; }
        & > OptionList {
            display: none;
            height: auto;
            max-height: 8;
            border: none;
            padding: 0;
            background: $panel;
        }
    }
    """

    class Submitted(Message):
        """A message for the agent, folded pastes whole again."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class CommandEntered(Message):
        """A known command."""

        def __init__(self, name: str, arguments: str) -> None:
            super().__init__()
            self.name = name
            self.arguments = arguments

    class Answered(Message):
        """The answer to the question that was asked."""

        def __init__(self, answer: str) -> None:
            super().__init__()
            self.answer = answer

    def __init__(
        self,
        *,
        commands: Iterable[tuple[str, str]] = (),
        history: Iterable[str] = (),
        placeholder: str = "Message the agent · / for commands · Ctrl+J new line",
        id: str | None = None,  # noqa: A002
    ) -> None:
        """Make a composer.

        Args:
            commands: (name without slash, help) of the commands that are known.
            history: what was sent before, oldest first.
            placeholder: shown while there is no text.
            id: Textual's.
        """
        super().__init__(id=id)
        self._commands = Commands(commands)
        self._history = PromptHistory(history)
        self._pastes = FoldedPastes()
        self._area = ComposerText(self._pastes, placeholder=placeholder)
        self._question = ComposerQuestion()
        self._search = ComposerSearch(self._history, show=self._area.show)
        self._hint = Static(classes="composer-hint", markup=False)
        self._completions = OptionList()
        self._completions.can_focus = False
        self._placeholder = placeholder
        self._confirmed = ""

    def compose(self) -> ComposeResult:
        """Question, completions, search, hint, text."""
        yield self._question
        yield self._completions
        yield self._search
        yield self._hint
        yield self._area

    def on_mount(self) -> None:
        """Take the keys that are the composer's."""
        actions = {
            "send": self._send,
            "newline": self._newline,
            "search_history": self._begin_search,
            "edit": self._edit,
            "complete": self._complete,
        }
        self._area.connect(actions, first=self._take_key, walk=self._walk)

    @property
    def text(self) -> str:
        """What stands in the composer, folded pastes as tokens."""
        return self._area.text

    @text.setter
    def text(self, text: str) -> None:
        self._area.show(text)

    def focus(self, scroll_visible: bool = True) -> Composer:  # Textual's signature
        """Focus the text."""
        self._area.focus(scroll_visible)
        return self

    def ask(self, question: str, options: Sequence[str] = ()) -> None:
        """Show a question; the next text is its answer, and so is the number of an option."""
        self._question.ask(question, options)
        numbers = "1" if len(options) == 1 else f"1-{len(options)}"
        chooses = f"{numbers} chooses · " if options else ""
        self._area.placeholder = f"{chooses}Enter answers the agent"

    def end_ask(self) -> None:
        """Write messages again."""
        self._question.end()
        self._area.placeholder = self._placeholder

    @on(TextArea.Changed)
    def _show_completions(self, event: TextArea.Changed) -> None:
        event.stop()
        found = [] if self._search.active else self._commands.candidates(self._area.text)
        self._completions.display = bool(found)
        self._hint.display = False
        if found:
            width = max(len(command.name) for command in found) + 3
            self._completions.set_options(
                [Option(Content(f"/{command.name:<{width}}{command.help}"), id=command.name) for command in found]
            )
            self._completions.highlighted = 0

    @on(OptionList.OptionSelected)
    def _take_completion(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id:
            self._area.show(f"/{event.option.id} ")

    def _take_key(self, event: events.Key) -> bool:
        if self._search.active:
            return self._search.take_key(event)
        if self._completions.display and event.key in {"up", "down", "escape"}:
            if event.key == "escape":
                self._completions.display = False
            else:
                (self._completions.action_cursor_up if event.key == "up" else self._completions.action_cursor_down)()
            return True
        option = None if self._area.text else self._question.option(event)
        if option is not None:
            self._answer(option)
            return True
        return False

    def _send(self) -> bool:
        text = self._pastes.expanded(self._area.text)
        if not text.strip():
            return True
        if command := self._commands.parsed(text):
            self._clear(text)
            self.post_message(self.CommandEntered(*command))
        elif self._complete():
            return True
        elif self._question.asked:
            self._answer(text)
        elif (word := self._commands.mistyped(text)) and self._confirmed != text:
            self._confirmed = text
            self._hint.update(f"no command {visible_text(word)}: Enter again sends it to the agent as text")
            self._hint.display = True
        else:
            self._clear(text)
            self.post_message(self.Submitted(text))
        return True

    def _answer(self, answer: str) -> None:
        self._clear(answer)
        self.end_ask()
        self.post_message(self.Answered(answer))

    def _clear(self, sent: str) -> None:
        self._history.add(sent)
        self._confirmed = ""
        self._area.show("")
        self._pastes.clear()

    def _newline(self) -> bool:
        self._area.insert("\n")
        return True

    def _complete(self) -> bool:
        """Fill in the highlighted command, or the first one that fits."""
        found = self._commands.candidates(self._area.text)
        if found:
            highlighted = (self._completions.highlighted or 0) if self._completions.display else 0
            self._area.show(f"/{found[min(highlighted, len(found) - 1)].name} ")
        return bool(found)

    def _walk(self, step: int) -> bool:
        text = self._history.older(self._area.text) if step < 0 else self._history.newer()
        if text is not None:
            self._area.show(text)
        return text is not None

    def _begin_search(self) -> bool:
        self._search.begin(self._area.text)
        return True

    def _edit(self) -> bool:
        self.run_worker(self._edit_text(), group="composer-editor", exclusive=True, description="text in $EDITOR")
        return True

    async def _edit_text(self) -> None:
        try:
            app = cast(App[object], self.app)  # pyright: ignore[reportUnknownMemberType]  # generic in Textual
            text = await edited(app, self._pastes.expanded(self._area.text))
        except EditorUnusable as error:
            self.notify(visible_text(str(error)), severity="error", markup=False)
        else:
            self._area.show(text)

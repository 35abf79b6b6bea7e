"""The keys of an approval as words that can be clicked, named as they are bound."""

from __future__ import annotations

from typing import cast

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from limi_sessions.agent.ports import Proposal
from limi_sessions.records.visible import visible_text


def actions_by_key(widget: Widget) -> dict[str, str]:
    """What the keys of a widget's own bindings do, as the expert has mapped them."""
    app = cast(App[object], widget.app)  # pyright: ignore[reportUnknownMemberType]  # generic in Textual
    # Textual maps keys only on the way to a binding's action, which comes after the next key has been typed.
    bindings = widget._bindings.copy()  # pyright: ignore[reportPrivateUsage]
    bindings.apply_keymap(app._keymap)  # pyright: ignore[reportPrivateUsage]
    return {key: bound[0].action for key, bound in bindings.key_to_bindings.items() if bound}


class KeyWord(Static):
    """One key and what it does."""

    def __init__(self, action: str, words: str) -> None:
        super().__init__(classes="approval-key")
        self.action = action
        self.words = words


class ApprovalFoot(Vertical):
    """The row of keys, and what accepting for the session is about."""

    DEFAULT_CSS = """
    ApprovalFoot {
        height: auto;
        & > Horizontal { height: 1; }
        .approval-key { width: auto; margin-right: 2; }
        .approval-key:hover { text-style: underline; }
        .approval-key.-off, .approval-key.-off:hover { color: $text-disabled; text-style: none; }
        &:nocolor .approval-key.-off { text-style: strike; }
        .approval-place { width: 1fr; text-align: right; color: $text-muted; }
        .approval-covers { height: auto; max-height: 2; color: $text-muted; }
    }
    """

    class Chosen(Message):
        """A word was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, bound: Widget, proposal: Proposal, *, may_turn: bool) -> None:
        """Make the row.

        Args:
            bound: whose keys they are.
            proposal: whether and how it can be remembered.
            may_turn: whether there is a side by side form.
        """
        super().__init__()
        self._bound = bound
        self._proposal = proposal
        self._turn = KeyWord("turn", "side by side" if may_turn else "")
        self._words = (
            KeyWord("accept", "accept"),
            KeyWord("remember", "for this session"),
            KeyWord("edit", "edit"),
            KeyWord("reject", "reject"),
            self._turn,
        )
        self._words[1].set_class(not proposal.rememberable, "-off")
        self._place = Static(classes="approval-place")

    def compose(self) -> ComposeResult:
        """The words, and what `for this session` means."""
        with Horizontal():
            yield from self._words
            yield self._place
        if self._proposal.rememberable:
            yield self._covers("for this session", self._proposal.rememberable)
        elif self._proposal.not_rememberable:
            yield self._covers("not for this session", self._proposal.not_rememberable)

    def on_mount(self) -> None:
        """Name the keys."""
        self._draw()

    def place(self, last: int, count: int, *, beside: bool) -> None:
        """Say how far the view has come, in rows from 1, unless all are in view; and what turning does next."""
        self._place.update("" if last >= count else f"↑↓ {last}/{count}")
        if self._turn.words:
            self._turn.words = "unified" if beside else "side by side"
            self._draw()

    def on_click(self, event: Click) -> None:
        """The words are buttons."""
        if isinstance(event.widget, KeyWord):
            event.stop()
            self.post_message(self.Chosen(event.widget.action))

    def _draw(self) -> None:
        keys = {action: key for key, action in reversed(actions_by_key(self._bound).items())}
        for word in self._words:
            word.display = bool(word.words)
            word.update(Content.assemble((keys.get(word.action, "-"), "bold"), f" {word.words}"))

    def _covers(self, words: str, meant: str) -> Static:
        return Static(Content(visible_text(f"{words}: {meant}", keep="")), classes="approval-covers")

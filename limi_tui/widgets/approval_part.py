"""A part of an approval that takes the keys while it is open: the editor, or the reasons for a rejection."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import events
from textual.app import App
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from limi_sessions.agent.ports import Decision


class ApprovalPart(Vertical):
    """Closed at first; letters are text while it is open."""

    class Left(Message):
        """The expert goes back to the proposal."""

    class Concluded(Message):
        """The expert decided here."""

        def __init__(self, decision: Decision) -> None:
            super().__init__()
            self.decision = decision

    share_of_sheet: ClassVar[int]
    """Percent of the window's height that is left to the exact text."""
    _passed: events.Key | None = None

    @property
    def typed_into(self) -> Widget:
        """What gets the keys."""
        raise NotImplementedError

    def on_key(self, event: events.Key) -> None:
        """Remember a key that came from within and goes on to the bar."""
        self._passed = event

    def gets(self, event: events.Key) -> bool:
        """Whether a key was meant for this part: one that reached the bar before the focus had moved."""
        if event is self._passed:
            return False
        key = events.Key(event.key, event.character)
        # As the app gives a key to what has the focus: it must bubble up to the app, which acts on bindings.
        key.set_sender(cast(App[object], self.app))  # pyright: ignore[reportUnknownMemberType]  # generic
        self.typed_into._forward_event(key)  # pyright: ignore[reportPrivateUsage]
        return True

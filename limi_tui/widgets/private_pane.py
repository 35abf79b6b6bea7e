"""The pane of the person's own shell: the same pane, with a line that says what this shell is."""

from __future__ import annotations

from textual.reactive import reactive

from limi_tui.widgets.terminal_bar import BarContent
from limi_tui.widgets.terminal_pane import TerminalPane

_BARE = "unconfined, not recorded · F9 back"
_RECORDED = "unconfined, RECORDED · F9 back"


class PrivatePane(TerminalPane):
    """An unconfined shell for the person alone."""

    is_recorded: reactive[bool] = reactive(False, init=False)
    """Whether its bytes and commands are kept."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.set_reactive(PrivatePane.owner, "private")

    def bar_content(self) -> BarContent:
        """What this shell is, unless the pane has something to say of its own."""
        content = super().bar_content()
        if self.banner or self.review is not None or self.selection is not None:
            return content
        return BarContent("private", _RECORDED if self.is_recorded else _BARE, content.hint)

"""The bar that asks for one call: what it is, what exactly it does, accept or reject with a reason.

It never takes a key that was meant for the composer: keys act only while the bar has the focus, and not within
`QUIET_S` of its appearance or of its getting the focus. Which widget has the focus is the screen's decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.approval_preview import ApprovalPreview

QUIET_S = 0.4
"""Seconds after appearing in which keys decide nothing: those of an expert who was typing."""
_MOST_NAMED = 3


class ApprovalBar(Vertical, can_focus=True):
    """One proposed call that waits for the expert."""

    DEFAULT_CSS = """
    ApprovalBar {
        height: auto;
        max-height: 20;
        padding: 0 1;
        background: $surface;
        border-left: outer $warning;
        & > Static { height: auto; width: 1fr; }
        .approval-warning { color: $text-error; text-style: bold; }
        .approval-keys { height: 1; color: $text-muted; }
        .approval-key { width: auto; margin-right: 3; }
        .approval-key:hover { text-style: underline; }
        & > Input { height: 1; border: none; padding: 0; background: $panel; }
        &:focus { border-left: outer $primary; background-tint: $foreground 4%; }
        &:focus > .approval-keys { color: $text; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Accept", id="approval-accept"),
        Binding("r", "reject", "Reject", id="approval-reject"),
        Binding("up", "scroll_preview(-1)", "Scroll up", id="approval-up", show=False),
        Binding("down", "scroll_preview(1)", "Scroll down", id="approval-down", show=False),
        Binding("pageup", "scroll_preview(-10)", "Page up", id="approval-page-up", show=False),
        Binding("pagedown", "scroll_preview(10)", "Page down", id="approval-page-down", show=False),
    ]

    class Decided(Message):
        """The expert decided."""

        def __init__(self, call_id: str, *, accept: bool, reason: str) -> None:
            super().__init__()
            self.call_id = call_id
            self.accept = accept
            self.reason = reason
            """Why it was rejected, may be empty."""

    def __init__(
        self,
        call_id: str,
        title: str,
        preview: str,
        *,
        demo: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask for one call.

        Args:
            call_id: comes back with the decision.
            title: the tool and what it is about, one line.
            preview: exactly what runs or is written.
            demo: the demo model proposed it.
            clock: seconds, for `QUIET_S`.
        """
        super().__init__()
        self._call_id = call_id
        self._title = title
        self._preview = ApprovalPreview(preview)
        self._accept_key = Static(Content.assemble(("a", "bold"), " accept"), classes="approval-key")
        self._reject_key = Static(Content.assemble(("r", "bold"), " reject"), classes="approval-key")
        self._reason = Input(placeholder="reason (may be empty) · Enter rejects · Esc goes back", compact=True)
        self._reason.cursor_blink = False
        self._reason.display = False
        self._demo = demo
        self._clock = clock
        self._quiet_until = clock() + QUIET_S
        self._decided = False

    def compose(self) -> ComposeResult:
        """Title, warnings, exact text, keys, reason."""
        label = Content.styled(" DEMO ", "bold reverse") + " " if self._demo else Content()
        yield Static(label + Content.styled(visible_text(self._title, keep=""), "bold"), classes="approval-title")
        if unusual := self._preview.unusual:
            more = f" and {len(unusual) - _MOST_NAMED} more" if len(unusual) > _MOST_NAMED else ""
            named = ", ".join(unusual[:_MOST_NAMED])
            yield Static(Content(f"! unusual characters: {named}{more}"), classes="approval-warning")
        yield self._preview
        with Horizontal(classes="approval-keys"):
            yield self._accept_key
            yield self._reject_key
        yield self._reason

    def on_mount(self) -> None:
        """Begin to be seen."""
        self._begin_quiet()

    def on_focus(self, _event: events.Focus) -> None:
        """Begin to be meant by keys."""
        self._begin_quiet()

    def action_accept(self) -> None:
        """Accept, unless the key was meant for another widget."""
        if self._clock() >= self._quiet_until and not self.has_class("-rejecting"):
            self._decide(accept=True, reason="")

    def action_reject(self) -> None:
        """Ask for the reason, unless the key was meant for another widget."""
        if self._clock() >= self._quiet_until:
            self._ask_reason()

    def action_scroll_preview(self, rows: int) -> None:
        """Scroll the exact text."""
        self._preview.scroll_relative(y=rows, animate=False)

    def on_click(self, event: events.Click) -> None:
        """The words of the last line are buttons."""
        if event.widget is self._accept_key:
            event.stop()
            self._decide(accept=True, reason="")
        elif event.widget is self._reject_key:
            event.stop()
            self._ask_reason()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Reject with what was typed."""
        event.stop()
        self._decide(accept=False, reason=event.value.strip())

    def on_key(self, event: events.Key) -> None:
        """Escape takes a rejection back."""
        if event.key == "escape" and self.has_class("-rejecting"):
            event.stop()
            self.remove_class("-rejecting")
            self._reason.display = False
            self.focus()

    def _begin_quiet(self) -> None:
        self._quiet_until = self._clock() + QUIET_S

    def _ask_reason(self) -> None:
        self.add_class("-rejecting")
        # At once: `focus` waits its turn, and the first letters of a reason would decide as keys.
        self._reason.display = True
        self.screen.set_focus(self._reason)

    def _decide(self, *, accept: bool, reason: str) -> None:
        if not self._decided:
            self._decided = True
            self.post_message(self.Decided(self._call_id, accept=accept, reason=reason))

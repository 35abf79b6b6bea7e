"""The bar that asks for one call: what it is, what exactly it does, and what the expert makes of it.

Accept it, accept its like for the session, change it first, or reject it with a reason. It never takes a key that was
meant for the composer: keys act only while the bar has the focus, and not before a quiet time has passed since
it appeared or got the focus. Which widget has the focus is the screen's decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from limi_sessions.agent.ports import Decision, Proposal
from limi_tui.widgets.approval_editor import ApprovalEditor
from limi_tui.widgets.approval_head import ApprovalHead
from limi_tui.widgets.approval_keys import ApprovalFoot, actions_by_key
from limi_tui.widgets.approval_part import ApprovalPart
from limi_tui.widgets.approval_preview import TALLEST, ApprovalPreview
from limi_tui.widgets.approval_quiet import QuietTime
from limi_tui.widgets.approval_reject import ApprovalReasons
from limi_tui.widgets.approval_sheet import ApprovalSheet
from limi_tui.widgets.approval_shown import Shown


class ApprovalBar(Vertical, can_focus=True):
    """One proposed call that waits for the expert."""

    DEFAULT_CSS = """
    ApprovalBar {
        height: auto;
        padding: 0 1;
        background: $surface;
        border-left: outer $warning;
        & > ApprovalFoot { color: $text-muted; }
        &:focus-within { border-left: outer $primary; background-tint: $foreground 4%; }
        &:focus > ApprovalFoot { color: $text; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Accept", id="approval-accept"),
        Binding("s", "remember", "Accept for this session", id="approval-remember", show=False),
        Binding("e", "edit", "Edit, then accept", id="approval-edit", show=False),
        Binding("r", "reject", "Reject", id="approval-reject"),
        Binding("d", "turn", "Change side by side or unified", id="approval-sides", show=False),
        Binding("up", "scroll_preview(-1)", "Scroll up", id="approval-up", show=False),
        Binding("down", "scroll_preview(1)", "Scroll down", id="approval-down", show=False),
        Binding("pageup", "scroll_preview(-10)", "Page up", id="approval-page-up", show=False),
        Binding("pagedown", "scroll_preview(10)", "Page down", id="approval-page-down", show=False),
    ]

    class Decided(Message):
        """The expert decided."""

        def __init__(self, call_id: str, decision: Decision) -> None:
            super().__init__()
            self.call_id = call_id
            self.decision = decision

    class Typed(Message):
        """The expert typed what is no key of this bar: a message to the agent that the bar came up in."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        proposal: Proposal,
        shown: Shown,
        *,
        beside: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask for one call.

        Args:
            proposal: the call.
            shown: what is drawn of it.
            beside: whether a change is shown side by side; None: where there is room.
            clock: seconds, for the quiet time.
        """
        super().__init__()
        self._proposal = proposal
        self._quiet = QuietTime(clock)
        self._decided = False
        self._is_left = False
        """The expert types on elsewhere."""
        self._part: ApprovalPart | None = None
        """What is open."""
        self.sheet = ApprovalSheet(shown, beside=beside)
        self._head = ApprovalHead(proposal, shown)
        self._editor = ApprovalEditor(proposal.call, proposal.problem_of)
        self._reasons = ApprovalReasons()
        self._foot = ApprovalFoot(self, proposal, may_turn=bool(shown.beside))
        self._editor.display = self._reasons.display = False

    def compose(self) -> ComposeResult:
        """Title, warnings, exact text, then what can be done."""
        yield self._head
        yield self.sheet
        yield self._editor
        yield self._reasons
        yield self._foot

    def on_mount(self) -> None:
        """Begin to be seen."""
        self._quiet.begin()

    def on_focus(self, _event: events.Focus) -> None:
        """Begin to be meant by keys."""
        self._is_left = False
        self._quiet.begin()

    def focus_asked(self) -> None:
        """Go to where the expert is asked: the bar, what is edited, or the reason."""
        # At once: `focus` waits its turn, and the first letters of an edit or a reason would decide as keys.
        self.screen.set_focus(self if self._part is None else self._part.typed_into)

    def on_key(self, event: events.Key) -> None:
        """Act at once: a binding would act after the next key has been typed."""
        if self._part is not None:
            if self._part.gets(event):
                event.stop()
            return
        action = actions_by_key(self).get(event.key, "")
        if self._is_left or (event.is_printable and not action):
            self._pass_on(event)
        elif action and not action.startswith("scroll"):
            event.stop()
            event.prevent_default()
            if not self._quiet.takes(event.character):
                self._act(action)

    def _pass_on(self, event: events.Key) -> None:
        # What follows at once is meant for the composer, too, though it gets here before the focus has moved.
        self._is_left = True
        if event.is_printable:
            event.stop()
            self.post_message(self.Typed(self._quiet.take_held() + (event.character or "")))

    def _act(self, action: str) -> None:
        match action:
            case "accept":
                self._decide(Decision(accept=True))
            case "remember" if self._proposal.rememberable:
                self._decide(Decision(accept=True, remember=True))
            case "edit":
                self._editor.open()
                self._open(self._editor)
            case "reject":
                self._open(self._reasons)
            case "turn":
                self.sheet.turn()
            case _:
                pass

    def action_scroll_preview(self, rows: int) -> None:
        """Scroll the exact text."""
        self.sheet.scroll_relative(y=rows, animate=False)

    @on(ApprovalFoot.Chosen)
    def _key_word_clicked(self, message: ApprovalFoot.Chosen) -> None:
        message.stop()
        if self._quiet.is_over:
            self._act(message.action)

    @on(ApprovalPreview.Moved)
    def _moved(self, message: ApprovalPreview.Moved) -> None:
        message.stop()
        self._head.sum_up(needed=message.last < message.count)
        self._foot.place(message.last, message.count, beside=self.sheet.is_beside)

    @on(ApprovalPart.Concluded)
    def _concluded(self, message: ApprovalPart.Concluded) -> None:
        message.stop()
        self._decide(message.decision)

    @on(ApprovalPart.Left)
    def _go_back(self) -> None:
        self._open(None)

    def _open(self, part: ApprovalPart | None) -> None:
        self._part = part
        self._editor.display = part is self._editor
        self._reasons.display = part is self._reasons
        self._foot.display = part is None
        self.sheet.limit_to(TALLEST if part is None else part.share_of_sheet)
        self.focus_asked()

    def _decide(self, decision: Decision) -> None:
        if not self._decided:
            self._decided = True
            self.post_message(self.Decided(self._proposal.call.call_id, decision))

"""What stands above the exact text of a call that waits: who proposes what, and what is unusual about it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from limi_sessions.agent.ports import Proposal
from limi_sessions.records.visible import visible_text
from limi_tui.widgets.approval_shown import Shown

_MOST_NAMED = 3


class ApprovalHead(Vertical):
    """Title and warnings."""

    DEFAULT_CSS = """
    ApprovalHead {
        height: auto;
        & > Static { height: auto; max-height: 2; width: 1fr; }
        .approval-warning, .approval-summary { color: $text-error; text-style: bold; }
    }
    """

    def __init__(self, proposal: Proposal, shown: Shown) -> None:
        super().__init__()
        self._proposal = proposal
        self._shown = shown
        self._summary = Static(Content(f"! {shown.summary}: see below the command"), classes="approval-summary")
        self._summary.display = False

    def compose(self) -> ComposeResult:
        """Title, unusual characters, what is remarked further down."""
        label = Content.styled(" DEMO ", "bold reverse") + " " if self._proposal.demo else Content()
        title = Content.styled(visible_text(self._proposal.preview.title, keep=""), "bold")
        facts = f"  {self._shown.facts}" if self._shown.facts else ""
        yield Static(label + title + Content.styled(facts, "dim"), classes="approval-title")
        if unusual := self._shown.unusual:
            more = f" and {len(unusual) - _MOST_NAMED} more" if len(unusual) > _MOST_NAMED else ""
            named = ", ".join(unusual[:_MOST_NAMED])
            yield Static(Content(f"! unusual characters: {named}{more}"), classes="approval-warning")
        yield self._summary

    def sum_up(self, *, needed: bool) -> None:
        """Say what is remarked below the exact text, where that is out of view."""
        self._summary.display = needed and bool(self._shown.summary)

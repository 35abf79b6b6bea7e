"""Where calls that wait for the expert are shown, one at a time."""

from __future__ import annotations

import asyncio

from textual import on
from textual.containers import Vertical

from limi_sessions.agent.ports import Decision, Proposal
from limi_tui.widgets.approval import ApprovalBar


class AskingArea(Vertical):
    """Empty, or one approval."""

    DEFAULT_CSS = """
    AskingArea { height: auto; max-height: 20; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._call_id = ""
        self._answer: asyncio.Future[Decision] | None = None

    @property
    def is_asking(self) -> bool:
        """Whether a call waits."""
        return self._answer is not None

    async def ask(self, proposal: Proposal, answer: asyncio.Future[Decision], *, take_focus: bool) -> None:
        """Show a call; the decision goes into the future."""
        self._call_id, self._answer = proposal.call.call_id, answer
        bar = ApprovalBar(self._call_id, proposal.preview.title, proposal.preview.body, demo=proposal.demo)
        await self.remove_children()
        await self.mount(bar)
        if take_focus:
            bar.focus()

    async def withdraw(self, call_id: str) -> bool:
        """Take a call away; whether it had the focus."""
        if self._answer is None or call_id != self._call_id:
            return False
        self._answer = None
        had_focus = self.has_focus_within
        await self.remove_children()
        return had_focus

    def focus_call(self) -> None:
        """Go to the call that waits."""
        for bar in self.query(ApprovalBar):
            bar.focus()

    @on(ApprovalBar.Decided)
    def _decided(self, message: ApprovalBar.Decided) -> None:
        message.stop()
        if self._answer is not None and message.call_id == self._call_id and not self._answer.done():
            self._answer.set_result(Decision(accept=message.accept, reason=message.reason))

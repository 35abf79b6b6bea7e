"""Where calls that wait for the expert are shown, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import on
from textual.containers import Vertical

from limi_sessions.agent.ports import Decision, Proposal
from limi_tui.widgets.approval import ApprovalBar
from limi_tui.widgets.approval_shown import shown_of


class AskingArea(Vertical):
    """Empty, or one approval."""

    DEFAULT_CSS = """
    AskingArea { height: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._call_id = ""
        self._answer: asyncio.Future[Decision] | None = None
        self._beside: bool | None = None
        """Whether changes are shown side by side, once the expert has said so."""

    @property
    def is_asking(self) -> bool:
        """Whether a call waits."""
        return self._answer is not None

    @property
    def bar(self) -> ApprovalBar | None:
        """The approval that is shown."""
        return next(iter(self.query(ApprovalBar)), None)

    async def ask(
        self,
        proposal: Proposal,
        answer: asyncio.Future[Decision],
        *,
        workspace: Path,
        may_focus: Callable[[], bool],
    ) -> None:
        """Show a call; the decision goes into the future.

        Args:
            proposal: the call.
            answer: gets the decision.
            workspace: real path of the session's workspace.
            may_focus: whether the call may take the focus; asked when it is shown.
        """
        self._call_id, self._answer = proposal.call.call_id, answer
        # A long file takes a while to compare, and the shell beside must not stand still.
        shown = await asyncio.to_thread(shown_of, proposal, workspace=workspace)
        await self._clear()
        bar = ApprovalBar(proposal, shown, beside=self._beside)
        await self.mount(bar)
        if may_focus():
            bar.focus()

    async def withdraw(self, call_id: str) -> bool:
        """Take a call away; whether it had the focus."""
        if self._answer is None or call_id != self._call_id:
            return False
        self._answer = None
        had_focus = self.has_focus_within
        await self._clear()
        return had_focus

    async def _clear(self) -> None:
        if self.bar is not None:
            self._beside = self.bar.sheet.wants_beside
            await self.remove_children()

    def focus_call(self) -> None:
        """Go to the call that waits."""
        if self.bar is not None:
            self.bar.focus_asked()

    @on(ApprovalBar.Decided)
    def _decided(self, message: ApprovalBar.Decided) -> None:
        message.stop()
        if self._answer is not None and message.call_id == self._call_id and not self._answer.done():
            self._answer.set_result(message.decision)

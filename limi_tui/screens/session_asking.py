"""What of a session waits for the expert: calls to approve, questions to answer, and where typed letters then go."""

from __future__ import annotations

from textual import on
from textual.widgets import TextArea

from limi_tui import messages
from limi_tui.screens.session_keys import SessionKeys
from limi_tui.story import Story
from limi_tui.widgets.approval import ApprovalBar
from limi_tui.widgets.composer import Composer
from limi_tui.widgets.terminal_pane import TerminalPane


class SessionAsking(SessionKeys):
    """The asking part of a session screen."""

    story: Story
    _question: messages.QuestionAsked | None = None

    @on(messages.ApprovalAsked)
    async def _approval_asked(self, message: messages.ApprovalAsked) -> None:
        self.story.waits_for_expert(message.proposal.call.call_id)
        await self.asking.ask(
            message.proposal,
            message.answer,
            workspace=self.live.plan.workspace if self.live is not None else self.life.request.workspace,
            may_focus=lambda: not self.composer.text and not isinstance(self.focused, TerminalPane),
        )
        self.ring_if_away()

    @on(messages.ApprovalWithdrawn)
    async def _approval_withdrawn(self, message: messages.ApprovalWithdrawn) -> None:
        if await self.asking.withdraw(message.call_id):
            self.composer.focus()

    @on(messages.QuestionAsked)
    def _question_asked(self, message: messages.QuestionAsked) -> None:
        self._question = message
        self.board.activity_changed("deciding")
        self.composer.ask(message.question, message.options)
        self.ring_if_away()

    @on(Composer.Answered)
    def _answered(self, message: Composer.Answered) -> None:
        if self._question is not None and not self._question.answer.done():
            self._question.answer.set_result(message.answer)

    @on(messages.QuestionWithdrawn)
    def _question_withdrawn(self) -> None:
        self._question = None
        self.board.activity_changed("running")
        self.composer.end_ask()

    @on(ApprovalBar.Typed)
    def _typed_past_the_approval(self, message: ApprovalBar.Typed) -> None:
        """What decides nothing, typed when an approval came in between, goes on where it was meant to go."""
        # At once: `focus` waits its turn, and the next letters may be here already.
        area = self.composer.query_one(TextArea)
        self.set_focus(area)
        area.insert(message.text)

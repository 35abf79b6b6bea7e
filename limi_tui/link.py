"""Between a live session and its screen: reports become messages, answers go back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.message import Message

from limi_sessions.agent.ports import Activity, Decision, Proposal
from limi_sessions.agent.stream import Delta
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.event import Event
from limi_sessions.records.payload import LeaseOwner
from limi_tui.messages import (
    ActivityChanged,
    ApprovalAsked,
    ApprovalWithdrawn,
    DeltaArrived,
    EventRecorded,
    KeySwallowed,
    LeaseMoved,
    QuestionAsked,
    QuestionWithdrawn,
    ShellAttached,
    ShellStateChanged,
)


class SessionLink:
    """Approver, observer and watcher of a live session, for one screen."""

    def __init__(self, post: Callable[[Message], object], *, output_read: Callable[[], None]) -> None:
        """All is posted in order, but for new output, which goes straight to the pane: it decides about frames."""
        self._post = post
        self._output_read = output_read

    def event_recorded(self, event: Event) -> None:
        """An event is on disk."""
        self._post(EventRecorded(event))

    def delta_arrived(self, request_id: str, delta: Delta) -> None:
        """More of the model's answer."""
        self._post(DeltaArrived(request_id, delta))

    def activity_changed(self, activity: Activity) -> None:
        """The agent does something else than before."""
        self._post(ActivityChanged(activity))

    def shell_attached(self, shell: SharedShell) -> None:
        """A shell was started."""
        self._post(ShellAttached(shell))

    def output_read(self) -> None:
        """New output was fed to the engine."""
        self._output_read()

    def shell_state_changed(self, state: ShellState) -> None:
        """The shell waits for something else than before."""
        self._post(ShellStateChanged(state))

    def lease_changed(self, owner: LeaseOwner, reason: str) -> None:
        """Somebody else may type now."""
        self._post(LeaseMoved(owner, reason))

    def key_swallowed(self) -> None:
        """A person typed while the agent holds the shell."""
        self._post(KeySwallowed())

    async def decide(self, proposal: Proposal) -> Decision:
        """Ask the expert."""
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._post(ApprovalAsked(proposal, answer))
        try:
            return await answer
        finally:
            self._post(ApprovalWithdrawn(proposal.call.call_id))

    async def ask(self, question: str, options: Sequence[str]) -> str | None:
        """Put the agent's question to the expert."""
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._post(QuestionAsked(question, options, answer))
        try:
            return await answer
        finally:
            self._post(QuestionWithdrawn())

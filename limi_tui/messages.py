"""What has happened in a session, as Textual messages: past tense, one a fact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from limi_sessions.agent.ports import Activity, Decision, Proposal
from limi_sessions.agent.stream import Delta
from limi_sessions.pty.shell import SharedShell
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.event import Event
from limi_sessions.records.payload import LeaseOwner


@dataclass
class EventRecorded(Message):
    """An event is on disk."""

    event: Event


@dataclass
class DeltaArrived(Message):
    """More of the model's answer."""

    request_id: str
    delta: Delta


@dataclass
class ActivityChanged(Message):
    """The agent does something else than before."""

    activity: Activity


@dataclass
class ShellAttached(Message):
    """A shell was started."""

    shell: SharedShell


@dataclass
class ShellStateChanged(Message):
    """The shell waits for something else than before."""

    state: ShellState


@dataclass
class LeaseMoved(Message):
    """Somebody else may type now."""

    owner: LeaseOwner
    reason: str


class KeySwallowed(Message):
    """A person typed while the agent holds the shell."""


@dataclass
class ApprovalAsked(Message):
    """A call waits for a decision."""

    proposal: Proposal
    answer: asyncio.Future[Decision]


@dataclass
class ApprovalWithdrawn(Message):
    """A decision is not needed any more."""

    call_id: str


@dataclass
class QuestionAsked(Message):
    """The agent asked the expert something."""

    question: str
    options: Sequence[str]
    answer: asyncio.Future[str | None]


@dataclass
class QuestionWithdrawn(Message):
    """An answer is not needed any more."""


@dataclass
class StoreSpoke(Message):
    """The store could not be opened, or did something that a person should know."""

    words: str

"""What the status line says: one board, told of facts, that draws only when a shown value changes."""

from __future__ import annotations

import time
from dataclasses import replace

from limi_sessions.agent.ports import Activity
from limi_sessions.live import LiveSession
from limi_sessions.pty.waiting import ShellState
from limi_sessions.records.event import Event
from limi_sessions.records.message import TokenCount
from limi_sessions.records.payload import HumanRan, LeaseOwner, ModelMessage, SettingsChanged, ShellStarted, UserMessage
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.widgets.status_line import StatusLine
from limi_tui.widgets.status_parts import StatusValues
from limi_tui.widgets.terminal_bar import Owner

SWALLOWED = "not typed: F8 takes the shell over"
"""What the shell's own line says to somebody whose key was dropped."""
_IDLE_AFTER_S = 60.0
"""The active-time clock pauses when nobody has done anything for so long."""


class SessionStatusBoard:
    """Keeps the values of one session's status line."""

    def __init__(self, line: StatusLine, request: OpeningRequest) -> None:
        self._line = line
        self._live: LiveSession | None = None
        self._active_s = 0.0
        self._last_touch = self._last_tick = time.monotonic()
        self._values = StatusValues(mode=request.mode, model=request.model or "", activity="opening")
        self._show()

    def attach(self, live: LiveSession) -> None:
        """The session is open."""
        self._live = live
        model = live.settings.model
        self._values = replace(
            self._values, mode=live.settings.mode, model=model.name, demo=model.demo, activity="idle"
        )
        usage = next((turn.usage for turn in reversed(live.conversation.turns) if turn.usage), None)
        if usage is not None:
            self._take_usage(usage)
        costs = [turn.cost_usd for turn in live.conversation.turns if turn.cost_usd is not None]
        self._values = replace(self._values, cost_usd=sum(costs) if costs else None)
        self._show()

    def event_recorded(self, event: Event) -> None:
        """Take the values that an event changes."""
        match event.payload:
            case ModelMessage(completion=completion):
                if completion.usage is not None:
                    self._take_usage(completion.usage)
                if completion.cost_usd is not None:
                    self._values = replace(self._values, cost_usd=(self._values.cost_usd or 0.0) + completion.cost_usd)
                self.touched()
            case SettingsChanged() as changed:
                self._values = replace(
                    self._values,
                    mode=changed.mode or self._values.mode,
                    model=changed.model or self._values.model,
                    demo=self._values.demo if changed.demo is None else changed.demo,
                )
            case ShellStarted(private=False) as started:
                self._values = replace(self._values, sandbox=started.sandbox, network=started.network)
            case HumanRan() | UserMessage():
                self.touched()
            case _:
                return
        self._show()

    def activity_changed(self, activity: Activity) -> None:
        """The agent does something else than before."""
        self._values = replace(self._values, activity="waiting" if activity == "deciding" else activity)
        self.touched()
        self._show()

    def lease_moved(self, owner: LeaseOwner) -> None:
        """Somebody else may type now."""
        self._values = replace(self._values, lease=owner)
        self._show()

    def stopping(self) -> None:
        """The agent was told to stop."""
        self._values = replace(self._values, activity="stopping")
        self._show()

    def closing(self) -> None:
        """The session is being ended."""
        self._values = replace(self._values, activity="closing")
        self._show()

    def failed(self) -> None:
        """The session could not be opened."""
        self._values = replace(self._values, activity="not open")
        self._show()

    def refresh(self) -> None:
        """Show what is true now."""
        self._show()

    def touched(self) -> None:
        """Somebody did something: the clock runs."""
        self._last_touch = time.monotonic()

    def tick(self) -> None:
        """A second has passed."""
        now = time.monotonic()
        working = self._live is not None and self._live.is_working
        if working or now - self._last_touch < _IDLE_AFTER_S:
            self._active_s += now - self._last_tick
        self._last_tick = now
        self._show()

    def _show(self) -> None:
        self._values = replace(self._values, active_s=self._active_s)
        self._line.values = self._values

    def summary(self) -> str:
        """One line about the session so far."""
        turns = 0 if self._live is None else sum(turn.source != "system" for turn in self._live.conversation.turns)
        cost = "cost unknown" if self._values.cost_usd is None else f"${self._values.cost_usd:.4f}"
        tokens = "tokens unknown" if self._values.tokens is None else f"{self._values.tokens:,} tokens"
        return f"{turns} {'turn' if turns == 1 else 'turns'}, {tokens}, {cost}, {int(self._active_s // 60)} min of work"

    def _take_usage(self, usage: TokenCount) -> None:
        self._values = replace(
            self._values, tokens=usage.prompt + usage.completion, tokens_estimated=usage.method != "exact"
        )


def waiting_banner(state: ShellState, owner: Owner) -> str:
    """Who must act, in words; empty when nobody must."""
    whose = "the agent" if owner == "agent" else "you"
    match state:
        case "needs_password":
            return "waiting: a password, from you (it is not recorded)"
        case "needs_input":
            return f"waiting: input, from {whose}"
        case "lost":
            return "the shell has ended; a new one starts when the agent has stopped"
        case _:
            return ""

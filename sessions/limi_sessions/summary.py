"""A session in one row, and as one value: what lists show and exporters take."""

from __future__ import annotations

from collections.abc import Sequence

from limi_sessions.records.event import Event
from limi_sessions.records.payload import SessionFinished, SessionResumed, SessionStarted, SettingsChanged
from limi_sessions.records.turn import SessionSummary, Trajectory, Turn
from limi_sessions.trajectory import turns_of

TITLE_LENGTH = 60


def summary_of(events: Sequence[Event], turns: Sequence[Turn], *, alive: bool = False) -> SessionSummary:
    """The list row of a session.

    Args:
        events: its events in order, the first a `session_started`.
        turns: `turns_of(events)`.
        alive: whether a process is writing its journal.

    Raises:
        ValueError: there is no `session_started`.
    """
    started = next((e for e in events if isinstance(e.payload, SessionStarted)), None)
    if started is None or not isinstance(started.payload, SessionStarted):
        raise ValueError("the journal holds no session_started event")
    payload = started.payload
    query = payload.query or next((t.content for t in turns if t.source == "expert"), "")
    models = [e.payload.model for e in events if isinstance(e.payload, SettingsChanged) and e.payload.model]
    usages = [t.usage for t in turns if t.usage is not None]
    costs = [t.cost_usd for t in turns if t.cost_usd is not None]
    status = "running" if alive else "cut_off"
    for event in events:
        if isinstance(event.payload, SessionFinished):
            status = event.payload.status
        elif isinstance(event.payload, SessionResumed):
            status = "running" if alive else "cut_off"
    return SessionSummary(
        session_id=started.session_id,
        title=title_of(query),
        source=payload.source,
        status=status,
        model=models[-1] if models else payload.model,
        turns=len(turns),
        tokens=usages[-1].prompt + usages[-1].completion if usages else None,
        cost_usd=sum(costs) if costs else None,
        started_at=started.ts,
        updated_at=events[-1].ts,
        workspace=payload.workspace,
        query=query,
        demo=payload.demo,
    )


def title_of(query: str) -> str:
    """The first 60 characters of a query, on one line."""
    return " ".join(query.split())[:TITLE_LENGTH]


def trajectory_of(events: Sequence[Event], *, alive: bool = False) -> Trajectory:
    """A session as a value.

    Raises:
        ValueError: there is no `session_started`.
    """
    turns = turns_of(events)
    summary = summary_of(events, turns, alive=alive)
    started = next(e.payload for e in events if isinstance(e.payload, SessionStarted))
    return Trajectory(summary=summary, tools=started.tools, tool_set_sha256=started.tool_set_sha256, turns=tuple(turns))

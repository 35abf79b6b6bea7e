"""From what the user asked for to the plan of a session: shared by the headless run and the workstation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

from limi_sessions.agent.ports import Limits
from limi_sessions.agent.spec import ModelSpec, parse_model
from limi_sessions.journal import read_journal
from limi_sessions.plan import SessionPlan
from limi_sessions.records.event import Event
from limi_sessions.records.identity import uuid7
from limi_sessions.records.message import Sampling
from limi_sessions.records.payload import SessionStarted, SettingsChanged
from limi_sessions.resuming import model_in_force, resumed_plan
from limi_sessions.sandbox.finding import Found, find_sandbox
from limi_sessions.sandbox.hosts import AllowList, NoHost
from limi_sessions.sandbox.protocol import SandboxMissing
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.program_path import environ_with_limi


def new_plan(request: OpeningRequest, *, model: str, cols: int = 120, rows: int = 36) -> SessionPlan:
    """The plan of a new session.

    Raises:
        UnknownModel: the model cannot be used.
        SandboxMissing: see `chosen_sandbox`.
        HomeUnwritable: there is no place to record it.
    """
    request.home.make()
    plan = _common_plan(request, uuid7(), parse_model(model, api_base=request.api_base, environ=os.environ))
    return replace(
        plan,
        workspace=request.workspace.resolve(),
        query=request.query or "",
        profile=request.profile,
        shell=request.shell,
        mode=request.mode,
        sampling=Sampling(
            temperature=request.temperature,
            top_p=request.top_p,
            max_tokens=request.max_completion_tokens,
            effort=request.effort,
        ),
        cols=cols,
        rows=rows,
    )


def plan_to_resume(
    request: OpeningRequest, session_id: str, *, cols: int = 120, rows: int = 36
) -> tuple[SessionPlan, Sequence[Event]]:
    """The plan of a session that goes on, and its events so far.

    Raises:
        SessionUnreadable: its journal does not say how it started.
        UnknownModel: its model cannot be used any more; another one may be named.
        SandboxMissing: see `chosen_sandbox`.
    """
    events = read_journal(request.home.session(session_id).journal).events
    api_base = request.api_base or _api_base_in_force(events)
    model = parse_model(request.model or model_in_force(events), api_base=api_base, environ=os.environ)
    plan = replace(_common_plan(request, session_id, model), cols=cols, rows=rows)
    return resumed_plan(plan, events), events


def _common_plan(request: OpeningRequest, session_id: str, model: ModelSpec) -> SessionPlan:
    """What new and resumed sessions have in common; the rest as the plan's defaults say."""
    return SessionPlan(
        session_id=session_id,
        paths=request.home.session(session_id),
        limi_home=request.home.root,
        workspace=request.workspace,
        model=model,
        limits=Limits(max_turns=request.max_turns, max_tokens=request.max_tokens, max_cost_usd=request.max_cost),
        actor=request.actor,
        environ=environ_with_limi(os.environ),
        limi_version=version("limi-tui"),
        sandbox=chosen_sandbox(request).sandbox,
        network=request.network,
        allowed_hosts=request.allowed_hosts,
        hidden=request.hidden,
    )


def chosen_sandbox(request: OpeningRequest) -> Found:
    """What confines the shared shell; blocks some 100 ms.

    Raises:
        SandboxMissing: it does not work here, or cannot do what is asked of it; the message says what to do.
    """
    found = find_sandbox(request.sandbox)
    if request.network == "allow-list" and found.sandbox.name != "bubblewrap":
        raise SandboxMissing(
            f"the network cannot be limited to some hosts: that needs bubblewrap, and this is {found.words}. "
            "Install bubblewrap, or choose --network off or on."
        )
    if request.network == "allow-list":
        try:
            AllowList(request.allowed_hosts)
        except NoHost as error:
            raise SandboxMissing(f"the network cannot be limited as asked for: {error}") from error
    return found


def _api_base_in_force(events: Sequence[Event]) -> str | None:
    base = None
    for event in events:
        if isinstance(event.payload, SessionStarted | SettingsChanged) and event.payload.provider:
            given = event.payload.provider.get("api_base")
            base = given if isinstance(given, str) else None
    return base

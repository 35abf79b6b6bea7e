"""What a live session is made of, and who is around it."""

from __future__ import annotations

import platform
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limi_sessions.agent.ports import Approver, Limits, LoopObserver
from limi_sessions.agent.prompt import system_prompt
from limi_sessions.agent.spec import ModelSpec
from limi_sessions.live_shell import ShellWatcher
from limi_sessions.paths import SessionPaths
from limi_sessions.records.event import Event
from limi_sessions.records.message import Sampling
from limi_sessions.records.payload import ApprovalMode, ProfileName, SessionStarted, ShellName
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.toolbox import Toolbox

Asker = Callable[[str, Sequence[str]], Awaitable[str | None]]
"""Puts a question to a person; None: nobody is here."""


@dataclass(frozen=True, kw_only=True)
class SessionPlan:
    """What a session is made of."""

    session_id: str
    paths: SessionPaths
    limi_home: Path
    workspace: Path
    """Absolute, links resolved."""
    model: ModelSpec
    query: str = ""
    profile: ProfileName = "limi"
    shell: ShellName = "bash"
    mode: ApprovalMode = "ask"
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    actor: str
    """Handle of the person who works here."""
    environ: Mapping[str, str]
    limi_version: str
    cols: int = 120
    rows: int = 36


@dataclass(frozen=True, kw_only=True)
class Company:
    """Who is around a session: the store, the approver, the watchers."""

    sink: Callable[[Event], None]
    """Told of every acknowledged event, on the recording thread; must not block."""
    on_event: Callable[[Event], None]
    """Told of every acknowledged event, on the event loop."""
    approver: Approver
    observer: LoopObserver
    watcher: ShellWatcher
    ask: Asker


def started_payload(plan: SessionPlan, toolbox: Toolbox, *, provider: JsonObject) -> SessionStarted:
    """The first event of a session."""
    return SessionStarted(
        limi_version=plan.limi_version,
        query=plan.query,
        workspace=str(plan.workspace),
        model=plan.model.name,
        provider=provider,
        demo=plan.model.demo,
        profile=plan.profile,
        shell=plan.shell,
        mode=plan.mode,
        sampling=plan.sampling,
        limits={name: limit for name, limit in vars(plan.limits).items() if limit is not None},
        system_prompt=system_prompt(plan.profile, shell=plan.shell, workspace=plan.workspace),
        tools=toolbox.schemas,
        tool_set_sha256=toolbox.sha256,
        hostname=socket.gethostname(),
        platform=platform.platform(),
    )

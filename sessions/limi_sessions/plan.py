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
from limi_sessions.confinement import network_in_force, session_confinement
from limi_sessions.paths import SessionPaths
from limi_sessions.records.event import Event
from limi_sessions.records.message import Sampling
from limi_sessions.records.payload import ApprovalMode, NetworkMode, ProfileName, SessionStarted, ShellName
from limi_sessions.records.value import JsonObject
from limi_sessions.sandbox.protocol import Sandbox, Unconfined
from limi_sessions.shell_plan import ShellPlan, ShellWatcher
from limi_sessions.tools.toolbox import Toolbox
from limi_sessions.unwatched import Unwatched

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
    sandbox: Sandbox = field(default_factory=Unconfined)
    """What confines the session's shell."""
    network: NetworkMode = "off"
    """What the shell may reach; without a sandbox that is everything."""
    allowed_hosts: tuple[str, ...] = ()
    """With network ``allow-list``."""
    hidden: tuple[str, ...] = ()
    """Further paths that the shell must not see, as the settings name them."""
    store_socket: Path | None = None
    """Where the store listens for the session's shell; None: `limi` verbs typed there do not reach it."""


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
    private_watcher: ShellWatcher = field(default_factory=Unwatched)
    """Who shows the person's own shell."""


def shell_plan(plan: SessionPlan) -> ShellPlan:
    """What every shell of the session is started with."""
    return ShellPlan(
        shell=plan.shell,
        cols=plan.cols,
        rows=plan.rows,
        environ=plan.environ,
        session_id=plan.session_id,
        limi_home=plan.limi_home,
        workspace=plan.workspace,
        actor=plan.actor,
        confinement=session_confinement(
            plan.sandbox,
            plan.paths,
            workspace=plan.workspace,
            limi_home=plan.limi_home,
            environ=plan.environ,
            network=plan.network,
            hidden=plan.hidden,
            store_socket=plan.store_socket,
        ),
        allowed_hosts=plan.allowed_hosts,
    )


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
        sandbox=plan.sandbox.name,
        network=network_in_force(plan.sandbox, plan.network),
        hostname=socket.gethostname(),
        platform=platform.platform(),
    )

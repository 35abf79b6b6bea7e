"""A live session of a scripted model with an expert who decides by a rule: the real loop, gate, tools and shell."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limi_sessions.agent.ports import Activity, Decision, Proposal
from limi_sessions.agent.spec import parse_model
from limi_sessions.live import LiveSession
from limi_sessions.paths import Home
from limi_sessions.plan import Company, SessionPlan
from limi_sessions.records.event import Event
from limi_sessions.records.identity import uuid7
from limi_sessions.records.payload import ApprovalMode, ShellName, ToolDecided, ToolFinished
from limi_sessions.unwatched import Unwatched

Turn = dict[str, Any]
Rule = Callable[[Proposal], Decision | Awaitable[Decision]]
ACCEPT = Decision(accept=True)
REMEMBER = Decision(accept=True, remember=True)
REJECT = Decision(accept=False, reason="no")


def turn(*calls: tuple[str, dict[str, object]]) -> Turn:
    """A turn of the model with these calls."""
    return {"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in calls]}


def commands(*lines: str) -> Turn:
    """A turn of the model that runs these commands one after the other."""
    return turn(*(("run_shell_command", {"command": line}) for line in lines))


@dataclass
class Expert(Unwatched):
    """Decides by a rule, and keeps what it was asked and what became of every call."""

    rule: Rule = lambda _: REJECT
    asked: list[Proposal] = field(default_factory=list[Proposal])
    events: list[Event] = field(default_factory=list[Event])
    _activity: Activity = "idle"
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def decide(self, proposal: Proposal) -> Decision:
        self.asked.append(proposal)
        decision = self.rule(proposal)
        return decision if isinstance(decision, Decision) else await decision

    def activity_changed(self, activity: Activity) -> None:
        self._activity = activity
        self._news.set()

    async def until(self, activity: Activity) -> None:
        """Wait until the agent does this."""
        async with asyncio.timeout(20):
            while self._activity != activity:
                self._news.clear()
                await self._news.wait()

    async def ask(self, question: str, options: Sequence[str]) -> str | None:
        return None

    def company(self) -> Company:
        return Company(
            sink=lambda _: None,
            on_event=self.events.append,
            approver=self,
            observer=self,
            watcher=self,
            ask=self.ask,
        )

    @property
    def decided(self) -> list[ToolDecided]:
        return [event.payload for event in self.events if isinstance(event.payload, ToolDecided)]

    @property
    def finished(self) -> list[ToolFinished]:
        return [event.payload for event in self.events if isinstance(event.payload, ToolFinished)]


@dataclass
class Sitting:
    """A session and its expert."""

    session: LiveSession
    expert: Expert
    workspace: Path

    async def says(self, rule: Rule) -> tuple[list[ToolDecided], list[ToolFinished]]:
        """Let the agent work through its next turns; the decisions and results of it."""
        self.expert.rule = rule
        decided, finished = len(self.expert.decided), len(self.expert.finished)
        self.expert.asked.clear()
        await (await self.session.say("go on"))
        return self.expert.decided[decided:], self.expert.finished[finished:]


@asynccontextmanager
async def sitting(
    place: Path, *turns: Turn, shell: ShellName = "bash", mode: ApprovalMode = "ask"
) -> AsyncGenerator[Sitting]:
    """A session whose model takes these turns, each followed by an answer without a call."""
    script, workspace, home = place / "script.json", place / "ws", Home(place / "limi")
    user = place / "user"
    for directory in (workspace, user):
        directory.mkdir(exist_ok=True)
    script.write_text(json.dumps([each for one in turns for each in (one, {"text": "done"})]))
    home.make()
    environ = {
        "HOME": str(user),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    session_id = uuid7()
    plan = SessionPlan(
        session_id=session_id,
        paths=home.session(session_id),
        limi_home=home.root,
        workspace=workspace.resolve(),
        model=parse_model(f"scripted:{script}", environ=environ),
        shell=shell,
        mode=mode,
        actor="tester",
        environ=environ,
        limi_version="0",
    )
    expert = Expert()
    session = await LiveSession.begin(plan, expert.company())
    try:
        yield Sitting(session, expert, workspace.resolve())
    finally:
        await asyncio.shield(session.finish())

"""A live session: one journal, one shell, one model, one agent loop, from start or resume to finish.

The workstation and the headless run both drive this. Knows nothing of screens and of the store: acknowledged events go
to a `sink`, what a person decides comes from an `Approver`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from limi_sessions.agent.conversation import Conversation
from limi_sessions.agent.loop import AgentLoop
from limi_sessions.agent.ports import LoopEnd, LoopPorts
from limi_sessions.agent.spec import ModelSpec, secret_values
from limi_sessions.approval.gate import Gate
from limi_sessions.checkpoints import Checkpoints
from limi_sessions.journal import Journal, read_journal
from limi_sessions.live_model import SessionModel
from limi_sessions.live_record import SessionRecord
from limi_sessions.live_settings import LiveSettings
from limi_sessions.live_shell import LiveShell
from limi_sessions.live_workspace import LiveWorkspace
from limi_sessions.masking import Masker
from limi_sessions.paths import private_directory
from limi_sessions.plan import Company, SessionPlan, shell_plan, started_payload
from limi_sessions.private_shell import PrivateShell
from limi_sessions.pty.errors import ShellError
from limi_sessions.records.event import Event
from limi_sessions.records.payload import (
    SessionFinished,
    SessionStatus,
    TodoWritten,
    UserMessage,
)
from limi_sessions.records.value import JsonObject
from limi_sessions.resuming import cut_off_calls, remove_unfinished, resumed_payload
from limi_sessions.rewinding import Parts, RewindOutcome, RewindPoint, rewind
from limi_sessions.shell_plan import ShellRecording
from limi_sessions.terminal import engine_report
from limi_sessions.tools.tool import ToolContext
from limi_sessions.tools.toolbox import Toolbox
from limi_sessions.workspace_history import WorkspaceHistory


class LiveSession:
    """One running session. All methods are called on the event loop."""

    def __init__(self, plan: SessionPlan, company: Company, journal: Journal, earlier: tuple[Event, ...]) -> None:
        """Use `begin` or `resume`."""
        self.plan = plan
        self._company = company
        self.masker = Masker(secret_values(plan.environ, plan.model))
        self.record = SessionRecord(
            journal, masker=self.masker, sink=company.sink, actor=plan.actor, failed=lambda: self._cancel.set()
        )
        self.conversation = Conversation(earlier)
        self.record.subscribe(self.conversation.feed)
        self.record.subscribe(company.on_event)
        self.toolbox = Toolbox.for_profile(plan.profile)
        self.gate = Gate(self.toolbox, company.approver)
        self._model = SessionModel(
            plan.model, logs=plan.paths.logs, environ=plan.environ, served=self.conversation.served
        )
        self.settings = LiveSettings(plan, self._model, record=self.record, masker=self.masker)
        self.workspace = LiveWorkspace(
            Checkpoints(
                plan.workspace,
                plan.paths.workspace_git,
                limi_home=plan.limi_home,
                secrets=lambda: self.masker.secrets,
            ),
            history=WorkspaceHistory(earlier),
            system=self.record.system,
            human=self.record.human,
        )
        self.record.subscribe(self.workspace.event_recorded)
        self.last_end: LoopEnd | None = None
        recording = ShellRecording(
            paths=plan.paths, masker=self.masker, post=self.record.post, actor=lambda: plan.actor
        )
        shells = shell_plan(plan)
        self.shell = LiveShell(shells, recording, watcher=company.watcher, ran=self.gate.command_ran)
        self.private = PrivateShell(shells, recording, watcher=company.private_watcher)
        self._cancel = asyncio.Event()
        self._working: asyncio.Task[LoopEnd] | None = None
        self._snapshot: asyncio.Task[None] | None = None
        self._closed = False

    # Start and resume.

    @classmethod
    async def begin(cls, plan: SessionPlan, company: Company) -> Self:
        """Start a new session: its first event is on disk, its shell and its model's process are up.

        Raises:
            JournalError, ShellError: see there; nothing keeps running.
        """
        private_directory(plan.paths.root)
        session = cls(plan, company, Journal(plan.paths.journal, plan.session_id), ())
        try:
            await session._open(plan.workspace, b"", session._started)
        except BaseException:
            await session._abandon()
            raise
        return session

    @classmethod
    async def resume(cls, plan: SessionPlan, company: Company, *, cwd: Path, scrollback: bytes) -> Self:
        """Go on with a session that ended or was killed.

        Args:
            plan: as `limi_sessions.resuming.resumed_plan` made it.
            company: who is around it now.
            cwd: where the new shell starts.
            scrollback: terminal bytes of the earlier shell.

        Raises:
            JournalBusy: the session is running in another process.
            JournalError, ShellError: see there.
        """
        journal = Journal(plan.paths.journal, plan.session_id)
        remove_unfinished(plan.paths)
        earlier = read_journal(plan.paths.journal).events
        session = cls(plan, company, journal, earlier)
        try:
            await session._open(cwd, scrollback, lambda: session._resumed(cwd, earlier))
        except BaseException:
            await session._abandon()
            raise
        return session

    async def _open(self, cwd: Path, scrollback: bytes, first: Callable[[], Awaitable[None]]) -> None:
        # The shell's screen is loaded while the model's process starts.
        asyncio.get_running_loop().run_in_executor(None, engine_report)
        await self._model.use(self._model.spec)
        await first()
        try:
            await self.shell.start_below(scrollback, cwd)
        except ShellError as error:
            await self.record.system(SessionFinished(status="shell_lost", reason=str(error)))
            raise

    async def _started(self) -> None:
        await self.record.system(started_payload(self.plan, self.toolbox, provider=self._model.client.provider_facts))
        self._keep_first()

    def _keep_first(self) -> None:
        """Keep the workspace as it is now; the agent waits for this, the expert does not."""
        self._snapshot = asyncio.create_task(self.workspace.keep("start"), name="workspace-snapshot")

    async def _resumed(self, cwd: Path, earlier: tuple[Event, ...]) -> None:
        await self.record.system(resumed_payload(earlier, limi_version=self.plan.limi_version, cwd=cwd))
        for finished in cut_off_calls(earlier):
            await self.record.agent(finished)
        self._keep_first()

    # What a person does.

    async def say(self, text: str) -> asyncio.Task[LoopEnd]:
        """Record what the expert said; the agent starts on it, or meets it after its current calls.

        Returns:
            The agent's work; its result says why it ended. It may raise `JournalError`.

        Raises:
            JournalError: it could not be recorded.
        """
        await self.record.human(UserMessage(content=text))
        if self._working is None or self._working.done():
            return self.start_work()
        return self._working

    def start_work(self) -> asyncio.Task[LoopEnd]:
        """Let the agent work until it has answered; the task's result says why it ended."""
        self._cancel = asyncio.Event()
        self._working = asyncio.create_task(self._work(self._cancel), name="agent-loop")
        return self._working

    @property
    def is_working(self) -> bool:
        """Whether the agent's loop runs."""
        return self._working is not None and not self._working.done()

    async def stop(self) -> None:
        """Stop the agent now; what it had said so far is kept."""
        self._cancel.set()
        if self._working is not None:
            await asyncio.wait({self._working})

    async def change_model(self, spec: ModelSpec) -> None:
        """Use another model from the next request on; recorded."""
        await self.settings.change_model(spec, close_retired=not self.is_working)

    async def rewind(self, point: RewindPoint, *, parts: Parts = "both", retry: bool = False) -> RewindOutcome:
        """Go back; see `limi_sessions.rewinding.rewind`."""
        return await rewind(self, point, journal=self.plan.paths.journal, parts=parts, retry=retry)

    async def finish(self, finished: SessionFinished | None = None) -> SessionFinished:
        """End the session and everything it started.

        Args:
            finished: the expert's verdict; None takes the status of the last work.
        """
        await self.stop()
        payload = finished or SessionFinished(status=self.last_status, reason=self.last_reason)
        if not self._closed:
            await self._end_processes()
            if self.record.failure is None:
                await self.record.human(payload)
            await self.record.close()
        return payload

    @property
    def last_status(self) -> SessionStatus:
        """How the last work ended; ``interrupted`` when none did."""
        return "interrupted" if self.last_end is None else self.last_end.status

    @property
    def last_reason(self) -> str:
        """Why the last work ended."""
        return "the agent was never asked" if self.last_end is None else self.last_end.reason

    # The loop and its surroundings.

    async def _work(self, cancel: asyncio.Event) -> LoopEnd:
        loop = AgentLoop(
            LoopPorts(
                record=self.record.agent,
                conversation=self.conversation,
                toolbox=self.toolbox,
                context=self._context,
                lease=self.shell.lease,
                shell_lost=self.shell.restart,
                gate=self.gate,
                observer=self._company.observer,
                settings=self.settings.now,
                keep_workspace=self.workspace.keep,
            )
        )
        try:
            if self._snapshot is not None:
                await asyncio.shield(self._snapshot)
            self.last_end = await loop.run(cancel)
        finally:
            self.shell.give_up_lease()
            await self._model.close_retired()
        return self.last_end

    def _context(self) -> ToolContext:
        return ToolContext(
            workspace=self.plan.workspace,
            artifacts=self.plan.paths.artifacts,
            shell=self.shell.shell,
            lease_epoch=lambda: self.shell.epoch,
            ask=self._company.ask,
            write_todos=self._write_todos,
            mask=self.masker.text,
        )

    async def _write_todos(self, todos: tuple[JsonObject, ...]) -> None:
        await self.record.agent(TodoWritten(todos=todos))

    async def _abandon(self) -> None:
        await self._end_processes()
        await self.record.close()

    async def _end_processes(self) -> None:
        self._closed = True
        if self._snapshot is not None:
            await asyncio.wait({self._snapshot})
        await self.workspace.settled()
        self.record.stop_posts()
        await self.private.close()
        await self.shell.close()
        await self._model.close()

"""The parent's end of the model process: starts it, hands each request its events, starts it again when it died."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from limi_sessions.agent.child import Child
from limi_sessions.agent.stream import ModelError
from limi_sessions.agent.wire import EVENT, Ask, Cancel, Command, Failed, Reply, Warmed

_MODULE = "limi_sessions.agent.worker"


class WorkerLink:
    """One model process at a time."""

    def __init__(self, model: str, *, log: Path, environ: Mapping[str, str]) -> None:
        self._model = model
        self._log = log
        self._environ = environ
        self._child: Child | None = None
        self._reading: asyncio.Task[None] | None = None
        self._warm = asyncio.Event()
        self._starting = asyncio.Lock()
        self._replies: dict[str, asyncio.Queue[Reply]] = {}
        self.context_limit: int | None = None

    @property
    def pid(self) -> int | None:
        """The model process, None while there is none."""
        return self._child.pid if self._child is not None and self._child.alive else None

    async def ensure(self) -> None:
        """A living process, warm or warming up.

        Raises:
            ModelError: of kind ``worker``; it cannot be started.
        """
        async with self._starting:
            reading = self._reading is not None and not self._reading.done()
            if self._child is not None and self._child.alive and reading:
                return
            if self._child is not None and self._reading is not None:
                await self._child.kill()
                await self._reading  # its last act fails the requests of the dead process, and no others
            self._warm = asyncio.Event()
            self._child = await Child.start(_MODULE, self._model, log=self._log, environ=self._environ)
            self._reading = asyncio.create_task(self._read(self._child, self._warm), name="model process events")

    async def warmed(self) -> None:
        """Return when the process has answered its first request, or died over it.

        Raises:
            ModelError: of kind ``worker``; it died or cannot be started.
        """
        await self.ensure()
        await self._warm.wait()
        if self.pid is None:
            raise ModelError(self._death(), kind="worker")

    async def send(self, ask: Ask) -> asyncio.Queue[Reply]:
        """Send a request.

        Returns:
            Where its events arrive; the last is `Ended`, `Failed` or `Cancelled`.

        Raises:
            ModelError: of kind ``worker``.
        """
        await self.ensure()
        replies: asyncio.Queue[Reply] = asyncio.Queue()
        self._replies[ask.id] = replies
        try:
            await self._write(ask)
        except ModelError:
            self.forget(ask.id)
            raise
        return replies

    async def cancel(self, ask_id: str) -> None:
        """Ask for the end of a request; answered by `Cancelled`, or by its own end if that came first."""
        with contextlib.suppress(ModelError):
            await self._write(Cancel(id=ask_id))

    def forget(self, ask_id: str) -> None:
        """Drop further events of a request."""
        self._replies.pop(ask_id, None)

    async def kill(self) -> None:
        """End the process now; the next request starts another."""
        if self._child is not None:
            await self._child.kill()

    async def close(self) -> None:
        """End the process."""
        async with self._starting:
            if self._child is not None:
                # While it imports litellm it does not read its input, and there is nothing to lose.
                await (self._child.close() if self._warm.is_set() else self._child.kill())
            if self._reading is not None:
                await self._reading

    async def _write(self, command: Command) -> None:
        if self._child is None:
            raise ModelError("the model process is not running", kind="worker")
        await self._child.write(command.model_dump_json().encode())

    async def _read(self, child: Child, warm: asyncio.Event) -> None:
        while line := await child.read_line():
            try:
                event = EVENT.validate_json(line)
            except ValidationError:
                await child.kill()  # a garbled line: what follows cannot be trusted
                break
            if isinstance(event, Warmed):
                self.context_limit = event.context_limit
                warm.set()
            elif (replies := self._replies.get(event.id)) is not None:
                replies.put_nowait(event)
        await child.kill()
        warm.set()
        for ask_id, replies in self._replies.items():
            replies.put_nowait(Failed(id=ask_id, kind="worker", message=self._death()))

    def _death(self) -> str:
        return f"the model process ended unexpectedly; it is started again for the next request (log: {self._log})"

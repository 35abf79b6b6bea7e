"""One attempt at a request: its events until the end, under our own watchdogs and the person's stop.

litellm's timeout does not bound a slow stream, so silence is measured here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from limi_sessions.agent.assembly import Assembly
from limi_sessions.agent.stream import Delta
from limi_sessions.agent.wire import Ask, Cancelled, Ended, Failed, FinishSeen, Piece, Reply
from limi_sessions.agent.worker_link import WorkerLink


@dataclass(frozen=True)
class Timeouts:
    """How long each part of a request may take, seconds."""

    first_delta_s: float = 120.0
    idle_s: float = 60.0
    """Between two deltas."""
    total_s: float = 1800.0
    after_finish_s: float = 10.0
    """From the finish reason to the end of the stream; the answer is whole by then and counts as ended."""
    cancel_s: float = 0.12
    """How long the model process may take to end a request before it is killed."""
    retries: int = 3
    first_wait_s: float = 1.0
    """Before the first retry; doubles with each, with jitter."""
    longest_wait_s: float = 300.0
    """A provider that asks for more patience than this has failed."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The attempt was ended from our side."""

    why: Literal["cancelled", "first_delta", "idle", "total"]


Outcome = Ended | Failed | Stopped


class Attempt:
    """Sends a request once and follows it to its end."""

    def __init__(self, link: WorkerLink, timeouts: Timeouts) -> None:
        self._link = link
        self._timeouts = timeouts
        self.assembly = Assembly()
        self.sent = time.monotonic()
        self.first_delta: float | None = None
        """Monotonic time of the first delta, None when nothing arrived."""
        self._last = self.sent
        self._finish: FinishSeen | None = None

    async def run(self, ask: Ask, *, on_delta: Callable[[Delta], None], cancel: asyncio.Event) -> Outcome:
        """Follow the request until it ends, is cancelled, or a watchdog barks.

        Raises:
            ModelError: of kind ``worker``; the model process cannot be reached.
        """
        self.sent = self._last = time.monotonic()
        replies = await self._link.send(ask)
        stopping = asyncio.create_task(cancel.wait(), name="stop of a model request")
        ended = False
        try:
            while True:
                reply = await self._next(replies, stopping)
                match reply:
                    case Piece():
                        self._take(reply, on_delta)
                    case FinishSeen():
                        self._finish = reply
                        self._last = time.monotonic()
                    case Ended() | Failed():
                        ended = True
                        return reply
                    case Cancelled():
                        ended = True
                        return Stopped("cancelled")
                    case Stopped():
                        ended = True
                        return await self._stop(ask, replies, reply, on_delta)
        finally:
            stopping.cancel()
            if not ended:
                await self._link.cancel(ask.id)
            self._link.forget(ask.id)

    def _take(self, piece: Piece, on_delta: Callable[[Delta], None]) -> None:
        self._last = time.monotonic()
        deltas = self.assembly.add(piece)
        if deltas and self.first_delta is None:
            self.first_delta = self._last
        for delta in deltas:
            on_delta(delta)

    async def _next(self, replies: asyncio.Queue[Reply], stopping: asyncio.Task[Literal[True]]) -> Reply | Stopped:
        if stopping.done():
            return Stopped("cancelled")
        if not replies.empty():
            return replies.get_nowait()
        wait_s, why = self._patience()
        getting = asyncio.create_task(replies.get())
        try:
            await asyncio.wait({getting, stopping}, timeout=max(wait_s, 0.0), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            return Stopped("cancelled" if stopping.done() else why)
        finally:
            getting.cancel()

    def _patience(self) -> tuple[float, Literal["first_delta", "idle", "total"]]:
        """Seconds until the next watchdog barks, and which."""
        now = time.monotonic()
        total = self.sent + self._timeouts.total_s - now
        if self._finish is not None:
            return self._last + self._timeouts.after_finish_s - now, "idle"
        if self.first_delta is None:
            nearest, why = self.sent + self._timeouts.first_delta_s - now, "first_delta"
        else:
            nearest, why = self._last + self._timeouts.idle_s - now, "idle"
        return (nearest, why) if nearest < total else (total, "total")

    async def _stop(
        self, ask: Ask, replies: asyncio.Queue[Reply], stopped: Stopped, on_delta: Callable[[Delta], None]
    ) -> Outcome:
        """End the request in the model process; kill that process if it does not obey at once."""
        deadline = time.monotonic() + self._timeouts.cancel_s
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._timeouts.cancel_s):
                await self._link.cancel(ask.id)
                while time.monotonic() < deadline:
                    reply = await replies.get()
                    if isinstance(reply, Piece):
                        self._take(reply, on_delta)
                    elif isinstance(reply, Cancelled | Ended | Failed):
                        break
        except TimeoutError:
            await self._link.kill()
        if self._finish is not None and stopped.why != "cancelled":
            return Ended(id=ask.id, finish_reason=self._finish.finish_reason)
        return stopped

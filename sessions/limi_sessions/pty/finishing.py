"""Finished commands become values: rendered in order, told to the listener, then to the caller.

Large outputs are rendered beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from limi_sessions.pty.commandevents import RawFinished
from limi_sessions.pty.plain import plain_text
from limi_sessions.pty.values import FinishedCommand
from limi_sessions.pty.window import Printed

if TYPE_CHECKING:
    from limi_sessions.pty.core import ShellCore

_INLINE = 32 * 1024
"""Bytes that are rendered in a few milliseconds even when each is an escape sequence."""


class Finisher:
    """A queue with one task, so that commands are told in the order in which they ended."""

    def __init__(self, core: ShellCore) -> None:
        self._core = core
        self._queue: asyncio.Queue[RawFinished | Callable[[], None] | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.ended: dict[int, tuple[RawFinished, FinishedCommand]] = {}
        """The agent's commands by serial, those that somebody waits for."""
        self.awaited: set[int] = set()
        self.last_agent: FinishedCommand | None = None
        """The agent's command that ended last and was not reported yet."""
        self.owed: int | None = None
        """Serial of the agent's command that ran on after its call returned, until it has ended and was rendered."""

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._run(), name="limi-finisher")

    def put(self, raw: RawFinished) -> None:
        """A command ended."""
        self._queue.put_nowait(raw)

    def then(self, call: Callable[[], None]) -> None:
        """Call after everything that has ended by now was told."""
        self._queue.put_nowait(call)

    async def stop(self) -> None:
        """Tell what is left, then end."""
        self._queue.put_nowait(None)
        if self._task is not None:
            await self._task

    async def text(self, printed: Printed) -> str:
        """Output as plain text."""
        if len(printed.head) + len(printed.tail) <= _INLINE:
            return plain_text(printed, self._draw)
        return await asyncio.to_thread(plain_text, printed, self._draw)

    def _draw(self, raw: bytes) -> str:
        """The last screen of a full-screen program."""
        from limi_sessions.terminal import open_engine

        engine = open_engine(self._core.engine.cols, self._core.engine.rows, scrollback_lines=0)
        engine.feed(raw)
        return "\n".join(engine.text())

    async def _run(self) -> None:
        while (news := await self._queue.get()) is not None:
            if not isinstance(news, RawFinished):
                news()
            else:
                await self._finish(news)
            self._core.bell.ring()

    async def _finish(self, raw: RawFinished) -> None:
        output = await self.text(raw.printed)
        if raw.echoed:
            output = output.partition("\n")[2]
        finished = FinishedCommand(
            by=raw.by,
            command=raw.command,
            output=output,
            exit_code=raw.exit_code,
            cwd=raw.cwd,
            duration_s=raw.duration_s,
            cast_from=raw.cast_from,
            cast_to=raw.cast_to,
            output_bytes=raw.printed.size,
            truncated_bytes=raw.printed.omitted,
            interrupted=raw.interrupted,
        )
        if raw.by == "agent":
            self.last_agent = finished
            if raw.serial == self.owed:
                self.owed = None
        if raw.serial in self.awaited:
            self.ended[raw.serial] = (raw, finished)
        self._core.listener.command_finished(finished)

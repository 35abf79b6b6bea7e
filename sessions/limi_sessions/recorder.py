"""The recorder of a live session: payloads in, acknowledged events out.

One thread owns the journal. What queues up while an fdatasync runs is written with the next one. Listeners hear of
an event only after it is on disk. Knows nothing of the store: `sink` is told of every acknowledged event and must
not block.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from limi_sessions.journal import Journal, JournalError
from limi_sessions.masking import Masker
from limi_sessions.records.event import Event
from limi_sessions.records.payload import Payload

Listener = Callable[[Event], None]
_Entry = tuple[Payload, str, "Future[Event]"]


class RecorderClosed(RuntimeError):
    """Something was recorded after the recorder was closed."""


class Recorder:
    """Appends to one journal, masked, in the order of the calls."""

    def __init__(
        self,
        journal: Journal,
        *,
        masker: Masker,
        sink: Listener,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Start the recording thread.

        Args:
            journal: open for writing; closed by `close`.
            masker: applied to every payload before it is written.
            sink: called on the recording thread with every acknowledged event.
            loop: where listeners are called; None for the running loop.
        """
        self._journal = journal
        self._masker = masker
        self._sink = sink
        self._loop = loop or asyncio.get_running_loop()
        self._listeners: list[Listener] = []
        self._entries: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"recorder-{journal.session_id[:8]}", daemon=True)
        self._thread.start()

    @property
    def session_id(self) -> str:
        """The session whose events these are."""
        return self._journal.session_id

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call a listener on the event loop with every event once it is on disk; returns the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def post(self, payload: Payload, *, actor: str) -> Future[Event]:
        """Queue a payload; the future ends when it is on disk. May be called from any thread.

        Raises:
            RecorderClosed: after `close`.
        """
        if self._closed:
            raise RecorderClosed(f"session {self.session_id} is closed: {payload.kind} was not recorded")
        future: Future[Event] = Future()
        self._entries.put((self._masker.payload(payload), actor, future))
        return future

    async def record(self, payload: Payload, *, actor: str) -> Event:
        """Write a payload and return its event, acknowledged.

        Raises:
            JournalError: it could not be written.
            RecorderClosed: after `close`.
        """
        # A cancelled caller must not cancel the write: the event is on its way to the disk.
        return await asyncio.shield(asyncio.wrap_future(self.post(payload, actor=actor), loop=self._loop))

    async def close(self) -> None:
        """Write what is queued, then close the journal."""
        if not self._closed:
            self._closed = True
            self._entries.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        closing = False
        while not closing:
            batch = [self._entries.get()]
            while not self._entries.empty():
                batch.append(self._entries.get_nowait())
            closing = None in batch
            self._write([entry for entry in batch if entry is not None])
        self._journal.close()

    def _write(self, batch: list[_Entry]) -> None:
        if not batch:
            return
        try:
            events = self._journal.append_all([(payload, actor) for payload, actor, _ in batch])
        except JournalError as error:
            for _, _, future in batch:
                future.set_exception(error)
            return
        # Announced first: whoever awaited `record` finds the listeners already told.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._announce, events)
        for event, (_, _, future) in zip(events, batch, strict=True):
            future.set_result(event)
            self._sink(event)

    def _announce(self, events: list[Event]) -> None:
        for event in events:
            for listener in tuple(self._listeners):
                listener(event)

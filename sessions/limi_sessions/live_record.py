"""What a live session writes down: by whom, and what happens when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from limi_sessions.journal import Journal, JournalError
from limi_sessions.masking import Masker
from limi_sessions.recorder import Listener, Recorder
from limi_sessions.records.event import Event
from limi_sessions.records.payload import Payload


class SessionRecord:
    """The recorder of one session under the names of those who act. All methods are called on the event loop."""

    def __init__(
        self, journal: Journal, *, masker: Masker, sink: Listener, actor: str, failed: Callable[[], None]
    ) -> None:
        """Start recording.

        Args:
            journal: open for writing; closed by `close`.
            masker: applied to everything.
            sink: told of every acknowledged event on the recording thread.
            actor: the handle of the person who works here.
            failed: called when something could not be recorded.
        """
        self._recorder = Recorder(journal, masker=masker, sink=sink)
        self._actor = actor
        self._failed = failed
        self._closed = False
        self.failure: JournalError | None = None
        """Why something could not be recorded; None as long as everything was."""

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call a listener on the event loop with every event once it is on disk; returns the way to stop that."""
        return self._recorder.subscribe(listener)

    async def agent(self, payload: Payload) -> Event:
        """Record what the agent did.

        Raises:
            JournalError: it could not be written.
        """
        return await self._write(payload, "agent")

    async def human(self, payload: Payload) -> Event:
        """Record what the expert did.

        Raises:
            JournalError: it could not be written.
        """
        return await self._write(payload, self._actor)

    async def system(self, payload: Payload) -> Event:
        """Record what limi did.

        Raises:
            JournalError: it could not be written.
        """
        return await self._write(payload, "system")

    def post(self, payload: Payload, actor: str) -> None:
        """Record without waiting; a failure is told by `failed`. Nothing happens after `close`."""
        if not self._closed:
            asyncio.wrap_future(self._recorder.post(payload, actor=actor)).add_done_callback(self._posted)

    def stop_posts(self) -> None:
        """Take no more posts: what ends the session is the last event."""
        self._closed = True

    async def close(self) -> None:
        """Write what is queued and close the journal."""
        self._closed = True
        await self._recorder.close()

    async def _write(self, payload: Payload, actor: str) -> Event:
        try:
            return await self._recorder.record(payload, actor=actor)
        except JournalError as error:
            self._take_failure(error)
            raise

    def _posted(self, future: asyncio.Future[Event]) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, JournalError):
            self._take_failure(error)

    def _take_failure(self, error: JournalError) -> None:
        self.failure = error
        self._failed()

"""The store of a workstation, opened while its first frames are drawn.

What is recorded before the store is open waits in the journal, which is the truth anyway; opening catches up with it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future

from limi_sessions.paths import Home
from limi_sessions.records.event import Event
from limi_store import StorePort, open_store


class StoreGate:
    """Opens the store once, in a thread of its own."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._store: Future[StorePort] = Future()
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Begin to open; errors are raised by `store`."""
        threading.Thread(target=self._open, name="store-opening", daemon=True).start()

    def _open(self) -> None:
        try:
            store = open_store(self._home)
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the store
            self._store.set_exception(error)
            return
        with self._lock:
            self._store.set_result(store)
            waiting, self._seen = self._seen, set()
        for session_id in waiting:
            store.catch_up(session_id)

    def store(self) -> StorePort:
        """The open store; waits for it: call it in a thread.

        Raises:
            StoreError: it could not be opened.
        """
        return self._store.result()

    def event_appended(self, event: Event) -> None:
        """Show an acknowledged event to the store, now or once it is open."""
        with self._lock:
            if not self._store.done():
                self._seen.add(event.session_id)
                return
        if self._store.exception() is None:
            self._store.result().event_appended(event)

    def close(self) -> None:
        """Close the store if it was opened."""
        if self._store.done() and self._store.exception() is None:
            self._store.result().close()

"""The store of a workstation, opened while its first frames are drawn.

What is recorded before the store is open waits in the journal, which is the truth anyway; opening catches up with it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future

from limi_sessions.paths import Home, HomeUnwritable
from limi_sessions.records.event import Event
from limi_sessions.records.payload import SessionStarted
from limi_store import StoreError, StorePort, open_store

_LONGEST_OPENING_S = 15.0
"""Longer than a client waits for the store's owner; making a large database anew may take longer still."""


class StoreGate:
    """Opens the store once, in a thread of its own."""

    def __init__(self, home: Home, *, told: Callable[[str], object]) -> None:
        """Nothing is opened yet.

        Args:
            home: whose store.
            told: called in that thread with what a person should know about the store.
        """
        self._home = home
        self._told = told
        self._opening = False
        self._begun: list[str] = []
        self._store: Future[StorePort] = Future()
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Begin to open; errors are raised by `store`."""
        self._opening = True
        threading.Thread(target=self._open, name="store-opening", daemon=True).start()

    def _open(self) -> None:
        try:
            store = open_store(self._home)
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the store
            self._store.set_exception(error)
            self._told(f"the store is not open, so lists, titles and tags do not work now: {_words(error)}")
            return
        with self._lock:
            self._store.set_result(store)
            waiting, self._seen = self._seen, set()
        with contextlib.suppress(StoreError):
            for session_id in waiting:
                store.catch_up(session_id)
            for note in store.notes:
                self._told(f"the store: {note}")

    def store(self) -> StorePort:
        """The open store; waits for it: call it in a thread.

        Raises:
            StoreError: it could not be opened.
        """
        try:
            return self._store.result()
        except HomeUnwritable as error:
            raise StoreError(str(error)) from error

    def event_appended(self, event: Event) -> None:
        """Show an acknowledged event to the store, now or once it is open."""
        if isinstance(event.payload, SessionStarted):
            self._begun.append(event.session_id)
        with self._lock:
            if not self._store.done():
                self._seen.add(event.session_id)
                return
        if self._store.exception() is None:
            self._store.result().event_appended(event)

    def close(self) -> None:
        """Discard the sessions that were begun here and never used, and close the store, if it was opened.

        An opening under way is waited for: a process that ends while the database's own code runs in a thread aborts.
        """
        if not self._opening:
            return
        try:
            store = self._store.result(timeout=_LONGEST_OPENING_S)
        except Exception:  # noqa: BLE001 - it was not opened, and that was said when it failed
            return
        for session_id in self._begun:
            # One that cannot be discarded stays in the list, which harms nobody.
            with contextlib.suppress(StoreError):
                store.discard_unused(session_id)
        store.close()


def _words(error: BaseException) -> str:
    said = str(error) if isinstance(error, StoreError | HomeUnwritable) else f"{type(error).__name__}: {error}"
    return f"{said.rstrip('.')}. This session is recorded all the same; `limi store check` looks into it."

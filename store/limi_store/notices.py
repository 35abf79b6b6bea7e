"""A client's word to the owner that journals have grown: sent by a thread of its own, many events in one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from limi_store.errors import StoreError

_FIRST_RETRY_S = 0.2
_LAST_RETRY_S = 30.0


class Notices:
    """The thread, started with the first notice. What cannot be sent is kept and tried again."""

    def __init__(self, send: Callable[[Collection[str]], None]) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._told: dict[str, None] = {}
        self._closing = False
        self._thread: threading.Thread | None = None

    def add(self, session_id: str) -> None:
        """Have the owner told; returns at once and never raises."""
        with self._changed:
            self._waiting[session_id] = None
            self._told[session_id] = None
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="store-notices", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> list[str]:
        """End the thread; every session of which there was a notice."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        return list(self._told)

    def _run(self) -> None:
        retry_s = _FIRST_RETRY_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                waiting, self._waiting = self._waiting, {}
            try:
                self._send(waiting)
                retry_s = _FIRST_RETRY_S
            except (StoreError, OSError):
                with self._changed:
                    self._waiting |= waiting
                    self._changed.wait_for(lambda: self._closing, timeout=retry_s)
                retry_s = min(2 * retry_s, _LAST_RETRY_S)

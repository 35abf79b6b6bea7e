"""The one thread that writes the database: live projection, and whatever else must not run beside it.

What is marked while a transaction runs goes into the next one together. When a projection fails the sessions stay
marked and are tried again later, less and less often; nobody who records is ever held up or told by an exception.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Protocol, TypeVar

_T = TypeVar("_T")
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 60.0


class Projecting(Protocol):
    """What the thread does with marked sessions."""

    def bring_up_to_date(self, session_ids: Collection[str]) -> set[str]:
        """Project sessions and return those that could not be; never raises."""
        ...


class Writer:
    """The thread. Its methods may be called from any thread."""

    def __init__(self, projecting: Projecting) -> None:
        self._projecting = projecting
        self._changed = threading.Condition()
        self._marked: dict[str, None] = {}
        self._failed: set[str] = set()
        self._retry_at = 0.0
        self._retry_after_s = _FIRST_RETRY_S
        self._jobs: deque[Callable[[], None]] = deque()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def mark(self, session_id: str) -> None:
        """Have a session brought up to date soon; returns at once."""
        with self._changed:
            self._marked[session_id] = None
            self._changed.notify()

    def submit(self, job: Callable[[], _T]) -> Future[_T]:
        """Run a job on the thread after what is marked now.

        Raises:
            RuntimeError: the thread has been closed.
        """
        future: Future[_T] = Future()

        def run() -> None:
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
                future.set_exception(error)

        with self._changed:
            if self._closing:
                raise RuntimeError("the store is closed")
            self._jobs.append(run)
            self._changed.notify()
        return future

    def run(self, job: Callable[[], _T]) -> _T:
        """Run a job on the thread and wait for its result; on the thread itself it runs at once."""
        if threading.current_thread() is self._thread:
            return job()
        return self.submit(job).result()

    def close(self) -> None:
        """Bring what is marked up to date, run the jobs and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, timeout=self._until_retry())
                marked, self._marked = self._marked, {}
                jobs, self._jobs = self._jobs, deque()
                closing = self._closing
            self._project(marked, last_chance=closing)
            for job in jobs:
                job()
            if closing and not jobs and not marked:
                return

    def _has_work(self) -> bool:
        return bool(self._marked or self._jobs or self._closing)

    def _until_retry(self) -> float | None:
        return max(0.0, self._retry_at - time.monotonic()) if self._failed else None

    def _project(self, marked: dict[str, None], *, last_chance: bool) -> None:
        due = self._failed and (last_chance or time.monotonic() >= self._retry_at)
        # While the database refuses, live events do not make it try at every one of them.
        if self._failed and not due:
            self._failed |= marked.keys()
            return
        sessions = list(dict.fromkeys((*self._failed, *marked)))
        if not sessions:
            return
        self._failed = self._projecting.bring_up_to_date(sessions)
        if not self._failed:
            self._retry_after_s = _FIRST_RETRY_S
            return
        self._retry_at = time.monotonic() + self._retry_after_s
        self._retry_after_s = min(2 * self._retry_after_s, _LAST_RETRY_S)

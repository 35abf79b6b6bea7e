"""The store for the shell of one session: served from before the shell is started to after its end.

Both hands type in that shell, so it is changed only by what the expert typed; see `limi_store.guarded`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from limi_sessions.live import LiveSession
from limi_sessions.plan import SessionPlan
from limi_store import StorePort
from limi_store.guarded import GuardedStore


class StoreGuard:
    """One session's guard. All methods are called on the event loop."""

    def __init__(self, store: Callable[[], StorePort]) -> None:
        """Nothing is served yet.

        Args:
            store: the store; may block until it is open. Called on other threads.
        """
        self._store = store
        self._guarded: GuardedStore | None = None
        self._session: LiveSession | None = None

    async def around(self, plan: SessionPlan, opened: Callable[[SessionPlan], Awaitable[LiveSession]]) -> LiveSession:
        """The session of a plan, whose shell finds the store; when none is opened, nothing is served either.

        Args:
            plan: without a store.
            opened: opens it.

        Raises:
            OSError: the socket cannot be made.
            Exception: what opening raises.
        """
        self._guarded = await asyncio.to_thread(self._served, plan.paths.sockets)
        try:
            self._session = await opened(replace(plan, store_socket=self._guarded.place))
        except BaseException:
            await self.close()
            raise
        return self._session

    async def close(self) -> None:
        """Stop serving; may be called again."""
        if self._guarded is not None:
            await asyncio.to_thread(self._guarded.close)

    def _served(self, directory: Path) -> GuardedStore:
        # Named by its process: whether another one runs this session is known only when its journal is opened.
        for left in directory.glob("store-*.sock"):
            if not _is_alive(int(left.stem.removeprefix("store-"))):
                left.unlink(missing_ok=True)
        return GuardedStore(self._store, directory / f"store-{os.getpid()}.sock", self._not_typed_because)

    def _not_typed_because(self, pid: int) -> str:
        shell = self._session.shell.shell if self._session is not None else None
        if shell is None:
            return "the session's shell is not there yet. Wait for its prompt, or use another terminal"
        return shell.not_typed_because(pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

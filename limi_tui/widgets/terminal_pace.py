"""When the shell pane paints: at once after a pause, then at most 60 times a second, not while a child holds back.

Knows neither widget nor engine: it is given what to call. All of it happens on the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

FRAME_S = 1 / 60
_SHARE = 3
"""From a frame's start to the next at least 3 times its cost: the loop keeps two thirds of its time for others."""
_SYNC_TIMEOUT_S = 0.2
"""How long a child may hold back the screen by synchronized output (mode 2026)."""


class FramePace:
    """Calls ``paint`` when a frame is due."""

    def __init__(self, paint: Callable[[], None]) -> None:
        self._paint = paint
        self._due: asyncio.TimerHandle | None = None
        self._earliest = 0.0
        self._held_since: float | None = None

    def changed(self) -> None:
        """Something is new: paint now, or when the next frame is due."""
        if self._due is not None and self._held_since is None:
            return
        self.cancel()
        wait = self._earliest - time.monotonic()
        if wait > 0:
            self.paint_in(wait)
        else:
            self._paint()

    def paint_in(self, seconds: float) -> None:
        """Paint later, unless a paint is already due."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._due = None
        self._paint()

    def cancel(self) -> None:
        """Forget a paint that is due."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def painted(self, start: float) -> None:
        """Take note of a frame that began at ``start`` (monotonic seconds) and is done."""
        self._earliest = start + max(FRAME_S, _SHARE * (time.monotonic() - start))

    def hold(self, now: float, *, held: bool) -> float:
        """Seconds for which a frame is still held back; a child that never lets go gets five frames a second.

        Args:
            now: monotonic seconds.
            held: whether the child holds back now.
        """
        if not held:
            self._held_since = None
            return 0.0
        if self._held_since is None:
            self._held_since = now
        left = self._held_since + _SYNC_TIMEOUT_S - now
        if left <= 0:
            self._held_since = now
        return left

"""A bell of the event loop: many wait, one rings, all wake."""

from __future__ import annotations

import asyncio


class Bell:
    """For the event loop's thread only; what rang before a wait began is missed, so check the fact first."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """True when it rang, False when the time was up first."""
        if timeout_s is not None and timeout_s <= 0:
            return False
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        return True

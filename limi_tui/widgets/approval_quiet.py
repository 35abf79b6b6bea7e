"""The time in which keys decide nothing: those of an expert who was typing when an approval came up.

Knows nothing of widgets.
"""

from __future__ import annotations

from collections.abc import Callable

QUIET_S = 0.4
"""Seconds without a key before one decides."""


class QuietTime:
    """Over when no key has come for `QUIET_S` since it began; what was typed in it is kept."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Args: clock: seconds; only differences count."""
        self._clock = clock
        self._until = clock() + QUIET_S
        self._held = ""

    def begin(self) -> None:
        """Begin again: the approval has just appeared, or got the focus."""
        self._until = self._clock() + QUIET_S

    @property
    def is_over(self) -> bool:
        """Whether a key means the approval."""
        return self._clock() >= self._until

    def takes(self, character: str | None) -> bool:
        """Whether a key is one of those that decide nothing; its letter is kept, and the time begins again."""
        if self.is_over:
            self._held = ""
            return False
        self._held += character or ""
        self.begin()
        return True

    def take_held(self) -> str:
        """The letters typed in it; they are no longer kept."""
        held, self._held = self._held, ""
        return held

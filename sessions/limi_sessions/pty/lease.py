"""Who may type: one lease between a person and the agent.

The owner is ``human``, ``agent`` or ``free``; each change makes a new epoch. While the lease is free a person may
type without asking. Every unit is checked against owner and epoch in the same lock as its place in the queue, and an
agent's unit once more when its bytes go out: a stale epoch never types. Knows nothing of shells.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from limi_sessions.pty.errors import LeaseLost, LeaseRefused
from limi_sessions.records.payload import LeaseOwner

__all__ = ["Lease", "LeaseLost", "LeaseRefused"]

LeaseListener = Callable[[LeaseOwner, int, str], None]


class Lease:
    """Thread-safe; ``changed`` is called in the order of the changes, while the lease is locked: it must not block."""

    def __init__(self, *, blocker: Callable[[], str | None], changed: LeaseListener) -> None:
        """Args: blocker: why the agent may not start typing now, None when it may."""
        self._lock = threading.RLock()
        self._blocker = blocker
        self._changed = changed
        self._owner: LeaseOwner = "free"
        self._epoch = 0
        self._reason = "start"
        self._agent_until = 0.0

    @property
    def owner(self) -> LeaseOwner:
        """Who holds it."""
        return self._owner

    @property
    def epoch(self) -> int:
        """How often it has changed."""
        return self._epoch

    @property
    def reason(self) -> str:
        """Why it changed last."""
        return self._reason

    @property
    def without_agent_s(self) -> float:
        """Seconds since the agent held it last; infinite when it never did, 0 when it does."""
        if self._owner == "agent":
            return 0.0
        return time.monotonic() - self._agent_until if self._agent_until else math.inf

    def acquire_agent(self, reason: str) -> int:
        """Give the lease to the agent; returns the epoch under which it types, the present one if it holds it.

        Raises:
            LeaseRefused: the person holds it, has a half-typed line, or runs a command.
        """
        with self._lock:
            if self._owner == "agent":
                return self._epoch
            if self._owner == "human":
                raise LeaseRefused("the expert holds the shell")
            if why := self._blocker():
                raise LeaseRefused(why)
            return self._change("agent", reason)

    def take_over(self, reason: str = "the expert took over") -> int:
        """Give the lease to the person, whoever holds it; what the agent still had queued is not typed."""
        with self._lock:
            return self._epoch if self._owner == "human" else self._change("human", reason)

    def hand_back(self, reason: str = "the expert handed back") -> int:
        """Free the lease if the person holds it."""
        with self._lock:
            return self._change("free", reason) if self._owner == "human" else self._epoch

    def release(self, epoch: int, reason: str = "the agent is done") -> bool:
        """Free the lease if the agent holds it under this epoch; False when the epoch is stale."""
        with self._lock:
            if not self.holds(epoch):
                return False
            self._change("free", reason)
            return True

    def holds(self, epoch: int) -> bool:
        """Whether the agent types under this epoch."""
        return self._owner == "agent" and self._epoch == epoch

    def check(self, epoch: int) -> None:
        """Raises LeaseLost when the epoch is stale."""
        if not self.holds(epoch):
            raise LeaseLost(self.lost_because())

    def lost_because(self) -> str:
        """Why an agent's epoch is stale, in words."""
        return f"the lease was lost: {self._reason}"

    @contextmanager
    def agent(self, epoch: int) -> Generator[None]:
        """Hold the lease still for the agent: nobody can take it inside the block, which must be short.

        Raises:
            LeaseLost: the epoch is stale.
        """
        with self._lock:
            self.check(epoch)
            yield

    @contextmanager
    def human(self) -> Generator[bool]:
        """Hold the lease still for the person; False: the agent holds it."""
        with self._lock:
            yield self._owner != "agent"

    def _change(self, owner: LeaseOwner, reason: str) -> int:
        if self._owner == "agent":
            self._agent_until = time.monotonic()
        self._owner = owner
        self._epoch += 1
        self._reason = reason
        self._changed(owner, self._epoch, reason)
        return self._epoch

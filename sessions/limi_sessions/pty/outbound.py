"""Everything that is written to the pty: whole units, one after another, from one thread.

A blocking write of a long paste can deadlock with the child, so the descriptor does not block and this thread waits
for room. A unit is never split by another one. Exceptions: an interrupt overtakes what waits, and cuts off a unit
that the child does not read; and an agent's unit ends where its epoch becomes stale. A paste that is cut is closed,
so that the child leaves its paste mode.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from limi_sessions.pty.errors import LeaseLost
from limi_sessions.pty.lease import Lease

Typist = Literal["human", "agent", "terminal"]
_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_WRITE_MAX = 4096
"""Bytes of one write: the lease is held during it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Bytes that belong together."""

    payload: bytes
    by: Typist
    """``terminal``: the emulator's answers, which need no lease."""
    epoch: int = 0
    """Of the agent's lease."""
    urgent: bool = False
    keys: int = 1
    """How many keys the person pressed."""
    typed: Callable[[], None] = lambda: None
    """Called once its last byte is out; of an agent's unit, before the lease can change."""


class Outbound:
    """The queue and its thread; the descriptor must be non-blocking and stays the caller's."""

    def __init__(self, descriptor: int, lease: Lease, *, started: Callable[[Unit], None]) -> None:
        """Args: started: called in the thread just before the first byte of a unit that is really typed."""
        self._descriptor = descriptor
        self._lease = lease
        self._started = started
        self._turn = threading.Lock()
        self._units: deque[Unit] = deque()
        self._urgent: deque[Unit] = deque()
        self._closed = False
        self._wake, self._wake_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._wake_end, False)
        self._thread = threading.Thread(target=self._run, name="limi-pty-out", daemon=True)
        self._thread.start()

    def put(self, unit: Unit) -> None:
        """Queue a unit; the caller holds the lease still when the unit needs one."""
        with self._turn:
            if self._closed:
                return
            (self._urgent if unit.urgent else self._units).append(unit)
            self._ring()

    def lease_changed(self) -> None:
        """Look again whether a unit under way may go on."""
        with self._turn:
            if not self._closed:
                self._ring()

    def close(self) -> None:
        """Drop what waits and end the thread."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._units.clear()
            self._urgent.clear()
            self._ring()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        os.close(self._wake)
        os.close(self._wake_end)

    def _ring(self) -> None:
        try:
            os.write(self._wake_end, b"\0")
        except BlockingIOError:
            pass  # the pipe is full of bells: the thread will wake

    def _run(self) -> None:
        try:
            while not self._closed:
                unit = self._next()
                if unit is None:
                    self._wait(writable=False)
                else:
                    self._write(unit)
        except OSError:
            return  # the child is gone; the reader says so

    def _next(self) -> Unit | None:
        with self._turn:
            for waiting in (self._urgent, self._units):
                if waiting:
                    return waiting.popleft()
        return None

    def _write(self, unit: Unit) -> None:
        rest = memoryview(unit.payload)
        while rest and not self._closed:
            done = self._write_some(unit, rest, first=len(rest) == len(unit.payload))
            if done is None or (done == 0 and self._urgent and not unit.urgent):
                self._cut(unit, len(unit.payload) - len(rest))
                return
            rest = rest[done:]
            if done == 0:
                self._wait(writable=True)

    def _write_some(self, unit: Unit, rest: memoryview, *, first: bool) -> int | None:
        """Bytes written, 0 when there is no room, None when the unit may not be typed any more."""
        if unit.by != "agent":
            return self._attempt(unit, rest, first=first)
        try:
            with self._lease.agent(unit.epoch):
                return self._attempt(unit, rest, first=first)
        except LeaseLost:
            return None

    def _attempt(self, unit: Unit, rest: memoryview, *, first: bool) -> int:
        if first and not select.select([], [self._descriptor], [], 0)[1]:
            return 0
        if first:
            self._started(unit)
        try:
            written = os.write(self._descriptor, rest[:_WRITE_MAX])
        except BlockingIOError:
            return 0
        if written == len(rest):
            unit.typed()
        return written

    def _cut(self, unit: Unit, written: int) -> None:
        """Leave no open paste behind; an urgent unit that cut in is next."""
        if written and unit.payload.startswith(_PASTE_BEGIN) and _PASTE_END not in unit.payload[:written]:
            with self._turn:
                self._urgent.appendleft(Unit(_PASTE_END, "terminal", urgent=True))

    def _wait(self, *, writable: bool) -> None:
        ready, _, _ = select.select([self._wake], [self._descriptor] if writable else [], [])
        if ready:
            try:
                os.read(self._wake, 4096)
            except BlockingIOError:
                return

"""The reader's side of the shared shell: each chunk goes to the screen, the recording and the tracker, in this order.

Runs in the pty's reading thread; tells the event loop through two callbacks. Knows nothing of processes.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from limi_sessions.pty.cast import Recording
from limi_sessions.pty.commandevents import Began, TrackerEvent
from limi_sessions.pty.marks import Mark, MarkScanner, Segment
from limi_sessions.pty.promptline import PromptLine
from limi_sessions.pty.tracker import CommandTracker
from limi_sessions.records.visible import visible_text
from limi_sessions.terminal.engine import TermEngine

_FORGED_S = 1.0
"""Forged marks are reported at most this often, and before every prompt."""
_SAMPLE = 200
_BEGIN_MARK, _EXIT_MARK = b"\x1b]133;C", b"\x1b]133;D"


@dataclass(frozen=True)
class MarksForged:
    """Marks without the nonce came since the last report."""

    count: int
    sample: str


StreamEvent = TrackerEvent | MarksForged


class ShellStream:
    """Where bytes of the child go."""

    def __init__(
        self,
        *,
        engine: TermEngine,
        engine_lock: threading.Lock,
        scanner: MarkScanner,
        cast: Recording,
        tracker: CommandTracker,
        lines: tuple[PromptLine, ...],
        replies: Callable[[bytes, bool], None],
        happened: Callable[[list[StreamEvent]], None],
    ) -> None:
        """Wire the reader to its surroundings.

        Args:
            engine: the screen.
            engine_lock: held while the screen is fed.
            scanner: finds the marks.
            cast: the recording.
            tracker: makes commands of marks.
            lines: who types at the prompt; emptied by marks.
            replies: takes the terminal's answers, and whether a command asked.
            happened: takes what the chunk brought, maybe nothing.
        """
        self._engine = engine
        self._engine_lock = engine_lock
        self._scanner = scanner
        self.cast = cast
        """The recording; may be replaced at any time."""
        self._tracker = tracker
        self._lines = lines
        self._replies = replies
        self._happened = happened
        self._forged = 0
        self._forged_sample = ""
        self._forged_at = 0.0
        self.last_output = time.monotonic()
        self._taking = False

    def drained(self, descriptor: int) -> bool:
        """Whether all that the child has printed was taken; from any thread.

        Args:
            descriptor: the master side that is read.
        """
        return not select.select([descriptor], [], [], 0)[0] and not self._taking

    def take(self, chunk: bytes) -> None:
        """The child printed."""
        self._taking = True
        try:
            self._take(chunk)
        finally:
            self._taking = False

    def _take(self, chunk: bytes) -> None:
        self.last_output = time.monotonic()
        # What a program asked that has ended by now stays unanswered: the answer would be typed at the prompt.
        in_command = self._tracker.runs or _BEGIN_MARK in chunk
        asked_in_vain = max(0, chunk.rfind(_EXIT_MARK)) if in_command else 0
        with self._engine_lock:
            if asked_in_vain:
                self._engine.feed(chunk[:asked_in_vain])
                self._engine.take_replies()
            self._engine.feed(chunk[asked_in_vain:])
            replies = self._engine.take_replies()
        if replies:
            self._replies(replies, in_command and not asked_in_vain)
        self._happened(self._walk(self._scanner.feed(chunk)))

    def end(self) -> None:
        """The child prints no more."""
        events = self._walk(self._scanner.drain())
        events += self._tracker.abandon(self.cast.offset)
        events += self._forged_report()
        self._happened(events)

    def _walk(self, segments: list[Segment]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for segment in segments:
            before = self.cast.offset
            self.cast.output(segment.raw)
            if not isinstance(segment, Mark):
                self._tracker.text(segment.raw)
                continue
            if segment.kind == "forged":
                events += self._count_forged(segment)
                continue
            if segment.kind in "ACD":
                for line in self._lines:
                    line.reset()
            if segment.kind == "B":
                events += self._forged_report()
            told = self._tracker.mark(segment, before=before, after=self.cast.offset)
            for event in told:
                if isinstance(event, Began):
                    self.cast.marker(event.command)
            events += told
        return events

    def _count_forged(self, mark: Mark) -> list[StreamEvent]:
        self._forged += 1
        self._forged_sample = self._forged_sample or visible_text(
            mark.raw[:_SAMPLE].decode("utf-8", "replace"), keep=""
        )
        return self._forged_report() if time.monotonic() - self._forged_at >= _FORGED_S else []

    def _forged_report(self) -> list[StreamEvent]:
        if not self._forged:
            return []
        report = MarksForged(self._forged, self._forged_sample)
        self._forged, self._forged_sample = 0, ""
        self._forged_at = time.monotonic()
        return [report]

"""Terminal engines behind one protocol. Knows nothing of widgets.

`open_engine` chooses: libghostty-vt where it works, bittty elsewhere. Nothing is loaded until it is called.
"""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from typing import Literal

from limi_sessions.terminal.engine import EngineBroken, TermEngine

EngineChoice = Literal["ghostty", "bittty"]


@dataclass(frozen=True, slots=True)
class EngineReport:
    """Which engine this machine gets, and why not the faster one."""

    engine: EngineChoice
    name: str
    """With its library's version, ``ghostty/0.1.3``."""
    packed: bool = True
    """False: cells are read slowly, because their layout in memory is not the known one."""
    reason: str = ""
    """Why the first choice was not taken, empty when it was."""


_trying = threading.Lock()


def engine_report() -> EngineReport:
    """Try the native engine once a process; ``limi doctor`` shows the answer.

    Takes 0.15 s of CPU the first time; from several threads at once, one tries and the others wait.
    """
    with _trying:
        return _tried()


@functools.cache
def _tried() -> EngineReport:
    from limi_sessions.terminal.native import load
    from limi_sessions.terminal.selftest import packed_layout_holds, selftest

    try:
        from limi_sessions.terminal.ghostty import GhosttyEngine

        packed = packed_layout_holds(load())
        engine = GhosttyEngine(80, 24, scrollback_lines=0, packed=packed)
        report = selftest(engine)
        if not report.passed and packed:
            packed = False
            engine = GhosttyEngine(80, 24, scrollback_lines=0, packed=False)
            report = selftest(engine)
        if report.passed:
            reason = "" if packed else "libghostty-vt lays out cells in an unknown way; screens are read slowly"
            return EngineReport(engine="ghostty", name=engine.name, packed=packed, reason=reason)
        reason = f"{engine.name} failed its selftest: {report.problems[0]}"
    except EngineBroken as error:
        reason = str(error)
    from limi_sessions.terminal.bitttyengine import BitttyEngine

    return EngineReport(engine="bittty", name=BitttyEngine(2, 2).name, reason=reason)


def open_engine(
    cols: int, rows: int, *, scrollback_lines: int = 10_000, prefer: EngineChoice | None = None
) -> TermEngine:
    """A fresh terminal of this size.

    Args:
        cols: width in cells, 1 to 4096.
        rows: height in cells, 1 to 4096.
        scrollback_lines: this many lines are kept above the screen, often more; 0 keeps none.
        prefer: an engine to use if it works here; None: the fastest that does.

    Raises:
        ValueError: a size out of range.
    """
    if prefer != "bittty":
        report = engine_report()
        if report.engine == "ghostty":
            from limi_sessions.terminal.ghostty import GhosttyEngine

            return GhosttyEngine(cols, rows, scrollback_lines=scrollback_lines, packed=report.packed)
    from limi_sessions.terminal.bitttyengine import BitttyEngine

    return BitttyEngine(cols, rows, scrollback_lines=scrollback_lines)

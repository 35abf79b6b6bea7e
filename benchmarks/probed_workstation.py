"""The workstation as `limi` opens it, with a probe of its event loop; for bench_workstation.py.

    python benchmarks/probed_workstation.py REPORT [arguments of limi ...]

From one SIGUSR1 to the next the probe sleeps for 5 ms again and again on the loop and notes how much later it woke.
When the program ends, REPORT gets JSON: ``lags``, pairs of monotonic time and lag in seconds, and ``collections``, each
run of Python's garbage collector as its monotonic start, its seconds of CPU and its generation.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
import time
from pathlib import Path

import limi_tui.app
from limi_tui.cli.main import main

STEP_S = 0.005


class Probe:
    """What was noted so far."""

    def __init__(self) -> None:
        self.lags: list[tuple[float, float]] = []
        self.collections: list[tuple[float, float, int]] = []
        self._task: asyncio.Task[None] | None = None
        self._collecting_since = (0.0, 0.0)

    def toggle(self) -> None:
        """Begin or stop to measure; called on the loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="lag-probe")
        else:
            self._task.cancel()
            self._task = None

    def collecting(self, phase: str, details: dict[str, int]) -> None:
        """Python's collector began or ended; called by it."""
        if phase == "start":
            self._collecting_since = (time.monotonic(), time.thread_time())
        else:
            start, cpu = self._collecting_since
            self.collections.append((start, time.thread_time() - cpu, details["generation"]))

    def report(self) -> str:
        """All of it as JSON."""
        return json.dumps({"lags": self.lags, "collections": self.collections})

    async def _run(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(STEP_S)
            self.lags.append((before, max(0.0, time.monotonic() - before - STEP_S)))


PROBE = Probe()


class ProbedApp(limi_tui.app.LimiApp):
    """The workstation; Textual calls this class's handler besides that of the app itself."""

    def on_load(self) -> None:
        """The loop runs: listen to the signal."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, PROBE.toggle)


if __name__ == "__main__":
    gc.callbacks.append(PROBE.collecting)
    limi_tui.app.LimiApp = ProbedApp
    report = Path(sys.argv.pop(1))
    code = main()
    report.write_text(PROBE.report(), encoding="utf-8")
    sys.exit(code)

"""How long the agent's command takes, and what an acknowledged event costs against a bare append to the same disk.

    python benchmarks/bench_roundtrip.py [--calls 200] [--events 400] [--directory DIR]

Round trip: from the model's answer, whole and with its call, to the call's result on disk and told; the command is
`true`. All parts are the real ones: a scripted model behind HTTP and litellm, the loop, the shell on its pty, the
journal with one fdatasync an event. Acknowledged event: `Recorder.post` until the recording thread acknowledges, and
awaited on the event loop, each time beside one write and fdatasync of the same bytes to a file in the same directory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from table import machine_line, print_table

from limi_sessions.agent.ports import NobodyIsHere
from limi_sessions.journal import Journal
from limi_sessions.live import LiveSession
from limi_sessions.masking import Masker
from limi_sessions.paths import Home
from limi_sessions.plan import Company
from limi_sessions.recorder import Recorder
from limi_sessions.records.event import Event
from limi_sessions.records.payload import ModelMessage, ShellName, ToolFinished
from limi_sessions.unwatched import Unwatched
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.session_start import new_plan

SHELLS: tuple[ShellName, ...] = ("bash", "zsh", "fish")
GOAL_MS = 100.0
GOAL_RATIO = 1.5


@dataclass
class Stopwatch(NobodyIsHere, Unwatched):
    """Nobody, who notes when each call arrived and when its result was told."""

    arrived_ns: int = 0
    trips_ms: list[float] = field(default_factory=list[float])

    async def ask(self, question: str, options: Sequence[str]) -> str | None:
        """Nobody answers."""
        return None

    def told(self, event: Event) -> None:
        """Note the time of an acknowledged event."""
        if isinstance(event.payload, ModelMessage):
            self.arrived_ns = event.mono_ns
        elif isinstance(event.payload, ToolFinished):
            self.trips_ms.append((time.monotonic_ns() - self.arrived_ns) / 1e6)


async def round_trips(shell: ShellName, directory: Path, *, calls: int) -> list[float]:
    """Milliseconds from each of the agent's calls to its result."""
    script = directory / f"{shell}.json"
    turn = {"tool_calls": [{"name": "run_shell_command", "arguments": {"command": "true"}}], "repeat": calls}
    script.write_text(json.dumps([turn, {"text": "done"}]))
    workspace = directory / "workspace"
    workspace.mkdir(exist_ok=True)
    watch = Stopwatch()
    company = Company(
        sink=lambda _: None, on_event=watch.told, approver=watch, observer=watch, watcher=watch, ask=watch.ask
    )
    home = Home(directory / "home")
    request = OpeningRequest(home=home, actor="bench", workspace=workspace, query="go", shell=shell, mode="yolo")
    session = await LiveSession.begin(new_plan(request, model=f"scripted:{script}"), company)
    try:
        await (await session.say("go"))
    finally:
        await session.finish()
    return watch.trips_ms


@dataclass
class Appends:
    """Milliseconds of each kind of append, measured in turns."""

    bare: list[float] = field(default_factory=list[float])
    journalled: list[float] = field(default_factory=list[float])
    acknowledged: list[float] = field(default_factory=list[float])
    awaited: list[float] = field(default_factory=list[float])


async def appends(directory: Path, *, events: int) -> Appends:
    """One bare append, one post and one awaited event in each round, on the same disk."""
    measured = Appends()
    payload = ToolFinished(call_id="call_1", name="run_shell_command", status="done", result="x" * 400, exit_code=0)
    journal = Journal(directory / "journal" / "events.jsonl", "bench")
    line = b"y" * len(_line_of(journal, payload))
    same_thread = Journal(directory / "same" / "events.jsonl", "bench")
    recorder = Recorder(journal, masker=Masker(["sk-a-key-in-use-1234"]), sink=lambda _: None)
    descriptor = os.open(directory / "bare", os.O_RDWR | os.O_CREAT, 0o600)
    size = 0
    for _ in range(events):
        began = time.perf_counter()
        size += os.pwrite(descriptor, line, size)
        os.fdatasync(descriptor)
        measured.bare.append((time.perf_counter() - began) * 1e3)
        began = time.perf_counter()
        same_thread.append(payload, actor="agent")
        measured.journalled.append((time.perf_counter() - began) * 1e3)
        measured.acknowledged.append(await asyncio.to_thread(_posted, recorder, payload))
        began = time.perf_counter()
        await recorder.record(payload, actor="agent")
        measured.awaited.append((time.perf_counter() - began) * 1e3)
    os.close(descriptor)
    same_thread.close()
    await recorder.close()
    return measured


def _line_of(journal: Journal, payload: ToolFinished) -> bytes:
    journal.append(payload, actor="agent")
    return journal.path.read_bytes()


def _posted(recorder: Recorder, payload: ToolFinished) -> float:
    ended: Future[float] = Future()
    began = time.perf_counter()
    recorder.post(payload, actor="agent").add_done_callback(lambda _: ended.set_result(time.perf_counter()))
    return (ended.result() - began) * 1e3


def percentile(times: Sequence[float], percent: int) -> float:
    """The value that this share of the times does not exceed."""
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def main() -> int:
    """Run both parts and print their tables."""
    parser = argparse.ArgumentParser(description="Time the agent's command round trip and an acknowledged event.")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--events", type=int, default=400)
    parser.add_argument("--directory", type=Path, help="on the disk to measure; default: that of temporary files")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as name:
        directory = Path(name)
        rows: list[tuple[object, ...]] = []
        for shell in SHELLS:
            if shutil.which(shell) is None:
                continue
            trips = asyncio.run(round_trips(shell, directory, calls=chosen.calls))
            p50 = percentile(trips, 50)
            rows.append((shell, len(trips), p50, percentile(trips, 95), max(trips), (p50 <= GOAL_MS and "yes") or "no"))
        measured = asyncio.run(appends(directory, events=chosen.events))
    print(machine_line())
    print_table(
        f"The agent's `true`: call arrived -> result on disk and told, ms (goal: p50 <= {GOAL_MS:g})",
        ("shell", "calls", "p50", "p95", "max", "met"),
        rows,
    )
    bare = percentile(measured.bare, 50)
    kinds = (
        ("bare write + fdatasync", measured.bare),
        ("Journal.append, same thread", measured.journalled),
        ("post -> acknowledged", measured.acknowledged),
        ("awaited on the loop", measured.awaited),
    )
    print_table(
        f"{len(measured.bare)} of each append in turn on the same disk, ms (goal: acknowledged <= {GOAL_RATIO:g}x)",
        ("append", "p50", "p95", "ratio p50"),
        [(kind, percentile(times, 50), percentile(times, 95), percentile(times, 50) / bare) for kind, times in kinds],
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

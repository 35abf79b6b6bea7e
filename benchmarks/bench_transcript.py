"""What a transcript of 50,000 rows costs: appending, streaming, painting, opening and resizing.

    python benchmarks/bench_transcript.py [--rows 50000] [--seconds 5]

Runs the widget in a Textual app without a terminal; the goal is an append of at most 1 ms at 50,000 rows and a loop
lag of at most 50 ms at the 99th percentile while 200 tokens/s stream in.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from typing import cast

from table import machine_line, print_table
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from limi_tui.theme import register_themes
from limi_tui.widgets.transcript import Transcript
from limi_tui.widgets.transcript_blocks import AgentBlock, Block, ToolBlock

WIDTH, HEIGHT = 120, 50
TOKENS_PER_S = 200
LAG_STEP_S = 0.005


class TranscriptApp(App[None]):
    """A transcript and nothing else."""

    CSS = "Transcript { height: 1fr; }"

    def compose(self) -> ComposeResult:
        """The transcript."""
        register_themes(cast(App[object], self))
        yield Transcript()

    @property
    def transcript(self) -> Transcript:
        """The transcript."""
        return self.query_one(Transcript)


def conversation(rows: int) -> list[Block]:
    """Messages of five rows and calls of one, about so many rows in all."""
    paragraph = "The **parser** drops `None` values before it counts columns, so the offset is wrong. " * 2
    blocks: list[Block] = []
    total = 0
    while total < rows:
        number = len(blocks)
        if number % 4:
            blocks.append(ToolBlock(f"t{number}", "read_file", '{"file_path": "a.py"}', "done", output="x\n" * 30))
            total += 1
        else:
            blocks.append(AgentBlock(f"a{number}", f"## Step {number}\n{paragraph}\n- one\n- two"))
            total += 7
    return blocks


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def settle(pilot: Pilot[None], transcript: Transcript) -> None:
    """Wait until all heights are exact."""
    while not transcript.settled:
        await pilot.pause(0.01)


async def timed_appends(transcript: Transcript, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds (wall, CPU) of each append with all it causes: layout, scrollbar, scroll, changed rows."""
    costs: list[float] = []
    cpu_costs: list[float] = []
    for number in range(count):
        block = AgentBlock(f"timed{number}", "One more **message** of the agent\n- with a list\n- of two")
        started, cpu = time.perf_counter(), time.process_time()
        transcript.append(block)
        transcript.settle()
        costs.append((time.perf_counter() - started) * 1000)
        cpu_costs.append((time.process_time() - cpu) * 1000)
        await asyncio.sleep(0)
    return costs, cpu_costs


async def loop_lags(seconds: float, feed: Callable[[int], None]) -> tuple[list[float], float]:
    """Lags of the event loop in ms, and the share of a core used, while tokens are fed at `TOKENS_PER_S`."""
    lags: list[float] = []
    tokens, started, cpu = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - started) < seconds:
        while tokens < elapsed * TOKENS_PER_S:
            feed(tokens)
            tokens += 1
        before = time.perf_counter()
        await asyncio.sleep(LAG_STEP_S)
        lags.append((time.perf_counter() - before - LAG_STEP_S) * 1000)
    return lags, (time.process_time() - cpu) / (time.perf_counter() - started)


def repaint_ms(transcript: Transcript, *, cold: bool) -> float:
    """Median milliseconds to draw all rows of the view; ``cold`` also lays out styles and strips anew."""
    costs: list[float] = []
    for _ in range(50):
        if cold:
            transcript.notify_style_update()
        started = time.perf_counter()
        for y in range(HEIGHT):
            transcript.render_line(y)
        costs.append((time.perf_counter() - started) * 1000)
    return statistics.median(costs)


async def measure(rows: int, seconds: float) -> None:
    """Run everything and print it."""
    app = TranscriptApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        transcript = app.transcript
        started = time.perf_counter()
        transcript.extend(conversation(rows))
        transcript.settle()
        opened = (time.perf_counter() - started) * 1000
        await settle(pilot, transcript)
        exact = (time.perf_counter() - started) * 1000
        appends, append_cpu = await timed_appends(transcript, 300)
        warm, cold = repaint_ms(transcript, cold=False), repaint_ms(transcript, cold=True)
        lags, share = await loop_lags(seconds, lambda n: transcript.stream_text("s", f"word{n} " if n % 40 else "\n\n"))
        started = time.perf_counter()
        await pilot.resize_terminal(80, HEIGHT)
        resize_lags, _ = await loop_lags(1.0, lambda _n: None)
        total = transcript.book.index.total
        await settle(pilot, transcript)
        rewrapped = (time.perf_counter() - started) * 1000
    print(machine_line())
    print_table(
        f"transcript of {total:,} rows in {len(transcript.book):,} blocks, {WIDTH}x{HEIGHT}",
        ("what", "value", "unit", "goal"),
        (
            ("append, median", statistics.median(appends), "ms", "1"),
            ("append, p95", percentile(appends, 0.95), "ms", ""),
            ("append, p95 of CPU time", percentile(append_cpu, 0.95), "ms", "1"),
            ("open: first rows", opened, "ms", ""),
            ("open: all heights exact", exact, "ms", ""),
            (f"stream {TOKENS_PER_S} tokens/s: share of a core", share * 100, "%", ""),
            ("stream: loop lag p99", percentile(lags, 0.99), "ms", "50"),
            ("stream: loop lag max", max(lags), "ms", ""),
            ("repaint of the view, strips kept", warm, "ms", ""),
            ("repaint of the view, new theme", cold, "ms", ""),
            ("resize: loop lag max in the next second", max(resize_lags), "ms", "50"),
            ("resize: all rows rewrapped", rewrapped, "ms", ""),
        ),
    )


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.rows, arguments.seconds))


if __name__ == "__main__":
    main()

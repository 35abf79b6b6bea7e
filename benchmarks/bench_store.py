"""What recording and the store cost: acknowledgement against a bare fdatasync, time to DuckDB, rebuild, opening.

Run: ``python benchmarks/bench_store.py``. Homes are made on the disk of ``$TMPDIR``.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from table import machine_line, print_table

from limi_sessions.journal import Journal
from limi_sessions.masking import Masker
from limi_sessions.paths import Home
from limi_sessions.recorder import Recorder
from limi_sessions.records.event import Event, seal
from limi_sessions.records.identity import utc_now, uuid7
from limi_sessions.records.message import Completion, TokenCount, ToolCall
from limi_sessions.records.payload import (
    HumanRan,
    ModelMessage,
    Payload,
    SessionStarted,
    ToolDecided,
    ToolFinished,
    ToolProposed,
    UserMessage,
)
from limi_store import StorePort, open_store

ACKNOWLEDGED = 400
PER_SECOND = 50
SECONDS = 8
REBUILT = 20_000


def started(query: str) -> SessionStarted:
    """The first event of a session."""
    return SessionStarted(limi_version="0", query=query, workspace="/w", model="m", system_prompt="You are an agent.")


def step(number: int) -> list[Payload]:
    """One round of a session: an answer with a call, its result, a command of the expert."""
    call = ToolCall(call_id=f"c{number}", name="run_shell_command", arguments='{"command": "pytest -x tests/unit"}')
    answer = Completion(
        content="I run the tests and read what fails. " * 6,
        tool_calls=(call,),
        finish_reason="tool_calls",
        usage=TokenCount(prompt=4000 + number, completion=80, method="exact"),
    )
    output = "tests/unit/test_parser.py::test_a PASSED\n" * 20
    return [
        UserMessage(content=f"go on with part {number}"),
        ModelMessage(request_id=f"r{number}", completion=answer),
        ToolProposed(request_id=f"r{number}", call=call),
        ToolDecided(call_id=call.call_id, decision="accept", by="human"),
        ToolFinished(call_id=call.call_id, name=call.name, status="done", result=output, exit_code=0, cwd="/w"),
        HumanRan(command="make", output="ok\n", exit_code=0, cwd="/w", duration_ms=12.0),
    ]


def payloads(count: int) -> list[Payload]:
    """Events of a session, without its first."""
    return [payload for number in range(count // 6 + 1) for payload in step(number)][:count]


def percentile(values: list[float], share: float) -> float:
    """A percentile by nearest rank."""
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def bare_append(place: Path, lines: list[bytes], *, every_s: float = 0.0) -> list[float]:
    """Milliseconds of write + fdatasync of ready-made lines, back to back or paced."""
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    taken: list[float] = []
    for line in lines:
        time.sleep(every_s)
        before = time.perf_counter()
        os.write(descriptor, line)
        os.fdatasync(descriptor)
        taken.append((time.perf_counter() - before) * 1e3)
    os.close(descriptor)
    return taken


def journalled(home: Home, entries: list[Payload]) -> list[float]:
    """Milliseconds of `Journal.append`, without a thread in between."""
    journal = Journal(home.session(uuid7()).journal, "s")
    taken: list[float] = []
    for payload in entries:
        before = time.perf_counter()
        journal.append(payload, actor="agent")
        taken.append((time.perf_counter() - before) * 1e3)
    journal.close()
    return taken


async def acknowledged(
    home: Home, sink: Callable[[Event], None], entries: list[Payload], *, every_s: float = 0.0
) -> list[float]:
    """Milliseconds from `record` to its return, back to back or paced."""
    session_id = uuid7()
    journal = Journal(home.session(session_id).journal, session_id)
    recorder = Recorder(journal, masker=Masker(["sk-a-secret-value"]), sink=sink)
    await recorder.record(started("bench"), actor="expert")
    taken: list[float] = []
    for payload in entries:
        await asyncio.sleep(every_s)
        before = time.perf_counter()
        await recorder.record(payload, actor="agent")
        taken.append((time.perf_counter() - before) * 1e3)
    await recorder.close()
    return taken


def lines_of(entries: list[Payload]) -> list[bytes]:
    """The journal lines of payloads."""
    return [
        seal(p, event_id=uuid7(), session_id="s", seq=n, ts=utc_now(), mono_ns=n, actor="agent", prev_sha256="0" * 64)[
            1
        ]
        for n, p in enumerate(entries)
    ]


def compare_acknowledgement(home: Home, store: StorePort) -> None:
    """Print the cost of an acknowledged event beside that of a bare append; rounds alternate on the same disk."""
    entries = payloads(ACKNOWLEDGED)
    bare: list[float] = []
    journal: list[float] = []
    alone: list[float] = []
    heard: list[float] = []
    for start in range(0, ACKNOWLEDGED, 100):
        part = entries[start : start + 100]
        bare += bare_append(home.root / "bare", lines_of(part))
        journal += journalled(home, part)
        alone += asyncio.run(acknowledged(home, lambda event: None, part))
        heard += asyncio.run(acknowledged(home, store.event_appended, part))
        store.catch_up()
    part = entries[:150]
    paced_bare = bare_append(home.root / "bare", lines_of(part), every_s=1 / PER_SECOND)
    paced = asyncio.run(acknowledged(home, store.event_appended, part, every_s=1 / PER_SECOND))
    rows = [
        (name, percentile(taken, 0.5), percentile(taken, 0.95), percentile(taken, 0.5) / percentile(beside, 0.5))
        for name, taken, beside in (
            ("bare write + fdatasync, back to back", bare, bare),
            ("Journal.append", journal, bare),
            ("Recorder.record, nobody listening", alone, bare),
            ("Recorder.record, store listening", heard, bare),
            (f"bare write + fdatasync, {PER_SECOND}/s", paced_bare, paced_bare),
            (f"Recorder.record, store listening, {PER_SECOND}/s", paced, paced_bare),
        )
    ]
    print_table("acknowledged event", ["what", "p50 ms", "p95 ms", "ratio p50"], rows)


def visible_after(home: Home, store: StorePort) -> list[float]:
    """Milliseconds from acknowledgement until a reader finds the event in DuckDB, at 50 events a second."""
    session_id = uuid7()
    journal = Journal(home.session(session_id).journal, session_id)
    written: dict[int, float] = {}
    seen: dict[int, float] = {}
    ended = threading.Event()

    def watch() -> None:
        known = 0
        while not ended.is_set() or known < len(written):
            turns = store.summary(session_id).turns if known or store.sessions(limit=1) else 0
            now = time.perf_counter()
            for number in range(known, turns):
                seen[number] = now
            known = max(known, turns)
            time.sleep(0.002)

    def append(payload: Payload) -> Event:
        event = journal.append(payload, actor="expert")
        store.event_appended(event)
        return event

    append(SessionStarted(limi_version="0", query="q", workspace="/w", model="m"))
    store.catch_up(session_id)
    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    for number in range(PER_SECOND * SECONDS):
        time.sleep(max(0.0, begin + number / PER_SECOND - time.perf_counter()))
        append(UserMessage(content=f"message {number} " + "words " * 50))
        written[number] = time.perf_counter()
    ended.set()
    watcher.join()
    journal.close()
    return [(seen[number] - at) * 1e3 for number, at in written.items()]


def fill(home: Home, events: int) -> None:
    """Journals of 200 events each."""
    for _ in range(events // 200):
        session_id = uuid7()
        journal = Journal(home.session(session_id).journal, session_id)
        journal.append_all([(started("q"), "expert"), *((payload, "agent") for payload in payloads(199))])
        journal.close()


def main() -> None:
    """Print all tables."""
    print(machine_line())
    with tempfile.TemporaryDirectory() as directory:
        home = Home(Path(directory) / "home")
        before = time.perf_counter()
        store = open_store(home)
        empty_s = time.perf_counter() - before
        compare_acknowledgement(home, store)
        latencies = visible_after(home, store)
        print_table(
            f"visible in DuckDB after acknowledgement, {PER_SECOND} events/s for {SECONDS} s",
            ["events", "p50 ms", "p95 ms", "max ms"],
            [(len(latencies), statistics.median(latencies), percentile(latencies, 0.95), max(latencies))],
        )
        store.close()
        fill(home, REBUILT)
        before = time.perf_counter()
        store = open_store(home)
        caught_up_s = time.perf_counter() - before
        report = store.rebuild()
        store.close()
        before = time.perf_counter()
        open_store(home).close()
        again_s = time.perf_counter() - before
        print_table(
            "start and rebuild",
            ["what", "events", "seconds", "events/s"],
            [
                ("open an empty home, duckdb imported", 0, empty_s, 0.0),
                ("open with journals ahead of the tables", REBUILT, caught_up_s, REBUILT / caught_up_s),
                ("rebuild, search index included", report.events, report.seconds, report.events / report.seconds),
                ("open again and close", report.events, again_s, 0.0),
            ],
        )


if __name__ == "__main__":
    main()

"""The journal: acknowledged means on disk, chained, and readable whatever happened to its end."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limi_sessions.journal import Journal, JournalBusy, JournalError, is_being_written, last_event, read_journal
from limi_sessions.records.event import EventUnreadable, parse_event
from limi_sessions.records.identity import uuid7
from limi_sessions.records.payload import UserMessage


def said(text: str) -> UserMessage:
    return UserMessage(content=text)


def test_appended_events_read_back_equal_and_chained(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "s" / "events.jsonl", "s")
    written = [journal.append(said(f"line {n}\nübung 漢字"), actor="ada") for n in range(20)]
    journal.close()
    reading = read_journal(tmp_path / "s" / "events.jsonl")
    assert list(reading.events) == written
    assert reading.problems == ()
    assert [e.prev_sha256 for e in reading.events[1:]] == [e.sha256 for e in reading.events[:-1]]


def test_the_journal_and_its_directory_are_private(tmp_path: Path) -> None:
    path = tmp_path / "s" / "events.jsonl"
    Journal(path, "s").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec=None), max_size=40), min_size=1, max_size=5), st.integers(1, 300))
def test_a_torn_last_line_loses_only_itself(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], cut: int
) -> None:
    path = tmp_path_factory.mktemp("j") / "events.jsonl"
    journal = Journal(path, "s")
    whole = [journal.append(said(text), actor="ada") for text in texts]
    end = path.stat().st_size
    journal.append(said("the torn one"), actor="ada")
    journal.close()
    last_length = path.stat().st_size - end
    os.truncate(path, end + min(cut, last_length - 1))
    assert list(read_journal(path).events) == whole
    again = Journal(path, "s")
    later = again.append(said("after"), actor="ada")
    again.close()
    reading = read_journal(path)
    assert reading.problems == ()
    assert reading.events[-1] == later
    assert len(reading.events) == len(texts) + 1


def test_a_flipped_byte_is_reported_with_file_and_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, "s")
    for n in range(5):
        journal.append(said(f"number {n}"), actor="ada")
    journal.close()
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"number 2", b"number 7")
    path.write_bytes(b"\n".join(lines))
    reading = read_journal(path)
    assert [e.seq for e in reading.events] == [0, 1, 3, 4]
    assert len(reading.problems) == 1
    assert f"{path}:3" in reading.problems[0]


def test_a_removed_line_breaks_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, "s")
    for n in range(4):
        journal.append(said(str(n)), actor="ada")
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    assert any("chain is broken" in problem for problem in read_journal(path).problems)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_crash(line: bytes) -> None:
    with pytest.raises(EventUnreadable):
        parse_event(line)


def test_a_second_writer_is_refused_and_the_writer_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert not is_being_written(path)
    journal = Journal(path, "s")
    assert is_being_written(path)
    with pytest.raises(JournalBusy, match="another limi process"):
        Journal(path, "s")
    journal.close()
    assert not is_being_written(path)


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, "s")
    journal.append(said("kept"), actor="ada")
    size = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
    try:
        with pytest.raises(JournalError, match="cannot write the journal"):
            journal.append(said("x" * 1000), actor="ada")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert path.stat().st_size == size
    journal.append(said("after"), actor="ada")
    journal.close()
    reading = read_journal(path)
    assert [e.payload for e in reading.events] == [said("kept"), said("after")]
    assert reading.problems == ()


def test_every_acknowledged_event_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from limi_sessions.journal import Journal
        from limi_sessions.records.payload import UserMessage
        journal = Journal(Path(sys.argv[1]), "s")
        while True:
            event = journal.append(UserMessage(content="x" * 3000), actor="ada")
            sys.stdout.write(f"{event.seq}\\n")
            sys.stdout.flush()
        """
    )
    acknowledged = -1
    for round_number in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(50 + 37 * round_number):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged = max([acknowledged, *map(int, writer.stdout.read().split("\n")[:-1])])
        writer.wait()
        writer.stdout.close()
        seqs = [event.seq for event in read_journal(path).events]
        assert seqs[: acknowledged + 1] == list(range(acknowledged + 1))


def test_the_last_event_is_found_from_the_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert last_event(path) is None
    journal = Journal(path, "s")
    assert last_event(path) is None
    for size in (10, 200_000, 70_000):
        newest = journal.append(said("y" * size), actor="ada")
        assert last_event(path) == newest
    journal.close()


def test_lone_surrogates_are_stored_as_replacement_characters(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, "s")
    event = journal.append(said("a\ud800b"), actor="ada")
    journal.close()
    assert event.payload == said("a\ufffdb")
    assert list(read_journal(path).events) == [event]
    json.loads(path.read_text("utf-8"))


def test_ids_sort_in_the_order_they_were_made() -> None:
    ids = [uuid7() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_asking_whether_a_journal_is_written_does_not_keep_a_writer_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    Journal(path, "s").close()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            is_being_written(path)

    asking = threading.Thread(target=ask)
    asking.start()
    opened = 0
    try:
        for _ in range(200):
            Journal(path, "s").close()
            opened += 1
    finally:
        over.set()
        asking.join()
    assert opened == 200

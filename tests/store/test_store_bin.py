from __future__ import annotations

import pytest
from store_scenes import tables_of, whole_session, write_session

from limi_sessions.journal import Journal, read_journal
from limi_sessions.paths import Home
from limi_sessions.records.event import DESK
from limi_sessions.records.payload import BinEmptied, SessionDeleted, SessionRestored
from limi_store import SessionAmbiguous, SessionUnknown, StorePort, open_store


@pytest.fixture
def session_id(store: StorePort, home: Home) -> str:
    session_id = write_session(home, whole_session(), sink=store.event_appended)
    store.catch_up()
    return session_id


def test_a_deleted_session_is_hidden_everywhere_and_comes_back_whole(
    store: StorePort, home: Home, session_id: str
) -> None:
    before = store.trajectory(session_id)
    store.delete(session_id, actor="ada")
    assert store.sessions() == []
    assert store.search("mended") == []
    assert store.summary(session_id).deleted
    assert (home.bin / session_id / "events.jsonl").exists()
    tombstone = read_journal(home.desk_journal).events[-1]
    assert tombstone.payload == SessionDeleted(target=session_id, journal_sha256=store.events(session_id)[-1].sha256)
    assert tombstone.actor == "ada"
    with pytest.raises(SessionUnknown):
        store.find("latest")
    assert store.find(session_id[:8]) == session_id  # so that it can be restored
    store.delete(session_id, actor="ada")  # again is nothing
    store.restore(session_id, actor="ada")
    store.restore(session_id, actor="ada")
    assert store.trajectory(session_id) == before
    assert len(store.search("mended")) == 1
    assert len(read_journal(home.desk_journal).events) == 2


def test_an_emptied_bin_leaves_no_file_no_row_and_no_hit(store: StorePort, home: Home, session_id: str) -> None:
    kept = write_session(home, whole_session("keep me"), sink=store.event_appended)
    artifact = home.session(session_id).artifacts / "out.txt"
    artifact.parent.mkdir()
    artifact.write_bytes(b"x" * 100_000)
    store.delete(session_id, actor="ada")
    assert store.empty_bin(actor="ada") >= 100_000
    assert store.empty_bin(actor="ada") == 0
    assert store.sessions(deleted=True) == []
    assert not (home.bin / session_id).exists()
    with pytest.raises(SessionUnknown):
        store.restore(session_id, actor="ada")
    assert store.check().repaired == ()
    store.rebuild()
    assert [s.session_id for s in store.sessions()] == [kept]
    store.close()
    rows = tables_of(home.database)
    assert all(session_id not in row for name in ("event", "turn", "trajectory", "session") for row in rows[name])


@pytest.mark.parametrize(
    ("payloads", "lies_in_bin", "belongs"),
    [
        ([SessionDeleted(target="S", journal_sha256="0" * 64)], False, "bin"),
        ([SessionDeleted(target="S", journal_sha256="0" * 64), SessionRestored(target="S")], True, "sessions"),
        ([SessionDeleted(target="S", journal_sha256="0" * 64), BinEmptied(targets=("S",))], True, "nowhere"),
        ([], True, "sessions"),
    ],
)
def test_a_move_that_a_crash_interrupted_is_finished_at_the_next_start(
    home: Home, payloads: list[SessionDeleted | SessionRestored | BinEmptied], lies_in_bin: bool, belongs: str
) -> None:
    write_session(home, whole_session(), session_id="S")
    open_store(home).close()
    if payloads:
        desk = Journal(home.desk_journal, DESK)
        desk.append_all([(payload, "ada") for payload in payloads])
        desk.close()
    if lies_in_bin:
        home.bin.mkdir(mode=0o700)
        (home.sessions / "S").rename(home.bin / "S")
    store = open_store(home)
    assert (home.bin / "S").is_dir() == (belongs == "bin")
    assert (home.sessions / "S").is_dir() == (belongs == "sessions")
    assert len(store.sessions(deleted=True)) == (belongs == "bin")
    assert len(store.sessions()) == (belongs == "sessions")
    assert store.check().repaired == ()
    store.close()


def test_ids_are_found_by_unique_prefix_and_ambiguity_names_the_candidates(store: StorePort, home: Home) -> None:
    first = write_session(home, whole_session("one"), session_id="01aa0000-7000-8000-0000-000000000001")
    second = write_session(home, whole_session("two"), session_id="01aa0000-7000-8000-0000-000000000002")
    store.catch_up()
    assert store.find(first) == first
    assert store.find("latest") == second
    with pytest.raises(SessionAmbiguous, match=r"2 sessions begin with '01aa'") as ambiguous:
        store.find("01aa")
    assert first in str(ambiguous.value) and "one" in str(ambiguous.value)
    store.delete(second, actor="ada")
    assert store.find("01AA") == first
    for wrong in ("", "01a", "ffff", "01aa%", "../x"):
        with pytest.raises(SessionUnknown):
            store.find(wrong)


def test_ids_that_leave_the_home_are_refused(store: StorePort) -> None:
    for wrong in ("..", "../sessions", "/etc", "a/b", "", "a\0b"):
        with pytest.raises(SessionUnknown):
            store.events(wrong)
        with pytest.raises(SessionUnknown):
            store.delete(wrong, actor="ada")

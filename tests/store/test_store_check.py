from __future__ import annotations

import shutil
import sqlite3
import stat

import duckdb
import pytest
from store_scenes import flip, whole_session, write_session

from limi_sessions.paths import Home
from limi_sessions.records.payload import SessionRenamed
from limi_store import StorePort, open_store


def tamper(home: Home, sql: str) -> None:
    with duckdb.connect(str(home.database)) as connection:
        connection.execute(sql)


@pytest.fixture
def session_id(home: Home) -> str:
    session_id = write_session(home, whole_session())
    store = open_store(home)
    store.append_desk(SessionRenamed(target=session_id, title="T"), actor="ada")
    store.close()
    return session_id


def test_a_sound_home_is_healthy_and_needs_no_repair(home: Home, session_id: str) -> None:
    store = open_store(home)
    report = store.check()
    assert (report.healthy, report.repaired, report.sessions) == (True, (), 1)
    assert report.events == len(store.events(session_id)) + 1
    store.close()


def test_a_damaged_line_is_named_with_its_place_and_the_rest_is_kept(home: Home, session_id: str) -> None:
    journal = home.session(session_id).journal
    lines = journal.read_bytes().splitlines(keepends=True)
    flip(journal, sum(map(len, lines[:3])) + 40)
    store = open_store(home)
    report = store.check()
    assert not report.healthy
    assert any(problem.startswith(f"{journal}:4: ") for problem in report.problems)
    assert len(store.events(session_id)) == len(lines) - 1
    assert store.summary(session_id).turns == 6
    rebuilt = store.rebuild()
    assert any(problem.startswith(f"{journal}:4: ") for problem in rebuilt.problems)
    assert not store.check().healthy
    store.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE turn SET content = 'forged' WHERE turn_no = 2",
        "DELETE FROM turn WHERE turn_no = 2",
        "DELETE FROM event WHERE seq = 3",
        "INSERT INTO turn SELECT * FROM turn WHERE turn_no = 1",
        "UPDATE tool_call SET status = 'denied'",
        "UPDATE trajectory SET title = 'forged'",
        "DELETE FROM trajectory",
        "DELETE FROM session",
        "UPDATE session_title SET title = 'forged'",
        "DELETE FROM cast_file",
    ],
)
def test_rows_that_differ_from_the_journal_are_made_anew(home: Home, session_id: str, sql: str) -> None:
    tamper(home, sql)
    store = open_store(home)
    report = store.check()
    assert report.healthy
    assert "made anew" in report.repaired[0]
    assert store.check().repaired == ()
    assert store.summary(session_id).title == "T"
    assert len(store.trajectory(session_id).turns) == 6
    store.close()


def test_a_journal_that_is_gone_is_a_problem_until_a_rebuild(home: Home, session_id: str) -> None:
    shutil.rmtree(home.session(session_id).root)
    store = open_store(home)
    (problem,) = store.check().problems
    assert session_id in problem
    assert store.summary(session_id).turns == 6
    store.rebuild()
    assert store.check().healthy
    assert store.sessions() == []
    store.close()


def test_what_others_can_read_is_made_private(home: Home, session_id: str) -> None:
    home.session(session_id).journal.chmod(0o644)
    home.sessions.chmod(0o755)
    store = open_store(home)
    report = store.check()
    assert report.healthy
    assert "made private" in report.repaired[0]
    assert stat.S_IMODE(home.session(session_id).journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.sessions.stat().st_mode) == 0o700
    assert not [p for p in home.root.rglob("*") if p.stat().st_mode & 0o077]
    store.close()


def test_the_log_of_the_database_is_private_while_it_is_written(home: Home, session_id: str) -> None:
    store = open_store(home)
    write_session(home, whole_session(), sink=store.event_appended)
    store.catch_up()
    assert stat.S_IMODE(home.database.with_name("limi.duckdb.wal").stat().st_mode) == 0o600
    store.close()


def test_a_damaged_search_index_is_made_anew(home: Home, session_id: str) -> None:
    flip(home.search, 0, home.search.stat().st_size // 2)
    store = open_store(home)
    assert [hit.session_id for hit in store.search("mended")] == [session_id]
    assert store.check().healthy
    store.close()


def test_an_emptied_search_index_is_repaired(store: StorePort, home: Home) -> None:
    session_id = write_session(home, whole_session(), sink=store.event_appended)
    store.catch_up()
    store.search("x")
    with sqlite3.connect(home.search) as connection:
        connection.execute("DELETE FROM hit")
        connection.execute("DELETE FROM progress")
    assert store.search("mended") == []
    assert "search index" in store.check().repaired[0]
    assert [hit.session_id for hit in store.search("mended")] == [session_id]


def test_files_in_quarantine_are_mentioned(home: Home, session_id: str) -> None:
    home.database.write_bytes(b"not a database")
    store = open_store(home)
    report = store.check()
    assert report.healthy
    assert "quarantine" in report.notes[0]
    store.close()

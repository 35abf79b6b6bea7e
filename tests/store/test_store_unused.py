"""Sessions that were opened and never used go without a trace; all others stay."""

from __future__ import annotations

import pytest
from store_scenes import started, tables_of, write_session

from limi_sessions.journal import Journal
from limi_sessions.paths import Home
from limi_sessions.records.payload import (
    HumanRan,
    LeaseChanged,
    Payload,
    SessionFinished,
    ShellStarted,
    UserMessage,
)
from limi_store import SessionRunning, StorePort, open_store

STARTED = started("")
FINISHED = SessionFinished(status="interrupted", reason="the agent was never asked")


def _shell(marks: str = "osc133") -> ShellStarted:
    return ShellStarted.model_validate(
        {"shell": "bash", "version": "5.2", "pid": 1, "cols": 80, "rows": 24, "cast": "shell-000.cast", "marks": marks}
    )


def test_a_session_that_was_only_opened_leaves_no_file_and_no_row(store: StorePort, home: Home) -> None:
    lease = LeaseChanged(owner="human", epoch=1, reason="the expert took over")
    session_id = write_session(home, [STARTED, _shell(), lease, FINISHED])
    store.catch_up()
    assert store.discard_unused(session_id)
    assert not home.session(session_id).root.exists()
    assert store.sessions() == []
    assert store.check().healthy
    store.close()
    rows = {name: found for name, found in tables_of(home.database).items() if session_id in repr(found)}
    assert rows == {}


@pytest.mark.parametrize(
    "used",
    [
        UserMessage(content="hi"),
        HumanRan(command="ls", output="", exit_code=0, cwd="/w", duration_ms=1.0),
        _shell("plain"),
    ],
    ids=["asked", "ran", "unknowable"],
)
def test_a_session_in_which_something_happened_stays(store: StorePort, home: Home, used: Payload) -> None:
    session_id = write_session(home, [STARTED, _shell(), used, FINISHED])
    store.catch_up()
    assert not store.discard_unused(session_id)
    assert store.summary(session_id).session_id == session_id
    assert home.session(session_id).journal.exists()


def test_a_session_that_is_being_written_is_not_discarded(store: StorePort, home: Home) -> None:
    session_id = write_session(home, [STARTED])
    store.catch_up()
    journal = Journal(home.session(session_id).journal, session_id)
    try:
        with pytest.raises(SessionRunning):
            store.discard_unused(session_id)
    finally:
        journal.close()


def test_a_client_discards_through_the_owner(store: StorePort, home: Home) -> None:
    session_id = write_session(home, [STARTED, FINISHED])
    store.catch_up()
    client = open_store(home)
    try:
        assert client.role == "client"
        assert client.discard_unused(session_id)
    finally:
        client.close()
    assert store.sessions() == []

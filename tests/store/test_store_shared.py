from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_scenes import started, whole_session, write_session

from limi_sessions.paths import Home
from limi_sessions.records.payload import SessionRenamed, UserMessage
from limi_store import SessionRunning, SessionUnknown, StoreBusy, StorePort, StoreRefused, open_store
from limi_store.lock import OwnerLock, owner_of, socket_place
from limi_store.wire import LONGEST_REQUEST

OWNER = """
import sys
from pathlib import Path
from limi_sessions.paths import Home
from limi_store import open_store
store = open_store(Home(Path(sys.argv[1])))
print(store.role, flush=True)
sys.stdin.readline()
store.close()
"""
CLIENT = """
import json, sys
from pathlib import Path
from limi_sessions.paths import Home
from limi_store import open_store
store = open_store(Home(Path(sys.argv[1])))
print(json.dumps([store.role, [s.model_dump(mode="json") for s in store.sessions()]]))
store.close()
"""


@contextmanager
def owning_process(home: Home) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-P", "-c", OWNER, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "owner\n"
        try:
            yield owner
        finally:
            owner.kill()


def test_a_second_process_sees_the_same_sessions(store: StorePort, home: Home) -> None:
    write_session(home, whole_session(), sink=store.event_appended)
    store.catch_up()
    shown = subprocess.run(
        [sys.executable, "-P", "-c", CLIENT, str(home.root)], capture_output=True, check=True, text=True
    )
    role, sessions = json.loads(shown.stdout)
    assert role == "client"
    assert sessions == [summary.model_dump(mode="json") for summary in store.sessions()]


def test_a_client_gives_every_answer_that_the_owner_gives(store: StorePort, home: Home) -> None:
    session_id = write_session(home, whole_session(), sink=store.event_appended)
    store.catch_up()
    client = open_store(home)
    assert client.role == "client"
    assert client.sessions() == store.sessions()
    assert client.find("latest") == client.find(session_id[:12]) == session_id
    assert client.trajectory(session_id) == store.trajectory(session_id)
    assert client.events(session_id) == store.events(session_id)
    assert client.search("mended") == store.search("mended") != []
    event = client.append_desk(SessionRenamed(target=session_id, title="A name"), actor="ada")
    assert event == store.events("desk")[-1]
    assert client.summary(session_id).title == "A name"
    client.delete(session_id, actor="ada")
    assert client.sessions() == []
    assert [s.session_id for s in client.sessions(deleted=True)] == [session_id]
    client.restore(session_id, actor="ada")
    assert client.check().healthy
    assert client.rebuild().sessions == 1
    client.delete(session_id, actor="ada")
    assert client.empty_bin(actor="ada") > 0
    with pytest.raises(SessionUnknown, match="session list"):
        client.trajectory(session_id)
    assert client.notes == store.notes
    client.close()


def test_what_a_client_recorded_is_in_the_tables_when_it_closes(store: StorePort, home: Home) -> None:
    client = open_store(home)
    session_id = write_session(home, whole_session(), sink=client.event_appended)
    client.close()
    assert store.summary(session_id).turns == 6


def test_errors_cross_the_socket_as_themselves(store: StorePort, home: Home) -> None:
    client = open_store(home)
    with pytest.raises(SessionUnknown, match="4 of its characters"):
        client.find("ab")
    with pytest.raises(SessionUnknown):
        client.delete("../../etc", actor="ada")
    with pytest.raises(StoreRefused, match="longer than"):
        client.search("x" * (LONGEST_REQUEST + 1))
    assert client.sessions() == []
    client.close()


def test_a_client_becomes_the_owner_when_its_owner_is_killed(home: Home) -> None:
    with owning_process(home) as owner:
        client = open_store(home)
        assert client.role == "client"
        session_id = write_session(home, [started(), UserMessage(content="one")], sink=client.event_appended)
        owner.kill()
        owner.wait()
        write_session(home, [UserMessage(content="two")], session_id=session_id, sink=client.event_appended)
        client.catch_up(session_id)
        assert client.role == "owner"
        assert [t.content for t in client.trajectory(session_id).turns][-2:] == ["one", "two"]
        assert any("took over" in note for note in client.notes)
        second = open_store(home)
        assert second.role == "client"
        assert second.summary(session_id).turns == 3
        second.close()
        client.close()


def test_a_notice_alone_makes_a_client_take_over(home: Home) -> None:
    with owning_process(home) as owner:
        client = open_store(home)
        owner.kill()
        owner.wait()
        session_id = write_session(home, whole_session(), sink=client.event_appended)
        client.close()
    store = open_store(home)
    assert store.role == "owner"
    assert store.notes == []
    assert store.summary(session_id).turns == 6
    store.close()


def test_many_clients_race_for_a_lost_store_and_all_go_on(home: Home) -> None:
    write_session(home, whole_session())
    with owning_process(home) as owner:
        clients = [open_store(home) for _ in range(4)]
        owner.kill()
        owner.wait()
        answers: list[int] = []
        threads = [threading.Thread(target=lambda c=client: answers.append(len(c.sessions()))) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [1, 1, 1, 1]
    assert sorted(client.role for client in clients) == ["client", "client", "client", "owner"]
    for client in clients:
        client.close()


def test_a_store_that_is_held_but_not_served_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limi_store.shared._CONNECT_WITHIN_S", 0.2)
    lock = OwnerLock.claim(home)
    assert lock is not None
    with pytest.raises(StoreBusy, match=f"process {os.getpid()} holds the store"):
        open_store(home)
    lock.release()
    open_store(home).close()


def test_a_running_session_of_any_process_cannot_be_deleted(store: StorePort, home: Home) -> None:
    hold = (
        "import sys; from pathlib import Path; from limi_sessions.journal import Journal\n"
        "j = Journal(Path(sys.argv[1]), sys.argv[2]); print('held', flush=True); sys.stdin.readline()"
    )
    session_id = write_session(home, whole_session(), sink=store.event_appended)
    with subprocess.Popen(
        [sys.executable, "-P", "-c", hold, str(home.session(session_id).journal), session_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SessionRunning, match="finish it"):
            store.delete(session_id, actor="ada")
        other.communicate("\n")
    assert store.sessions(deleted=True) == []
    store.delete(session_id, actor="ada")
    assert store.sessions() == []


def test_a_home_with_a_long_path_is_served_from_a_short_private_place(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long" * 30) / "home")
    home.make()
    store = open_store(home)
    owner = owner_of(home)
    assert owner is not None and owner.socket is not None
    assert owner.socket != home.socket
    assert stat.S_IMODE(owner.socket.parent.stat().st_mode) == 0o700
    client = open_store(home)
    assert client.role == "client"
    client.close()
    store.close()
    assert not owner.socket.exists()


def test_the_socket_is_private_from_its_first_moment_and_goes_with_its_owner(store: StorePort, home: Home) -> None:
    assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.lock.stat().st_mode) == 0o600
    store.close()
    assert not home.socket.exists()


def test_rubbish_on_the_socket_harms_nobody(store: StorePort, home: Home) -> None:
    for sent in (b"\xff\x00\n", b"[]\n", b'{"ask":"drop"}\n', b"{" * 100_000 + b"\n", b'{"ask":"find"}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(home.socket))
            connection.sendall(sent)
            assert b'"error"' in connection.makefile("rb").readline()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(home.socket))
        connection.sendall(b"x" * (LONGEST_REQUEST + 1))
        assert b"longer than" in connection.makefile("rb").readline()
    client = open_store(home)
    assert client.sessions() == []
    client.close()


STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect(sys.argv[1])
    print(connection.makefile("rb").readline().decode())
except PermissionError:
    print("refused by the kernel")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user id")
def test_another_user_is_refused_by_the_mode_and_again_by_the_uid(home: Home) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        open_home = Home(Path(directory) / "home")
        open_home.make()
        store = open_store(open_home)
        ask = [sys.executable, "-P", "-c", STRANGER, str(open_home.socket)]
        assert "refused by the kernel" in subprocess.run(ask, capture_output=True, text=True, check=True).stdout
        open_home.root.chmod(0o755)
        open_home.socket.chmod(0o666)
        assert "another user" in subprocess.run(ask, capture_output=True, text=True, check=True).stdout
        store.close()


def test_a_short_path_is_served_in_the_home(home: Home) -> None:
    short = Home(Path("/x"))
    assert socket_place(short) == short.socket

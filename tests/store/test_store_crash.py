from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import store_scenes
from store_scenes import tables_of

from limi_sessions.paths import Home
from limi_store import open_store

WRITER = """
import itertools, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_scenes import whole_session
from limi_sessions.journal import Journal
from limi_sessions.paths import Home
from limi_sessions.records.identity import uuid7
from limi_store import open_store
home = Home(Path(sys.argv[1]))
store = open_store(home)
for n in itertools.count():
    session_id = uuid7()
    journal = Journal(home.session(session_id).journal, session_id)
    for payload in whole_session(f"query {n} " + "x" * 3000):
        event = journal.append(payload, actor="expert")
        store.event_appended(event)
        print(session_id, event.seq, flush=True)
    journal.close()
"""


def test_after_every_kill_the_store_opens_by_itself_and_holds_every_acknowledged_event(home: Home) -> None:
    chance = random.Random(7)
    acknowledged: dict[str, int] = {}
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-P", "-c", WRITER, str(home.root), str(Path(store_scenes.__file__).parent)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            kill_after = chance.randrange(1, 40)
            for number, line in enumerate(writer.stdout):
                if not line.endswith("\n"):
                    break
                session_id, seq = line.split()
                acknowledged[session_id] = int(seq)
                if number == kill_after:
                    writer.kill()
        store = open_store(home, serve=False)
        for session_id, seq in acknowledged.items():
            assert store.events(session_id)[-1].seq >= seq
        store.close()
        held = tables_of(home.database)["event"]
        assert {(row[0], row[1]) for row in held} >= {(i, n) for i, seq in acknowledged.items() for n in range(seq + 1)}
        assert len({(row[0], row[1]) for row in held}) == len(held)
    assert len(acknowledged) > 6
    store = open_store(home, serve=False)
    assert store.check().healthy
    store.close()

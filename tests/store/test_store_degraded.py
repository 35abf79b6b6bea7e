from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import store_scenes

from limi_sessions.paths import Home

FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_scenes import started, whole_session, write_session
from limi_sessions.paths import Home
from limi_sessions.records.payload import UserMessage
from limi_store import StoreDegraded, open_store
home = Home(Path(sys.argv[1]))
first = write_session(home, whole_session())
store = open_store(home)
store.catch_up()
# From here on no file may grow beyond 200 kB: the small journals go on, the database's log cannot.
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
small = [started(), UserMessage(content="x" * 60_000)]
ids = [write_session(home, small, sink=store.event_appended) for _ in range(12)]
try:
    store.catch_up(ids[-1])
    print("no refusal")
except StoreDegraded as error:
    print("refused", error)
assert any("File too large" in note and "journals" in note for note in store.notes), store.notes
assert all(len(store.events(i)) == 2 for i in ids)
assert store.summary(first).turns == 6
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.catch_up()
assert {s.session_id for s in store.sessions()} == {first, *ids}
assert "caught up" in store.notes[-1], store.notes
report = store.check()
assert report.healthy, report
store.close()
print("done")
"""


def test_a_full_disk_stops_the_tables_and_never_the_recording(home: Home) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    shown = subprocess.run(
        [sys.executable, "-P", "-c", FULL_DISK, str(home.root), str(Path(store_scenes.__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("refused")
    assert shown.stdout.endswith("done\n")

"""The workstation's store: leaving while it is being opened is clean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LEAVES = """
import sys, time
from pathlib import Path
from limi_sessions.paths import Home
from limi_tui.verbs.store_gate import StoreGate
gate = StoreGate(Home(Path(sys.argv[1])), told=lambda words: None)
gate.open()
time.sleep(float(sys.argv[2]))
gate.close()
"""


def test_leaving_at_any_moment_of_the_opening_ends_the_process_cleanly(tmp_path: Path) -> None:
    codes = [
        subprocess.run(
            [sys.executable, "-c", LEAVES, str(tmp_path / str(step)), str(step * 0.02)], check=False
        ).returncode
        for step in range(12)
    ]
    assert codes == [0] * 12
    assert all((tmp_path / str(step) / "limi.duckdb").exists() for step in range(12))

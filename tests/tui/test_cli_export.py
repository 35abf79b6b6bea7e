"""`limi export`, run as the real program."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


def test_a_session_becomes_a_row_with_its_final_answer(house: House, tmp_path: Path) -> None:
    session_id = house.record_session(query="q ä", answer="final")
    file = tmp_path / "out.json"
    ran = house.limi("export", "--format", "limi", "--session", session_id, "-o", str(file), "--json")
    assert ran.code == 0, ran
    report: Any = ran.json()
    assert report["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (report["rows"], report["losses"], report["session_ids"]) == (1, [], [session_id])
    (row,) = json.loads(file.read_bytes())
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant", "tool", "assistant"]
    assert row["messages"][-1]["content"] == "final"
    assert row["messages"][2]["tool_calls"][0]["function"]["arguments"] == {"command": "ls"}
    assert row["tools"][0]["function"]["name"] == "run_shell_command"
    manifest = file.with_name("out.json.manifest.json")
    assert json.loads(manifest.read_bytes())["sha256"] == report["sha256"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (file, manifest)} == {0o600}


def test_several_sessions_can_follow_one_option(house: House, tmp_path: Path) -> None:
    ids = [house.record_session(query=f"q{number}") for number in range(3)]
    file = tmp_path / "out.jsonl"
    ran = house.call("export", "--format", "trl", "--session", *ids, "-o", str(file), "--arguments", "string")
    assert ran.code == 0 and "3 rows" in ran.out, ran
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [row["messages"][1]["content"] for row in rows] == ["q0", "q1", "q2"]
    assert rows[0]["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"command": "ls"}'


def test_the_same_sessions_give_the_same_bytes(house: House, tmp_path: Path) -> None:
    for number in range(2):
        house.record_session(query=f"q{number}")
    one, two = tmp_path / "one" / "x.json", tmp_path / "two" / "x.json"
    for file in (one, two):
        file.parent.mkdir()
        assert house.call("export", "--all", "-o", str(file)).code == 0
        assert house.call("store", "rebuild").code == 0
    assert one.read_bytes() == two.read_bytes()
    assert one.with_name("x.json.manifest.json").read_bytes() == two.with_name("x.json.manifest.json").read_bytes()


def test_demo_sessions_are_left_out_and_said_to_be_unless_asked_for(house: House, tmp_path: Path) -> None:
    session_id = house.record_session(demo=True)
    file = tmp_path / "out.json"
    ran = house.call("export", "--session", "latest", "-o", str(file))
    assert ran.code == 0 and json.loads(file.read_bytes()) == []
    assert session_id in ran.err and "--include-demo" in ran.err
    assert house.call("export", "--session", "latest", "--include-demo", "-o", str(file)).code == 0
    assert len(json.loads(file.read_bytes())) == 1


def test_standard_output_holds_the_export_and_nothing_else(house: House) -> None:
    house.record_session()
    ran = house.limi("export", "--format", "trl", "--all", "-o", "-", "--json")
    assert len(json.loads(ran.out)["messages"]) == 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--session", "ffffffff", "-o", "OUT"], "ffffffff"),
        (["-o", "OUT"], "--all"),
        (["--session", "latest", "--all", "-o", "OUT"], "--all"),
        (["--session", "latest"], "--output"),
        (["--session", "latest", "-o", "/nowhere/x.json"], "/nowhere/x.json"),
        (["--format", "parquet", "--all", "-o", "OUT"], "parquet"),
    ],
)
def test_an_export_that_cannot_be_made_ends_with_2_and_leaves_no_file(
    house: House, tmp_path: Path, arguments: list[str], told: str
) -> None:
    house.record_session()
    file = tmp_path / "out.json"
    ran = house.call("export", *(str(file) if argument == "OUT" else argument for argument in arguments))
    assert ran.code == 2 and told in ran.err, ran
    assert not file.exists()


def test_a_reader_of_standard_output_may_go_away(house: House) -> None:
    house.record_session(answer="x" * 1_000_000)
    command = f"{sys.executable} -P -m limi_tui export --all -o - | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=house.environment(), timeout=60, check=True)
    assert done.stderr == b""
    assert done.stdout == b"141\n"

"""What can befall a headless run and takes longer to show: dying providers, full disks, floods, lost shells, rivals."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from headless_house import Headless, Turn, call, command, interrupt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def house(tmp_path: Path) -> Headless:
    return Headless(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can only be mounted by root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize(
    ("turn", "kind", "retried"),
    [
        ({"error": {"status": 500, "message": "oops", "times": 9, "retry_after": 0.05}}, "server", 3),
        ({"text": "abc def ghi", "malformed": True}, "malformed", 0),
    ],
)
def test_a_provider_that_fails_ends_the_run_with_3(house: Headless, turn: Turn, kind: str, retried: int) -> None:
    ended = house.run(house.script(turn, "never"))
    assert (ended.code, ended.lines[-1]["status"]) == (3, "failed")
    assert [f["error_kind"] for f in ended.of("model_failed")] == [kind]
    assert len(ended.of("model_retried")) == retried


def test_a_provider_that_nobody_answers_for_ends_the_run_with_3(house: Headless) -> None:
    ended = house.run("openai/nobody", "--api-base", "http://127.0.0.1:9/v1")
    assert ended.code == 3 and len(ended.of("model_retried")) == 3
    (failed,) = ended.of("model_failed")
    assert failed["error_kind"] == "connection" and "http://127.0.0.1:9/v1" in failed["error"]


def test_a_stream_that_is_cut_is_marked_and_its_call_never_run(house: Headless) -> None:
    cut = {**command("touch done"), "text": "I will", "cut_after": 12}
    ended = house.run(house.script(cut, "never"))
    assert (ended.code, ended.lines[-1]["payload"]["reason"]) == (
        3,
        "the model's answer was cut off before it was complete",
    )
    (answer,) = ended.of("model_message")
    assert answer["completion"]["finish_reason"] == "truncated" and not (house.workspace / "done").exists()
    assert not ended.of("tool_proposed")


@pytest.mark.parametrize(
    ("option", "reason"), [("--max-tokens=150", "220 tokens"), ("--max-cost=0.015", "$0.0200")], ids=["tokens", "cost"]
)
def test_a_ceiling_stops_the_loop_with_4(house: Headless, option: str, reason: str) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.01}
    ended = house.run(house.script({**command("true"), "usage": usage, "repeat": 9}), option)
    assert (ended.code, ended.lines[-1]["status"]) == (4, "limit")
    assert ended.lines[-1]["payload"]["reason"].startswith(reason) and len(ended.of("model_message")) == 2


def test_an_interrupt_ends_an_answer_that_streams(house: Headless) -> None:
    running = house.start(house.script(command("true"), {"text": "word " * 400, "delta_delay_s": 0.05}, "never"))
    running.until(lambda lines: sum(line["kind"] == "model_request" for line in lines) == 2)
    interrupt(running)
    ended = running.end()
    assert (ended.code, ended.lines[-1]["status"]) == (130, "interrupted")
    assert [m["completion"]["finish_reason"] for m in ended.of("model_message")] == ["tool_calls", "cancelled"]


def test_a_reader_that_goes_away_ends_the_run_and_the_session_stays_sound(house: Headless) -> None:
    model = house.script(command("true"), {**command("true"), "repeat": 200}, "end")
    read, write = os.pipe()
    running = house.start(model, stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as reader:
        first = json.loads(reader.readline())
    assert running.process.wait(60) == 141
    assert running.err.read_text() == ""
    journal = house.journal(first["session_id"])
    assert (journal[-1]["kind"], journal[-1]["payload"]["status"]) == ("session_finished", "interrupted")


def test_a_hundred_megabytes_of_output_are_kept_whole_in_bounded_memory(house: Headless) -> None:
    model = house.script(
        command("yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 100000000", wait_s=120),
        command("echo usable"),
        "ok",
    )
    ended = house.run(model)
    assert ended.code == 0 and ended.peak_mb < 600, ended.peak_mb
    flood, after = ended.results
    assert len(flood["result"]) < 30_300 and flood["truncated_chars"] > 99_000_000
    artifact = house.home.session(ended.session_id).root / flood["artifact"]
    with artifact.open("rb") as stream:
        lines = sum(piece.count(b"\n") for piece in iter(lambda: stream.read(1 << 20), b""))
    assert lines == 100_000_000 // 37
    assert after["result"].startswith("usable\n")


def test_a_query_of_a_megabyte_arrives_whole(house: Headless) -> None:
    query = "Grüße 世界 " * 70_000
    ended = house.run(house.script("yes"), query=query.encode())
    assert ended.code == 0 and ended.of("user_message")[0]["content"] == query.strip()
    assert house.show(ended.session_id)["turns"][1]["content"] == query.strip()


def test_a_shell_that_died_unseen_is_reported_by_the_next_call(house: Headless) -> None:
    (house.root / "user").mkdir()
    once = "if [ ! -e ~/once ]; then touch ~/once; (sleep 1; kill -9 $$) & fi\n"
    (house.root / "user" / ".bashrc").write_text(once)
    late = {**call("read_file", file_path="nothing"), "delay_s": 2}
    ended = house.run(house.script(late, command("echo lost"), command("echo back"), "ok"), "--shell", "bash")
    assert ended.code == 0
    assert [r["status"] for r in ended.results] == ["error", "shell_lost", "done"]
    assert len(ended.of("shell_lost")) == 1 and ended.results[2]["result"].startswith("back\n")


def test_a_shell_that_cannot_be_started_again_ends_the_run_with_5(house: Headless) -> None:
    model = house.script(command("echo 'exit 3' > ~/.bashrc; exit"), "never")
    ended = house.run(model, "--shell", "bash")
    assert (ended.code, ended.lines[-1]["status"]) == (5, "shell_lost")
    assert [e["exit_code"] for e in ended.of("shell_lost")] == [0, 3]
    # What a confined command writes into the home stays in the session.
    (house.root / "user").mkdir(exist_ok=True)
    (house.root / "user" / ".bashrc").write_text("exit 3\n")
    at_once = house.run(model, "--shell", "bash")
    assert at_once.code == 5 and "bash ended while it started" in at_once.err
    assert (at_once.lines[-1]["kind"], at_once.lines[-1]["status"]) == ("session_finished", "shell_lost")


def test_a_disk_that_fills_up_ends_the_run_with_6_and_loses_nothing_told(house: Headless, small_disk: Path) -> None:
    house.environ["LIMI_HOME"] = str(small_disk / "limi")
    fill = small_disk / "fill"
    model = house.script(
        command("echo one"), command(f"head -c 8000000 /dev/zero > '{fill}'"), command("true"), "never"
    )
    # Only an unconfined command reaches that disk.
    ended = house.run(model, "--sandbox", "none")
    assert ended.code == 6 and "No space left on device. Free space on its disk." in ended.err
    assert "Errno" not in ended.err and "Traceback" not in ended.err
    full = house.run(model)
    assert full.code == 6 and "No space left" in full.err
    fill.unlink()
    checked = house.limi("store", "check")
    assert checked.code == 0, checked.out
    assert house.show(ended.session_id)["events"] == [
        {k: v for k, v in line.items() if k != "status"} for line in ended.lines
    ]


def test_a_file_size_limit_is_met_as_a_full_disk_is(house: Headless) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    ended = house.run(house.script(command("true"), "fine"), before_exec=limit, query=b"q" * 4_000_000)
    assert ended.code == 6 and "events.jsonl: File too large" in ended.err


def test_two_runs_on_one_home_are_both_stored(house: Headless) -> None:
    names = ("first", "second")
    runs = [house.start(house.script(command(f"echo {name}; sleep 1"), name), query=name) for name in names]
    ended = [run.end() for run in runs]
    assert [e.code for e in ended] == [0, 0]
    listed = json.loads(house.limi("session", "list", "--json").out)
    assert {s["title"] for s in listed} == set(names) and {s["status"] for s in listed} == {"done"}
    assert all(s["turns"] == 5 for s in listed)
    assert house.limi("store", "check").code == 0


def test_a_secret_is_in_no_object_of_the_workspace_snapshot(house: Headless) -> None:
    secret = "sk-live-abcdefgh12345678"
    house.environ["OPENAI_API_KEY"] = secret
    (house.workspace / "with secret").write_text(f"{'x' * 2_000_000}{secret}\n")
    (house.workspace / "without").write_text("plain\n")
    ended = house.run(house.script("nothing to do"))
    taken = ended.of("workspace_snapshot")[0]
    assert (taken["files"], taken["withheld"]) == (1, ["with secret"]) and taken["tree"]
    repository = house.home.session(ended.session_id).workspace_git
    argv = ["git", "--git-dir", str(repository), "cat-file", "--batch", "--batch-all-objects"]
    objects = subprocess.run(argv, check=True, capture_output=True).stdout
    assert b"plain" in objects and secret.encode() not in objects

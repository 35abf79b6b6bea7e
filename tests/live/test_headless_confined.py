"""`limi session run` in a sandbox, as a program: what is recorded, what is refused, and that nothing survives."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confined_house import SANDBOXES, sandbox_or_skip
from headless_house import Headless, command, processes_of
from outside_tmp import directory_outside_tmp

from limi_sessions.records.payload import SandboxName


@pytest.fixture
def house() -> Iterator[Headless]:
    # Below /tmp nothing outside would be seen at all, which would make every test of it pass.
    with directory_outside_tmp() as made:
        yield Headless(Path(made).resolve())


@pytest.mark.parametrize("name", SANDBOXES)
def test_a_run_is_confined_and_says_so(house: Headless, name: SandboxName) -> None:
    sandbox_or_skip(name)
    (house.root / "hidden").write_text("sesame\n")
    house.home.root.mkdir(mode=0o700)
    house.home.settings.write_text(f'[sandbox]\nmask = ["{house.root}/hidden"]\n')
    model = house.script(
        command("echo made > here; cat here"),
        command(f"touch {house.root}/outside"),
        command(f"cat {house.root}/hidden {house.home.settings}"),
        "done",
    )
    ended = house.run(model, "--sandbox", name)
    assert (ended.code, ended.err) == (0, "")
    (started,), (shell,) = ended.of("session_started"), ended.of("shell_started")
    assert (started["sandbox"], started["network"]) == (shell["sandbox"], shell["network"]) == (name, "off")
    assert [result["exit_code"] for result in ended.results] == [0, 1, 1]
    assert "sesame" not in ended.results[2]["result"] and "mask" not in ended.results[2]["result"]
    assert (house.workspace / "here").read_text() == "made\n" and not (house.root / "outside").exists()
    assert not processes_of(ended.session_id)
    assert not house.home.session(ended.session_id).scratch.exists()


def test_without_a_sandbox_the_events_say_none_and_the_open_network(house: Headless) -> None:
    ended = house.run(house.script(command(f"touch {house.root}/outside"), "done"), "--sandbox", "none")
    (shell,) = ended.of("shell_started")
    assert (ended.code, ended.err, shell["sandbox"], shell["network"]) == (0, "", "none", "on")
    assert (house.root / "outside").exists()


def test_a_sandbox_that_is_missing_refuses_the_run(house: Headless) -> None:
    programs = house.root / "bin"
    programs.mkdir()
    for name in ("bash", "git"):
        (programs / name).symlink_to(shutil.which(name) or "/nowhere")
    house.environ["PATH"] = str(programs)
    model = house.script("never said")
    refused = house.run(model, "--sandbox", "bubblewrap")
    assert refused.code == 1 and not refused.out
    assert "the sandbox bubblewrap does not work here: bwrap is not installed" in refused.err
    limited = house.run(model, "--network", "allow-list", "--allow-host", "example.com")
    assert limited.code == 1 and "needs bubblewrap" in limited.err


def test_a_host_that_is_none_is_refused(house: Headless) -> None:
    sandbox_or_skip("bubblewrap")
    refused = house.run(house.script("never said"), "--network", "allow-list", "--allow-host", "https://a b/")
    assert refused.code == 1 and "the network cannot be limited as asked for" in refused.err


@pytest.mark.parametrize("name", SANDBOXES)
def test_killing_a_confined_run_leaves_no_process(house: Headless, name: SandboxName) -> None:
    sandbox_or_skip(name)
    deaf = "(setsid sh -c 'trap \"\" HUP TERM; sleep 603' &)"
    left = f"sleep 601 & nohup sleep 602 >/dev/null 2>&1 & {deaf}; touch up; sleep 604"
    running = house.start(house.script(command(left, wait_s=600), "never said"), "--sandbox", name)
    running.until(lambda _: (house.workspace / "up").exists())
    session_id = running.printed()[0]["session_id"]
    assert len(processes_of(session_id)) >= 4
    running.process.kill()
    running.process.wait()
    deadline = time.monotonic() + 15
    while processes := processes_of(session_id):
        assert time.monotonic() < deadline, processes
        time.sleep(0.02)
    for stream in running.streams:
        stream.close()

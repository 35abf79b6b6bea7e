"""One command from start to end, in each sandbox of this machine and in none."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from limi_sessions.records.terms import SandboxName
from limi_sessions.sandbox.finding import find_sandbox
from limi_sessions.sandbox.oneshot import Cancellation, ConfinedRun, ConfinedRunFailed, run_confined
from limi_sessions.sandbox.policy import ResourceLimits, SandboxPolicy
from limi_sessions.sandbox.protocol import Sandbox, SandboxMissing


@dataclass(frozen=True)
class Place:
    """Where a test's commands run."""

    sandbox: Sandbox
    policy: SandboxPolicy

    def run(self, *argv: str, timeout_s: float = 30, **more: object) -> ConfinedRun:
        return run_confined(
            self.sandbox,
            self.policy,
            argv,
            cwd=self.policy.workspace,
            environment={"PATH": os.environ["PATH"], "HOME": str(self.policy.home), "LC_ALL": "C.UTF-8"},
            timeout_s=timeout_s,
            **more,  # pyright: ignore[reportArgumentType] - a test's free choice
        )

    def sh(self, script: str, timeout_s: float = 30, **more: object) -> ConfinedRun:
        return self.run("sh", "-c", script, timeout_s=timeout_s, **more)


@pytest.fixture(params=["bubblewrap", "landlock", "none"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    wanted: SandboxName = request.param
    try:
        sandbox = find_sandbox(wanted).sandbox
    except SandboxMissing as missing:
        pytest.skip(str(missing))
    for name in ("work", "home"):
        (tmp_path / name).mkdir()
    policy = SandboxPolicy(
        workspace=tmp_path / "work",
        home=tmp_path / "home",
        private_home=tmp_path / "private",
        scratch=tmp_path / "scratch",
    )
    return Place(sandbox, policy)


def running_with(mark: str) -> list[str]:
    """Processes of this machine whose arguments contain a word."""
    found: list[str] = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue
    return found


def test_the_exit_code_is_the_command_s(place: Place) -> None:
    for code in (0, 1, 3, 42, 126, 255):
        done = place.sh(f"exit {code}")
        assert (done.exit_code, done.signal, done.stdout, done.stderr) == (code, None, b"", b"")
        assert not (done.timed_out or done.cancelled or done.truncated or done.bomb)


def test_a_death_by_signal_reads_as_shells_say_it(place: Place) -> None:
    done = place.sh("kill -9 $$")
    assert done.exit_code == 137
    assert done.signal == (None if place.sandbox.name == "bubblewrap" else 9)
    assert place.sh("kill -TERM $$").exit_code == 143


def test_what_is_not_there_exits_127_or_is_refused(place: Place) -> None:
    if place.sandbox.name == "none":
        with pytest.raises(ConfinedRunFailed, match="No such file"):
            place.run("limi-no-such-program")
    else:
        done = place.run("limi-no-such-program")
        assert done.exit_code == 127
        assert b"not found" in done.stderr
    with pytest.raises(ConfinedRunFailed, match=str(place.policy.workspace / "gone")):
        run_confined(
            place.sandbox, place.policy, ["true"], cwd=place.policy.workspace / "gone", environment={}, timeout_s=5
        )


def test_arguments_are_never_read_by_a_shell(place: Place) -> None:
    hard = ["$HOME", "`id`", "a b", "", "*", "'", "-n", "new\nline", "ünï", "--"]
    done = place.run(sys.executable, "-c", "import sys; print(sys.argv[1:])", *hard)
    assert done.stdout.decode() == f"{hard}\n"


def test_streams_are_binary_and_apart(place: Place) -> None:
    everything = bytes(range(256)) * 1000
    done = place.sh("cat; echo problem >&2", stdin=everything)
    assert (done.stdout, done.stderr) == (everything, b"problem\n")
    unread = place.sh("exec <&-; echo done", stdin=everything * 10)
    assert (unread.exit_code, unread.stdout) == (0, b"done\n")


def test_too_much_output_keeps_its_ends_and_says_what_is_left_out(place: Place) -> None:
    done = place.sh("seq 1 200000; echo kept >&2", most_output=1000)
    whole = b"".join(b"%d\n" % number for number in range(1, 200001))
    assert done.truncated == len(whole) - 1000
    assert done.stdout == whole[:500] + b"\n[%d bytes left out]\n" % done.truncated + whole[-500:]
    assert done.stderr == b"kept\n"
    exact = place.sh("head -c 1000 /dev/zero", most_output=1000)
    assert (exact.stdout, exact.truncated) == (bytes(1000), 0)


def test_it_has_no_terminal(place: Place) -> None:
    done = place.sh("tty; echo > /dev/tty")
    assert done.stdout == b"not a tty\n"
    assert done.exit_code != 0


def test_nothing_is_left_when_the_command_has_ended(place: Place) -> None:
    mark = f"60{os.getpid()}"
    done = place.sh(f"sleep {mark} & setsid sleep {mark} & nohup sleep {mark} >/dev/null & (sleep {mark} &) ; echo out")
    assert (done.exit_code, done.stdout) == (0, b"out\n")
    assert running_with(mark) == []


def test_out_of_time_kills_all_that_was_started(place: Place) -> None:
    mark = f"61{os.getpid()}"
    script = f"""trap '' HUP TERM INT
    setsid sh -c "trap '' HUP TERM; sleep {mark}" & nohup sleep {mark} & (setsid sleep {mark} &)
    echo begun; sleep {mark}"""
    done = place.sh(script, timeout_s=1.5)
    assert (done.timed_out, done.exit_code, done.signal, done.stdout) == (True, None, None, b"begun\n")
    assert running_with(mark) == []


def test_killing_the_keeper_is_no_way_out(place: Place) -> None:
    mark = f"63{os.getpid()}"
    script = f"setsid sleep {mark} & kill -9 $PPID $(cut -d' ' -f4 /proc/$PPID/stat)"
    if place.sandbox.name == "none":
        with pytest.raises(ConfinedRunFailed, match="its keeper ended"):
            place.sh("kill -9 $PPID; sleep 60")
        return
    place.sh(script)
    assert running_with(mark) == []


def test_another_thread_can_cancel_it(place: Place) -> None:
    mark = f"62{os.getpid()}"
    ready = place.policy.workspace / "ready"
    os.mkfifo(ready)

    def cancel_when_ready() -> None:
        ready.read_bytes()
        cancellation.cancel()

    with Cancellation() as cancellation:
        other = threading.Thread(target=cancel_when_ready)
        other.start()
        done = place.sh(f"setsid sleep {mark} & echo > ready; sleep {mark}", cancellation=cancellation)
        other.join()
        assert (done.cancelled, done.timed_out, done.exit_code) == (True, False, None)
        assert running_with(mark) == []
        again = place.sh(f"sleep {mark}", cancellation=cancellation)
        assert again.cancelled


def test_a_fork_bomb_ends_with_its_command(place: Place) -> None:
    bombed = replace(place, policy=replace(place.policy, limits=ResourceLimits(processes=300)))
    # Should it get away, it burns out by itself.
    done = bombed.run("bash", "-c", "b(){ (( SECONDS > 15 )) && exit; b|b& };b; wait; sleep 20", timeout_s=60)
    assert done.bomb is not None or b"Resource temporarily unavailable" in done.stderr
    assert place.sh("echo on").stdout == b"on\n"


def test_it_inherits_nothing_and_leaves_no_descriptor_open(place: Place) -> None:
    ours = os.open(place.policy.home, os.O_RDONLY)
    os.set_inheritable(ours, True)
    try:
        place.sh("true")
        before = len(list(Path("/proc/self/fd").iterdir()))
        done = place.sh("ls /proc/self/fd")
        with pytest.raises(ConfinedRunFailed):
            run_confined(place.sandbox, place.policy, ["x"], cwd=Path("/nowhere"), environment={}, timeout_s=5)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    finally:
        os.close(ours)
    # The fourth is that of the directory being listed.
    assert done.stdout.split() == [b"0", b"1", b"2", b"3"]


def test_the_environment_is_what_was_given_and_the_sandbox_s_changes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMI_TEST_TOKEN", "secret")
    names = {line.split(b"=")[0].decode() for line in place.sh("env").stdout.splitlines()}
    changed = {name for name, value in place.sandbox.environment(place.policy).items() if value is not None}
    # The last are the shell's own.
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "HOME", "LC_ALL"} | changed

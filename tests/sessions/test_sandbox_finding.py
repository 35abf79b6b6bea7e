from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from limi_sessions.sandbox.bubblewrap import Bubblewrap
from limi_sessions.sandbox.finding import find_sandbox
from limi_sessions.sandbox.landlock import Landlock
from limi_sessions.sandbox.protocol import SandboxMissing, Unconfined

linux = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap and Landlock are Linux's")
needs_landlock = pytest.mark.skipif(sys.platform != "linux" or Landlock().abi < 1, reason="this kernel has no Landlock")
PROBLEMS = {
    "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user "
    "namespaces. On e.g. debian this can be enabled with 'sysctl kernel.unprivileged_userns_clone=1'.": "namespaces",
    "bwrap: setting up uid map: Permission denied": "refuses user namespaces",
    "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted": "refuses user namespaces",
    "bwrap: Creating new namespace failed: Operation not permitted": "refuses user namespaces",
    "bwrap: Can't mount proc on /newroot/proc: Operation not permitted": "container",
    "bwrap: Unknown option --die-with-parent": "Unknown option",
}


def fake_bwrap(place: Path, said: str, code: int = 1) -> dict[str, str]:
    program = place / "bwrap"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit {code}\n")
    program.chmod(0o755)
    return {"PATH": str(place)}


def test_none_is_found_when_asked_for() -> None:
    found = find_sandbox("none")
    assert (found.words, found.tried) == ("none", ())
    assert isinstance(found.sandbox, Unconfined)


@linux
def test_without_bwrap_the_next_best_is_taken_and_said(tmp_path: Path) -> None:
    found = find_sandbox("auto", environ={"PATH": str(tmp_path)})
    assert (found.tried[0].works, found.tried[0].why) == (False, "bwrap is not installed")
    assert found.sandbox.name in ("landlock", "none")
    if found.sandbox.name == "none":
        assert found.words.startswith("none: bwrap is not installed; ")


@linux
@pytest.mark.parametrize("said", PROBLEMS)
def test_a_bwrap_that_cannot_work_here_is_not_taken_and_its_reason_is_told(tmp_path: Path, said: str) -> None:
    environ = fake_bwrap(tmp_path, said)
    assert find_sandbox("auto", environ=environ).sandbox.name != "bubblewrap"
    with pytest.raises(SandboxMissing) as missing:
        find_sandbox("bubblewrap", environ=environ)
    message = str(missing.value)
    assert said.removesuffix(".") in message
    assert PROBLEMS[said] in message
    assert "AppArmor" in message


@linux
def test_a_bwrap_that_says_it_works_and_runs_nothing_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(SandboxMissing, match="does not work"):
        find_sandbox("bubblewrap", environ=fake_bwrap(tmp_path, "", code=0))


@linux
@needs_landlock
def test_landlock_is_found_by_running_it() -> None:
    assert find_sandbox("landlock").words == "landlock"


def works() -> bool:
    try:
        return find_sandbox("auto").sandbox.name == "bubblewrap"
    except OSError:
        return False


@linux
@pytest.mark.skipif(not works(), reason="bubblewrap does not work here")
def test_where_user_namespaces_are_refused_bubblewrap_is_not_taken() -> None:
    assert find_sandbox("bubblewrap").words == "bubblewrap"
    program = "from limi_sessions.sandbox.finding import find_sandbox; print(find_sandbox('auto').tried)"
    package = Path(__file__).parents[2] / "sessions"
    program_path = shutil.which("bwrap") or "bwrap"
    outer = [program_path, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", "/tmp", "/tmp"]
    outer += ["--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
    if "--disable-userns" not in subprocess.run([program_path, "--help"], capture_output=True, text=True).stdout:
        pytest.skip("this bwrap cannot refuse further namespaces")
    done = subprocess.run(
        [*outer, sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Tried(name='bubblewrap', works=False" in done.stdout, done.stderr
    assert "user namespaces" in done.stdout


@linux
@pytest.mark.skipif(not works(), reason="bubblewrap does not work here")
def test_a_probe_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert isinstance(find_sandbox("bubblewrap").sandbox, Bubblewrap)
    assert not any(tmp_path.iterdir())

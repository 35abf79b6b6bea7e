"""One command in a real container, where docker or podman answers; the image is a static busybox."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from limi_sessions.sandbox.container import Container, find_container
from limi_sessions.sandbox.oneshot import Cancellation, ConfinedRun
from limi_sessions.sandbox.policy import SandboxPolicy
from limi_sessions.sandbox.protocol import SandboxMissing

IMAGE = f"limi-test-{os.getpid()}"


def _image_archive(busybox: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for name in ("sh", "cat", "id", "sleep", "touch", "wget", "ls", "true"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    try:
        found = find_container()
    except SandboxMissing as missing:
        pytest.skip(str(missing))
    busybox = shutil.which("busybox")
    if busybox is None or b"statically" not in subprocess.run(["file", busybox], capture_output=True).stdout:
        pytest.skip("no static busybox to make an image of")
    subprocess.run(
        [found.program, "import", "-", IMAGE], input=_image_archive(busybox), capture_output=True, check=True
    )
    probe = subprocess.run([found.program, "run", "--rm", "--network=none", IMAGE, "/bin/true"], capture_output=True)
    try:
        if probe.returncode != 0:
            pytest.skip(f"{found.kind} cannot start containers: {probe.stderr.decode()}")
        yield found
    finally:
        subprocess.run([found.program, "rmi", "--force", IMAGE], capture_output=True, check=False)


@pytest.fixture
def policy(tmp_path: Path) -> SandboxPolicy:
    work = tmp_path / "work"
    (work / "hidden").mkdir(parents=True)
    (work / "hidden" / "key").write_text("secret")
    (work / "password").write_text("secret")
    (work / "fixed").mkdir()
    return SandboxPolicy(
        workspace=work,
        home=tmp_path,
        private_home=tmp_path / "private",
        scratch=tmp_path / "scratch",
        masked=(work / "hidden", work / "password", tmp_path / "elsewhere"),
        read_only=(work / "fixed",),
    )


def ran(container: Container, policy: SandboxPolicy, script: str, **more: object) -> ConfinedRun:
    arguments: dict[str, object] = {"timeout_s": 30.0, **more}
    return container.run(
        policy,
        ["/bin/sh", "-c", script],
        image=IMAGE,
        cwd=policy.workspace,
        environment={"GREETING": "good day"},
        **arguments,  # pyright: ignore[reportArgumentType] - a test's free choice
    )


def left_over(container: Container) -> bytes:
    return subprocess.run([container.program, "ps", "--all", "--quiet"], capture_output=True, check=True).stdout


def test_a_command_works_in_the_workspace_and_gives_its_exit_code(container: Container, policy: SandboxPolicy) -> None:
    done = ran(container, policy, 'cat > made; echo "$GREETING"; exit 3', stdin=b"\0binary\xff")
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"good day\n", b"")
    assert (policy.workspace / "made").read_bytes() == b"\0binary\xff"
    assert (policy.workspace / "made").stat().st_uid == os.getuid()
    assert left_over(container) == b""


def test_nothing_else_is_seen_or_written(container: Container, policy: SandboxPolicy) -> None:
    outside = policy.home / "outside"
    outside.write_text("secret")
    done = ran(container, policy, f"cat hidden/* password {outside}; touch fixed/x; touch /x; wget -q http://1.1.1.1")
    assert b"secret" not in done.stdout
    assert done.stderr.count(b"Read-only file system") == 2
    assert b"Network is unreachable" in done.stderr
    assert not list((policy.workspace / "fixed").iterdir())


def test_a_container_out_of_time_or_cancelled_is_gone(container: Container, policy: SandboxPolicy) -> None:
    stubborn = "trap '' HUP TERM INT; sleep 100; sleep 100"
    late = ran(container, policy, stubborn, timeout_s=2.0)
    assert (late.timed_out, late.exit_code) == (True, None)
    with Cancellation() as cancellation:
        timer = threading.Timer(1, cancellation.cancel)
        timer.start()
        stopped = ran(container, policy, stubborn, cancellation=cancellation)
        timer.join()
    assert (stopped.cancelled, stopped.exit_code) == (True, None)
    assert left_over(container) == b""


def test_what_a_container_cannot_do_is_refused(container: Container, policy: SandboxPolicy) -> None:
    with pytest.raises(SandboxMissing, match="bubblewrap"):
        ran(container, replace(policy, network="allow-list"), "true")
    with pytest.raises(SandboxMissing, match="comma"):
        ran(container, replace(policy, writable=(Path("/a,b"),)), "true")


def test_without_a_program_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match=r"docker is not installed; podman is not installed.*Start a daemon"):
        find_container()


def test_a_daemon_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docker's program does while its daemon hangs."""
    silent = tmp_path / "docker"
    silent.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match=r"docker does not answer within 0\.5 s"):
        find_container(timeout_s=0.5)

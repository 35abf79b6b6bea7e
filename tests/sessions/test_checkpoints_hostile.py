"""What stands in a workspace makes us run nothing, read nothing outside, and write nothing outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from checkpoint_trees import checkpoints, walked, write_many

from limi_sessions.checkpoints import Checkpoint, Checkpoints
from limi_sessions.tools import openbeneath

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = tmp_path / "work"
    workspace.mkdir()
    return workspace


def _git(directory: Path, *arguments: str) -> None:
    named = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *named, *arguments], cwd=directory, env=environment, check=True, capture_output=True)


def _repository(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _git(directory, "init", "-q")
    (directory / "tracked").write_text("tracked\n")
    _git(directory, "add", ".")
    _git(directory, "commit", "-qm", "first")


def _poisoned(git_directory: Path, canary: Path) -> None:
    """Every setting that makes git run a command leaves a canary behind."""
    script = git_directory / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch '{canary}'\ncat\n")
    script.chmod(0o755)
    (git_directory / "included").write_text(f"[core]\n\taskPass = {script}\n")
    with (git_directory / "config").open("a") as config:
        config.write(
            f"""
[core]
	fsmonitor = {script}
	pager = {script}
	editor = {script}
	sshCommand = {script}
	hooksPath = {git_directory}/hooks
	alternateRefsCommand = {script}
[filter "evil"]
	clean = {script}
	smudge = {script}
	process = {script}
	required = true
[diff "evil"]
	command = {script}
	textconv = {script}
[diff]
	external = {script}
[alias]
	add = !{script}
	status = !{script}
[include]
	path = {git_directory}/included
[gc]
	auto = 1
[uploadpack]
	packObjectsHook = {script}
"""
        )
    (git_directory / "hooks").mkdir(exist_ok=True)
    for hook in ("pre-commit", "post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(script, git_directory / "hooks" / hook)


def test_hostile_repositories_run_nothing_and_are_left_alone(workspace: Path) -> None:
    canary = workspace.parent / "canary"
    attributes = "* filter=evil diff=evil\n"
    _repository(workspace)
    _repository(workspace / "nested")
    _git(workspace / "nested", "worktree", "add", "-q", str(workspace / "tree"), "-b", "other")
    _git(workspace, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "./nested", "sub")
    _git(workspace, "clone", "-q", "--bare", "nested", "bare.git")
    poisoned = [workspace / "bare.git"]
    poisoned += [workspace / ".git", workspace / "nested" / ".git", workspace / ".git" / "modules" / "sub"]
    for directory in poisoned:
        _poisoned(directory, canary)
    for directory in (workspace, workspace / "nested", workspace / "tree", workspace / "sub"):
        (directory / ".gitattributes").write_text(attributes)
    repositories = [path for path in workspace.rglob(".git") if path.is_dir()]
    files = [path for path in workspace.rglob(".git") if path.is_file()]
    assert len(repositories) == 2 and len(files) == 2
    before = [(_exactly(path)) for path in repositories]
    kept = walked(workspace)

    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None
    for directory in ("nested", "tree", "sub", "bare.git"):
        assert shadow.file(first.id, f"{directory}/tracked" if directory != "bare.git" else "bare.git/HEAD")
        (workspace / directory / "tracked").write_text("changed\n")
    second = shadow.take()
    assert second.id is not None
    assert len(shadow.changes(first.id, second.id)) == 4
    assert "+changed" in shadow.patch(first.id, second.id)
    assert shadow.restore(first.id).problems == ()
    shadow.export(second.id, workspace.parent / "copy")

    assert walked(workspace) == kept
    assert [_exactly(path) for path in repositories] == before
    assert not canary.exists()
    # The trap is real: git itself, asked in there, runs the command.
    subprocess.run(["git", "diff", "--stat"], cwd=workspace / "nested", capture_output=True, check=False)
    assert canary.exists()


def _exactly(root: Path) -> list[tuple[object, ...]]:
    """Contents, modes, inodes and times: not even a lock file was made."""
    statuses = [(path, path.lstat()) for path in sorted([root, *root.rglob("*")])]
    content = walked(root, without_git=False)
    return [(str(p), s.st_ino, s.st_mode, s.st_mtime_ns, s.st_ctime_ns) for p, s in statuses] + [tuple(content.items())]


def test_a_removed_nested_repository_leaves_its_git_directory_and_says_so(workspace: Path) -> None:
    (workspace / "a").touch()
    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None
    _repository(workspace / "cloned")
    restored = shadow.restore(first.id)
    assert not (workspace / "cloned" / "tracked").exists() and (workspace / "cloned" / ".git").is_dir()
    assert [problem.split(":")[0] for problem in restored.problems] == ["cloned"]


@contextmanager
def _repeating(action: object) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        assert callable(action)
        while not stop.is_set():
            action()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("resolver", ["kernel", "walk"])
def test_a_directory_flipped_to_a_link_leads_nowhere(
    workspace: Path, resolver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if resolver == "walk":
        monkeypatch.setattr(openbeneath, "kernel_resolves", lambda: False)
    outside = workspace.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret outside")
    (workspace / "dir" / "deep").mkdir(parents=True)
    (workspace / "dir" / "file").write_text("inside")
    (workspace / "dir" / "deep" / "file").write_text("inside")
    shadow = checkpoints(workspace)
    first = shadow.take()
    (workspace / "dir" / "file").write_text("changed")
    (workspace / "dir" / "new").write_text("changed")
    second = shadow.take()
    assert first.id is not None and second.id is not None
    before = walked(outside)

    flips = {"done": 0}

    def flip() -> None:
        # A restore makes a directory anew that it does not find.
        for step in (
            lambda: (workspace / "dir").rename(workspace / "aside"),
            lambda: (workspace / "dir").symlink_to(outside),
            lambda: (workspace / "dir").unlink(),
            lambda: (workspace / "aside").rename(workspace / "dir"),
            lambda: shutil.rmtree(workspace / "aside") if (workspace / "dir").is_dir() else None,
        ):
            with suppress(OSError):
                step()
        flips["done"] += 1

    seen: list[Checkpoint] = []
    with _repeating(flip):
        for turn in range(150):
            shadow.restore(first.id if turn % 2 else second.id, take_first=False)
            seen.append(shadow.take())
    assert flips["done"] > 150
    assert walked(outside) == before
    for taken in {each.id: each for each in seen}.values():
        assert taken.id is not None
        for path in ("dir/file", "aside/file", "dir/deep/file"):
            assert _content(shadow, taken.id, path) in {b"inside", b"changed", None}


def _content(shadow: Checkpoints, at: str, path: str) -> bytes | None:
    try:
        return shadow.file(at, path)
    except FileNotFoundError:
        raise
    except OSError:
        return None


def test_a_writer_in_the_background_crashes_nothing(workspace: Path) -> None:
    write_many(workspace, files=300)
    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None
    busy = workspace / "d000"
    state = {"at": 0}

    def write() -> None:
        state["at"] += 1
        at = state["at"]
        path = busy / "s0" / f"busy{at % 5}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"%06d" % at * 1000)
            if at % 3 == 0:
                path.unlink(missing_ok=True)
            if at % 50 == 0:
                shutil.rmtree(busy / "s1", ignore_errors=True)
                (busy / "s1").mkdir()
        except OSError:
            return  # the restore removed the directory meanwhile

    with _repeating(write):
        for _ in range(15):
            taken = shadow.take()
            assert taken.id is not None
            for change in shadow.changes(first.id, taken.id):
                if change.path.startswith("d000/s0/busy") and change.kind == "added":
                    content = shadow.file(taken.id, change.path)
                    # A file is whole, or was caught between its being made and written.
                    assert content == content[:6] * (len(content) // 6)
            shadow.restore(first.id)
    assert shadow.restore(first.id).problems == ()
    assert shadow.take().id == first.id


def test_a_file_that_never_holds_still_is_named(workspace: Path) -> None:
    (workspace / "still").write_text("still")
    path = workspace / "moving"
    path.write_bytes(b"x" * 2_000_000)
    shadow = checkpoints(workspace)
    writing = (
        "import os, sys\nf = os.open(sys.argv[1], os.O_WRONLY)\nprint(flush=True)\nwhile True: os.pwrite(f, b'y', 9)"
    )
    writer = subprocess.Popen([sys.executable, "-c", writing, str(path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None and writer.stdout.readline()
        taken = shadow.take()
    finally:
        writer.kill()
        writer.wait()
    assert taken.id is not None and shadow.file(taken.id, "still") == b"still"
    told = [*taken.changing, *(line.split(":")[0] for line in taken.left_out)]
    assert "moving" in told
    settled = shadow.take()
    assert settled.id is not None and settled.changing == settled.left_out == ()
    assert shadow.file(settled.id, "moving") == path.read_bytes()


def test_a_hidden_secret_is_in_no_object(workspace: Path) -> None:
    secret = "sk-live-abcdefgh12345678"
    (workspace / "padded").write_text(f"{'x' * 3_000_000}{secret}\n")
    (workspace / "link").symlink_to(f"/nowhere/{secret}")
    (workspace / f"named {secret}").touch()
    (workspace / "plain").write_text("plain")
    shadow = checkpoints(workspace, secrets=[secret])
    first = shadow.take()
    assert first.id is not None and first.files == 1
    assert first.withheld == ("link", f"named {secret}", "padded")
    (workspace / "padded").write_text(f"changed {secret}")
    assert shadow.restore(first.id).problems == ()
    assert secret in (workspace / "padded").read_text()
    repository = workspace.parent / "shadow.git"
    environment = {**os.environ, "GIT_DIR": str(repository)}
    listed = subprocess.run(
        ["git", "cat-file", "--batch", "--batch-all-objects"], env=environment, capture_output=True, check=True
    )
    assert b"plain" in listed.stdout
    assert secret.encode() not in listed.stdout.replace(first.withheld[1].encode(), b"")


def test_a_secret_that_becomes_known_is_withheld_from_then_on(workspace: Path) -> None:
    known: list[str] = []
    (workspace / ".gitignore").write_text("kept\n")
    (workspace / "early").write_text("later-a-secret")
    shadow = checkpoints(workspace, secrets=known)
    first = shadow.take()
    assert first.withheld == () and first.files == 2
    known.append("later-a-secret")
    second = shadow.take()
    assert second.withheld == ("early",) and second.files == 1

"""What cannot be kept is said in words, and nothing that is half written is ever taken for a checkpoint."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from checkpoint_trees import checkpoints, walked, write_many

from limi_sessions.checkpoints import Checkpoint, CheckpointError, CheckpointLimits, Checkpoints

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
pytestmark = needs_git
NOBODY = 65534


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = tmp_path / "work"
    workspace.mkdir()
    return workspace


def _fsck(repository: Path) -> None:
    subprocess.run(["git", "--git-dir", str(repository), "fsck", "--full", "--strict"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (CheckpointLimits(files=50), "more than 50 files"),
        (CheckpointLimits(total_bytes=10_000), "more than 0.01 MB"),
        (CheckpointLimits(names=40), "more than 40 names"),
        (CheckpointLimits(scan_s=0), "within 0 s"),
    ],
)
def test_a_workspace_beyond_a_limit_is_refused_until_it_is_tried_again(
    workspace: Path, limits: CheckpointLimits, told: str
) -> None:
    write_many(workspace, files=60)
    shadow = checkpoints(workspace, limits=limits)
    refused = shadow.take()
    assert refused.id is None and refused.tree is None and told in refused.skipped
    shutil.rmtree(workspace / "d000")
    (workspace / "one").touch()
    assert shadow.take().skipped == refused.skipped
    if limits.scan_s:
        shadow.retry()
        assert shadow.take().files == 1


def test_ignored_trees_count_for_nothing(workspace: Path) -> None:
    write_many(workspace / "node_modules", files=200)
    (workspace / ".gitignore").write_text("node_modules\n")
    taken = checkpoints(workspace, limits=CheckpointLimits(files=5, names=10)).take()
    assert taken.skipped == "" and taken.files == 1


def test_going_back_from_beyond_a_limit_is_possible(workspace: Path) -> None:
    (workspace / "a").write_text("a")
    kept = walked(workspace)
    shadow = checkpoints(workspace, limits=CheckpointLimits(files=50))
    first = shadow.take()
    assert first.id is not None
    write_many(workspace / "unpacked", files=300)
    (workspace / "a").write_text("b")
    assert "more than 50 files" in shadow.take().skipped
    with pytest.raises(CheckpointError, match="could not be kept"):
        shadow.restore(first.id)
    assert shadow.restore(first.id, take_first=False).problems == ()
    assert walked(workspace) == kept and shadow.take().id == first.id


def test_checkpoints_stop_when_their_repository_is_too_large(workspace: Path) -> None:
    shadow = checkpoints(workspace, limits=CheckpointLimits(repository_bytes=200_000))
    taken: list[Checkpoint] = []
    for number in range(6):
        (workspace / "random").write_bytes(os.urandom(100_000))
        (workspace / "n").write_text(str(number))
        taken.append(shadow.take())
    assert "the checkpoints of this session take" in taken[-1].skipped and taken[1].skipped == ""
    assert shadow.restore(taken[0].id or "", take_first=False).problems == ()


def test_what_is_no_file_is_left_out_and_named(workspace: Path) -> None:
    os.mkfifo(workspace / "fifo")
    (workspace / "file").touch()
    if os.geteuid() == 0:
        os.mknod(workspace / "null", 0o600 | 0o020000, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(workspace / "socket"))
        taken = checkpoints(workspace).take()
    devices = ("null: a device",) if os.geteuid() == 0 else ()
    assert taken.left_out == ("fifo: a FIFO", *devices, "socket: a socket") and taken.files == 1


def test_many_left_out_files_are_counted(workspace: Path) -> None:
    for number in range(150):
        os.mkfifo(workspace / f"{number:03d}")
    taken = checkpoints(workspace).take()
    assert len(taken.left_out) == 101 and taken.left_out[-1] == "and 50 more"


@contextmanager
def _without_rights() -> Iterator[Path]:
    """A directory of a user whom permission bits bind."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        root.chmod(0o755)
        work = root / "of nobody"
        work.mkdir()
        if os.geteuid() == 0:
            os.chown(work, NOBODY, NOBODY)
            os.setegid(NOBODY)
            os.seteuid(NOBODY)
        try:
            yield work
        finally:
            subprocess.run(["chmod", "-R", "u+rwx", str(work)], check=False, capture_output=True)
            os.seteuid(os.getuid())
            os.setegid(os.getgid())


def test_unreadable_files_are_left_out_and_what_was_readable_comes_back() -> None:
    with _without_rights() as root:
        workspace = root / "work"
        (workspace / "dir").mkdir(parents=True)
        (workspace / "dir" / "inside").write_text("inside")
        (workspace / "file").write_text("file")
        (workspace / "never").write_text("never")
        (workspace / "never").chmod(0)
        kept = {name: what for name, what in walked_readable(workspace).items() if name != "never"}
        shadow = checkpoints(workspace)
        first = shadow.take()
        assert first.id is not None and first.left_out == ("never: cannot be read: Permission denied",)
        (workspace / "dir").chmod(0)
        (workspace / "file").chmod(0)
        second = shadow.take()
        assert [line.split(":")[0] for line in second.left_out] == ["dir", "file", "never"] and second.files == 0
        restored = shadow.restore(first.id)
        assert restored.problems == ()
        assert {n: w for n, w in walked_readable(workspace).items() if n != "never"} == kept
        (workspace / "dir" / "more").write_text("more")
        (workspace / "dir").chmod(0o555)
        assert shadow.restore(first.id).problems == ()
        assert {n: w for n, w in walked_readable(workspace).items() if n != "never"} == kept


def walked_readable(workspace: Path) -> dict[str, tuple[int, bytes]]:
    """Path -> (permission bits, content where it can be read)."""
    found: dict[str, tuple[int, bytes]] = {}
    for path in [workspace, *workspace.rglob("*")]:
        content = path.read_bytes() if path.is_file() and os.access(path, os.R_OK, effective_ids=True) else b""
        found[str(path.relative_to(workspace))] = (path.stat().st_mode, content)
    return found


def test_without_git_nothing_is_kept(workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (workspace / "a").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checkpoints(workspace).take().skipped.startswith("git is not installed")


def test_limi_itself_is_no_part_of_a_workspace(tmp_path: Path) -> None:
    home = tmp_path / ".local" / "limi"
    home.mkdir(parents=True)
    (home / "journal").touch()
    (tmp_path / "file").touch()
    repository = home / "shadow.git"
    shadow = Checkpoints(tmp_path.resolve(), repository, limi_home=home, secrets=tuple)
    assert shadow.take().files == 1
    inside = Checkpoints(home / "sessions", repository, limi_home=home, secrets=tuple)
    (home / "sessions").mkdir()
    assert "limi's own home" in inside.take().skipped


def test_a_file_size_limit_in_mid_pack_leaves_nothing_half_written(workspace: Path) -> None:
    (workspace / "small").write_text("small")
    shadow = checkpoints(workspace)
    first = shadow.take()
    (workspace / "large").write_bytes(os.urandom(3_000_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        failed = shadow.take()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.id is None and "is full" in failed.skipped
    _after_failure(workspace, shadow, first)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_in_mid_pack_leaves_nothing_half_written(workspace: Path) -> None:
    repository = workspace.parent / "shadow.git"
    repository.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(repository)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (workspace / "small").write_text("small")
        shadow = checkpoints(workspace)
        first = shadow.take()
        (workspace / "large").write_bytes(os.urandom(3_000_000))
        failed = shadow.take()
        assert failed.id is None and "is full" in failed.skipped
        subprocess.run(["mount", "-o", "remount,size=20m", str(repository)], check=True)
        _after_failure(workspace, shadow, first)
    finally:
        subprocess.run(["umount", str(repository)], check=True)


def _after_failure(workspace: Path, shadow: Checkpoints, first: Checkpoint) -> None:
    repository = workspace.parent / "shadow.git"
    assert not list(repository.rglob("tmp_*"))
    kept = walked(workspace)
    second = shadow.take()
    assert second.id is not None and first.id is not None
    assert shadow.restore(first.id).before == second.id
    assert shadow.restore(second.id).problems == () and walked(workspace) == kept
    _fsck(repository)


def test_a_process_killed_at_any_moment_leaves_a_repository_that_goes_on(workspace: Path) -> None:
    write_many(workspace, files=400)
    repository = workspace.parent / "shadow.git"
    program = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from checkpoint_trees import checkpoints
workspace = Path(sys.argv[1])
shadow = checkpoints(workspace)
print(shadow.take().id, flush=True)
number = 0
while True:
    number += 1
    (workspace / "d000" / "s0" / "f0.py").write_bytes(b"%d" % number * 300_000)
    print(shadow.take().id, flush=True)
"""
    paths = [str(Path(__file__).parent), *sys.path]
    for lines in (0, 1, 2, 3, 5, 8):
        argv = [sys.executable, "-c", program, str(workspace), *paths]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = [process.stdout.readline().strip() for _ in range(lines)]
            if not lines:
                while not list(repository.rglob("*")) and process.poll() is None:
                    pass
            process.send_signal(signal.SIGKILL)
            told += [line.strip() for line in process.stdout]
        shadow = checkpoints(workspace)
        taken = shadow.take()
        assert taken.id is not None and not list(repository.rglob("tmp_*"))
        for identity in {*told} - {""}:
            assert shadow.restore(identity).problems == ()
        assert shadow.restore(taken.id).problems == ()
        _fsck(repository)


def test_the_objects_are_those_that_git_would_make(workspace: Path) -> None:
    write_many(workspace, files=200)
    (workspace / "link").symlink_to("x")
    (workspace / "a.b").mkdir()
    (workspace / "a.b" / "x").touch()
    (workspace / "a").mkdir()
    (workspace / "a" / "x").write_bytes(os.urandom(300_000))
    (workspace / "a0").write_text("0")
    (workspace / "a0").chmod(0o755)
    taken = checkpoints(workspace).take()
    _fsck(workspace.parent / "shadow.git")
    peer = {**os.environ, "GIT_DIR": str(workspace.parent / "peer.git"), "GIT_WORK_TREE": str(workspace)}
    subprocess.run(["git", "init", "-q", "--object-format=sha256"], env=peer, check=True, cwd=workspace)
    subprocess.run(["git", "add", "-A"], env=peer, check=True, cwd=workspace)
    tree = subprocess.run(["git", "write-tree"], env=peer, check=True, cwd=workspace, capture_output=True, text=True)
    assert taken.tree == tree.stdout.strip()


def test_many_small_packs_become_one(workspace: Path) -> None:
    shadow = checkpoints(workspace)
    taken: list[str] = []
    for number in range(90):
        (workspace / "file").write_text(str(number))
        identity = shadow.take().id
        assert identity is not None
        taken.append(identity)
    repository = workspace.parent / "shadow.git"
    assert len(list(repository.rglob("*.pack"))) < 70
    _fsck(repository)
    assert [shadow.file(each, "file") for each in taken] == [b"%d" % number for number in range(90)]
    assert checkpoints(workspace).take().id == taken[-1]


def test_changes_tell_kinds_sizes_modes_and_lines(workspace: Path) -> None:
    for name in ("modified", "deleted", "mode", "type", "secretive", "binary"):
        (workspace / name).write_text(f"{name}\none\ntwo\n")
    (workspace / "dir").mkdir()
    shadow = checkpoints(workspace)
    first = shadow.take()
    (workspace / "modified").write_text("modified\none\n2\n3\n")
    (workspace / "deleted").unlink()
    (workspace / "mode").chmod(0o755)
    (workspace / "secretive").chmod(0o600)
    (workspace / "type").unlink()
    (workspace / "type").symlink_to("target")
    (workspace / "binary").write_bytes(b"\0\1\2")
    (workspace / "added\nname").write_text("one line\n")
    (workspace / "dir").rmdir()
    (workspace / "empty").mkdir()
    second = shadow.take()
    assert first.id is not None and second.id is not None
    changes = {change.path: change for change in shadow.changes(first.id, second.id)}
    kinds = {path: change.kind for path, change in changes.items()}
    assert kinds == {
        "added\nname": "added",
        "binary": "modified",
        "deleted": "deleted",
        "dir/": "deleted",
        "empty/": "added",
        "mode": "mode",
        "modified": "modified",
        "secretive": "mode",
        "type": "type",
    }
    modified = changes["modified"]
    assert (modified.old_size, modified.new_size, modified.added, modified.removed) == (17, 17, 2, 1)
    assert changes["binary"].binary and not modified.binary
    assert (changes["secretive"].old_mode or 0) & 0o777 == 0o644 and (
        changes["secretive"].new_mode or 0
    ) & 0o777 == 0o600
    assert shadow.changes(first.id, first.id) == ()


def test_a_patch_can_be_narrowed_and_is_bounded(workspace: Path) -> None:
    for name in ("a", "b", "*"):
        (workspace / name).write_text("old\n" * 50)
    shadow = checkpoints(workspace)
    first = shadow.take()
    for name in ("a", "b", "*"):
        (workspace / name).write_text("new \xe9\n" * 50, "latin-1")
    second = shadow.take()
    assert first.id is not None and second.id is not None
    whole = shadow.patch(first.id, second.id)
    assert whole.count("diff --git") == 3 and "+new \ufffd" in whole
    assert shadow.patch(first.id, second.id, paths=["*"]).count("diff --git") == 1
    cut = shadow.patch(first.id, second.id, most_chars=400)
    assert len(cut) < 500 and cut.endswith("[the rest of the diff is left out]\n")

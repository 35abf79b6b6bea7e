"""A restored workspace is the one that was kept, byte for byte and bit for bit."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from checkpoint_trees import Tree, checkpoints, walked, write_many
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limi_sessions.checkpoints import CheckpointError, CheckpointLimits

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

NAMES = [
    b"plain",
    b"with space",
    b"new\nline",
    b"quo\"te's",
    b"back\\slash",
    b"tab\t",
    b"\xff\xfe not utf-8",
    "é".encode(),
    "é".encode(),
    b"Case",
    b"case",
    b".gitx",
    b".GIT",
    b"git~1",
    b".gitmodules",
    b"-dash",
    b":colon",
    b"*star?",
    b"n" * 255,
    b"con",
    b" ",
    b"a",
    b"a.b",
    b"a0",
]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = tmp_path / "work"
    workspace.mkdir()
    return workspace


def test_names_types_and_modes_of_every_kind_come_back(workspace: Path) -> None:
    for at, name in enumerate(NAMES):
        path = workspace / os.fsdecode(name)
        if at % 3 == 0:
            path.mkdir()
            (path / os.fsdecode(name)).write_bytes(name * 3)
        else:
            path.write_bytes(name)
    (workspace / "empty").mkdir()
    (workspace / "deep" / "er" / "empty").mkdir(parents=True)
    (workspace / "zero").touch()
    with (workspace / "sparse").open("wb") as stream:
        stream.truncate(3_000_000)
    (workspace / "crlf").write_bytes(b"a\r\nb\rc\n\r\n")
    for number, target in enumerate(["nowhere", "/etc/passwd", "../../outside", ".", "plain", "loop 5", "x" * 300]):
        (workspace / f"loop {number}").symlink_to(target)
    for mode in (0o600, 0o444, 0o755, 0o700, 0o111, 0o4755, 0o2644, 0o1777, 0o000, 0o666, 0o775):
        path = workspace / f"mode {mode:o}"
        path.write_bytes(b"m")
        path.chmod(mode if os.geteuid() == 0 else mode | 0o400)
        directory = workspace / f"directory {mode:o}"
        directory.mkdir()
        (directory / "in").write_bytes(b"in")
        directory.chmod(mode if os.geteuid() == 0 else mode | 0o500)
    kept = walked(workspace)
    shadow = checkpoints(workspace)
    taken = shadow.take()
    assert taken.id is not None and not taken.left_out and not taken.changing
    _wipe(workspace)
    assert shadow.restore(taken.id).problems == ()
    assert walked(workspace) == kept
    assert shadow.take().id == taken.id


def _wipe(workspace: Path) -> None:
    subprocess.run(["chmod", "-R", "u+rwx", "."], cwd=workspace, check=False)
    subprocess.run(["find", ".", "-mindepth", "1", "-delete"], cwd=workspace, check=True)


def test_ten_thousand_files_come_back_after_shell_commands(workspace: Path) -> None:
    write_many(workspace, files=10_000)
    (workspace / "link").symlink_to("d000")
    kept = walked(workspace)
    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None and first.files == 10_001
    commands = """
        rm -rf d00? ; mv d010 moved ; sed -i 's/file/FILE/' d02*/s0/*.py ; chmod -R go-rwx d03? ; chmod 755 d04?/s1/*.py
        find d05? -name '*1.py' -delete ; rm -r d060 && echo file > d060 ; rm d061/s0/*.py && mkdir d061/s0/f6104.py
        ln -sfn /etc link ; ln -s ../d070 d071/inner ; mkdir -p new/empty ; cp -a d072 d073/copy ; : > d074/s0/f7406.py
        tar cf all.tar d08? ; truncate -s 100 d09?/s*/*.py ; mv d091 x && mv d090 d091 && mv x d090
    """
    subprocess.run(["bash", "-c", commands], cwd=workspace, check=True)
    changed = walked(workspace)
    assert changed != kept
    back = shadow.restore(first.id)
    assert back.problems == () and back.before is not None
    assert walked(workspace) == kept
    assert shadow.restore(back.before).problems == ()
    assert walked(workspace) == changed


NAME = st.sampled_from(["a", "b", "c", "d.txt", "é", "x y", "\udcff"])
PATH = st.lists(NAME, min_size=1, max_size=3)
EDIT = st.one_of(
    st.tuples(st.just("write"), PATH, st.binary(max_size=20)),
    st.tuples(st.just("link"), PATH, st.sampled_from([b"a", b"/etc/passwd", b"../..", b"nowhere"])),
    st.tuples(st.just("mkdir"), PATH, st.just(b"")),
    st.tuples(st.just("remove"), PATH, st.just(b"")),
    st.tuples(st.just("chmod"), PATH, st.sampled_from([b"\x00", b"\x01", b"\x02", b"\x03"])),
    st.tuples(st.just("move"), PATH, st.binary(max_size=1)),
)
MODES = (0o600, 0o755, 0o700, 0o640)


def _edit(root: Path, edit: tuple[str, list[str], bytes]) -> None:
    kind, parts, content = edit
    path = root.joinpath(*parts)
    try:
        if kind in {"write", "link", "mkdir"}:
            for parent in reversed(path.relative_to(root).parents):
                if (root / parent).is_symlink() or (root / parent).is_file():
                    (root / parent).unlink()
                (root / parent).mkdir(exist_ok=True)
            if kind != "mkdir" and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            if path.is_symlink():
                path.unlink()
        if kind == "write":
            path.write_bytes(content)
        elif kind == "link":
            path.unlink(missing_ok=True)
            path.symlink_to(os.fsdecode(content))
        elif kind == "mkdir":
            path.mkdir(exist_ok=True)
        elif kind == "remove" and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif kind == "remove":
            path.unlink(missing_ok=True)
        elif kind == "chmod" and not path.is_symlink() and path.exists():
            mode = MODES[content[0]]
            path.chmod(mode | 0o700 if path.is_dir() else mode)
        elif kind == "move" and path.exists():
            path.rename(root / "moved")
    except (FileExistsError, NotADirectoryError, FileNotFoundError, OSError):
        return


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rounds=st.lists(st.lists(EDIT, max_size=8), min_size=2, max_size=5), data=st.data())
def test_any_edits_can_be_undone_to_any_state(
    rounds: list[list[tuple[str, list[str], bytes]]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name).resolve() / "work"
        workspace.mkdir()
        shadow = checkpoints(workspace)
        states: list[tuple[str, Tree]] = []
        for edits in rounds:
            for edit in edits:
                _edit(workspace, edit)
            taken = shadow.take()
            assert taken.id is not None
            states.append((taken.id, walked(workspace)))
        for _ in range(3):
            identity, tree = data.draw(st.sampled_from(states))
            take_first = data.draw(st.booleans())
            restored = shadow.restore(identity, take_first=take_first)
            assert restored.problems == ()
            assert walked(workspace) == tree
        fresh = checkpoints(workspace)
        assert fresh.take().id in {identity for identity, tree in states if tree == walked(workspace)}


def test_only_what_differs_is_touched(workspace: Path) -> None:
    write_many(workspace, files=30)
    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None
    before = {path: path.stat() for path in workspace.rglob("*.py")}
    changed = sorted(before)[3]
    changed.write_text("other")
    restored = shadow.restore(first.id)
    assert (restored.restored, restored.removed, restored.unchanged) == (1, 0, 29)
    for path, status in before.items():
        now = path.stat()
        same = (now.st_ino, now.st_mtime_ns) == (status.st_ino, status.st_mtime_ns)
        assert same == (path != changed)


def test_a_change_of_the_same_size_in_the_same_instant_is_seen(workspace: Path) -> None:
    path = workspace / "file"
    shadow = checkpoints(workspace)
    seen: set[str | None] = set()
    for number in range(60):
        path.write_bytes(b"%03d" % number)
        os.utime(path, ns=(1, 1))
        taken = shadow.take()
        assert taken.id is not None and shadow.file(taken.id, "file") == b"%03d" % number
        seen.add(taken.id)
    assert len(seen) == 60


def test_attributes_never_alter_bytes(workspace: Path) -> None:
    canary = workspace.parent / "canary"
    (workspace / ".gitattributes").write_text(
        "* text=auto eol=crlf ident filter=evil working-tree-encoding=UTF-16 diff=evil\n"
    )
    (workspace / "lines").write_bytes(b"one\ntwo\r\n$Id$\n")
    (workspace / "latin").write_bytes(b"\xe9\r\n")
    kept = walked(workspace)
    shadow = checkpoints(workspace)
    first = shadow.take()
    (workspace / "lines").write_bytes(b"other\n")
    second = shadow.take()
    assert first.id is not None and second.id is not None
    assert "+other" in shadow.patch(first.id, second.id)
    shadow.restore(first.id)
    assert walked(workspace) == kept and not canary.exists()


def test_ignored_files_are_neither_kept_nor_touched(workspace: Path) -> None:
    (workspace / ".gitignore").write_text("*.log\nbuild/\n!keep.log\n")
    (workspace / "keep.log").write_text("kept")
    (workspace / "a.log").write_text("ignored")
    (workspace / "build").mkdir()
    (workspace / "build" / "out").write_text("ignored")
    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None and first.files == 2
    (workspace / "a.log").write_text("ignored, changed")
    (workspace / "new").mkdir()
    (workspace / "new" / "b.log").write_text("ignored")
    (workspace / "new" / "c.txt").write_text("new")
    (workspace / ".gitignore").unlink()
    restored = shadow.restore(first.id)
    assert (workspace / "a.log").read_text() == "ignored, changed"
    assert (workspace / "new" / "b.log").exists() and not (workspace / "new" / "c.txt").exists()
    assert (workspace / "build" / "out").exists() and (workspace / ".gitignore").exists()
    assert [problem.split(":")[0] for problem in restored.problems] == ["new"]


def test_what_was_kept_stays_kept_when_a_rule_ignores_it_later(workspace: Path) -> None:
    (workspace / "src").mkdir()
    (workspace / "src" / "a").write_text("one")
    first = checkpoints(workspace).take()
    shadow = checkpoints(workspace)
    (workspace / ".gitignore").write_text("*\n")
    (workspace / "src" / "a").write_text("two")
    (workspace / "src" / "b").write_text("new and ignored")
    second = shadow.take()
    assert first.id is not None and second.id is not None
    assert shadow.file(second.id, "src/a") == b"two" and second.files == 1
    assert shadow.restore(first.id).problems == ()
    assert (workspace / "src" / "a").read_text() == "one"
    assert (workspace / "src" / "b").read_text() == "new and ignored"


def test_rules_around_the_workspace_are_obeyed(tmp_path: Path) -> None:
    (tmp_path / ".git" / "info").mkdir(parents=True)
    workspace = tmp_path / "sub" / "work"
    workspace.mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("/sub/work/secret\n")
    (tmp_path / "sub" / ".gitignore").write_text("*.o\n!/work/keep.o\n")
    for name in ("secret", "a.o", "keep.o", "plain"):
        (workspace / name).touch()
    shadow = checkpoints(workspace)
    taken = shadow.take()
    assert taken.id is not None and taken.files == 2
    assert shadow.file(taken.id, "keep.o") == shadow.file(taken.id, "plain") == b""


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_what_the_repository_tracks_is_kept_although_a_rule_ignores_it(
    workspace: Path, version: str, algorithm: str
) -> None:
    (workspace / "logs").mkdir()
    long = "n" * 200
    for name in (".gitignore", "logs/a.log", "logs/untracked.log", f"logs/{long}.log", "plain", "later"):
        (workspace / name).write_text("*.log\nlogs/\n" if name == ".gitignore" else name)
    git = ["git", "-C", str(workspace), "-c", f"index.version={version}"]
    subprocess.run([*git, "init", "-q", f"--object-format={algorithm}"], check=True)
    subprocess.run([*git, "add", "-f", ".gitignore", "logs/a.log", f"logs/{long}.log", "plain"], check=True)
    subprocess.run([*git, "add", "-N", "later"], check=True)
    shadow = checkpoints(workspace)
    taken = shadow.take()
    assert taken.id is not None and taken.files == 5
    assert shadow.file(taken.id, "logs/a.log") == b"logs/a.log"
    assert shadow.file(taken.id, f"logs/{long}.log")


@pytest.mark.parametrize(
    "index", [b"", b"DIRC", b"DIRC\0\0\0\2\xff\xff\xff\xff", b"DIRC\0\0\0\4\0\0\0\1" + b"\x80" * 99]
)
def test_a_damaged_index_is_no_obstacle(workspace: Path, index: bytes) -> None:
    (workspace / ".git").mkdir()
    (workspace / ".git" / "index").write_bytes(index)
    (workspace / "a").touch()
    assert checkpoints(workspace).take().files == 1


def test_a_repository_that_ignores_the_workspace_has_no_say_in_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a").touch()
    assert checkpoints(tmp_path / "work").take().files == 1


def test_what_was_left_out_is_never_overwritten_or_removed(workspace: Path) -> None:
    limits = CheckpointLimits(file_bytes=100)
    for name in ("grows", "shrinks"):
        (workspace / name).write_bytes(b"s" * (50 if name == "grows" else 200))
    os.mkfifo(workspace / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(workspace / "socket"))
        shadow = checkpoints(workspace, limits=limits)
        first = shadow.take()
        assert first.id is not None and first.files == 1
        assert first.left_out == ("fifo: a FIFO", "shrinks: 200 bytes, more than 100", "socket: a socket")
        (workspace / "grows").write_bytes(b"g" * 300)
        (workspace / "shrinks").write_bytes(b"small")
        restored = shadow.restore(first.id)
        assert [problem.split(":")[0] for problem in restored.problems] == ["grows"]
        assert (workspace / "grows").read_bytes() == b"g" * 300 and (workspace / "shrinks").read_bytes() == b"small"
        assert stat.S_ISFIFO((workspace / "fifo").stat().st_mode) and (workspace / "socket").exists()


def test_a_fifo_in_place_of_a_file_is_a_problem_and_blocks_nothing(workspace: Path) -> None:
    (workspace / "file").write_text("text")
    shadow = checkpoints(workspace)
    first = shadow.take()
    (workspace / "file").unlink()
    os.mkfifo(workspace / "file")
    assert first.id is not None
    assert shadow.restore(first.id).problems == ("file: not restored, something that is in no checkpoint stands there",)


def test_an_exported_copy_is_the_workspace_as_it_was(workspace: Path, tmp_path: Path) -> None:
    write_many(workspace, files=300)
    (workspace / "empty").mkdir(mode=0o700)
    (workspace / "link").symlink_to("/etc/passwd")
    (workspace / "locked").mkdir()
    (workspace / "locked" / "file").write_text("x")
    (workspace / "locked").chmod(0o555)
    kept = walked(workspace)
    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None
    (workspace / "d000" / "s0" / "f0.py").write_text("later")
    shadow.export(first.id, tmp_path / "copy")
    assert walked(tmp_path / "copy") == kept
    with pytest.raises(CheckpointError, match="not empty"):
        shadow.export(first.id, tmp_path / "copy")


def test_a_fork_has_the_same_history_and_goes_its_own_way(workspace: Path, tmp_path: Path) -> None:
    write_many(workspace, files=20)
    shadow = checkpoints(workspace)
    first = shadow.take()
    assert first.id is not None
    shadow.fork(tmp_path / "forked.git")
    other = checkpoints(workspace, name="forked.git")
    assert other.take().id == first.id
    (workspace / "new").touch()
    second = other.take()
    assert second.id is not None and [change.path for change in other.changes(first.id, second.id)] == ["new"]
    with pytest.raises(CheckpointError, match="no checkpoint"):
        shadow.file(second.id, "new")
    with pytest.raises(CheckpointError, match="not empty"):
        shadow.fork(tmp_path / "forked.git")


def test_an_unknown_checkpoint_restores_nothing(workspace: Path) -> None:
    (workspace / "a").touch()
    shadow = checkpoints(workspace)
    assert shadow.take().id is not None
    for unknown in ("0" * 64, "HEAD", "--help", ""):
        with pytest.raises(CheckpointError):
            shadow.restore(unknown)
    assert (workspace / "a").exists()

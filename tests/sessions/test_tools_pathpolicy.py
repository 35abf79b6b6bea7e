from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limi_sessions.tools import openbeneath
from limi_sessions.tools.pathpolicy import Workspace
from limi_sessions.tools.refusal import PathRefused

SECRET = b"outside secret"
FLIPS = 10_000


@pytest.fixture(params=["kernel", "walk"])
def resolver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to open beneath a directory; the second is what kernels without openat2 get."""
    if request.param == "walk":
        monkeypatch.setattr(openbeneath, "kernel_resolves", lambda: False)
    elif not openbeneath.kernel_resolves():
        pytest.skip("this kernel has no openat2")
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(SECRET)
    root = tmp_path / "work"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "file.txt").write_bytes(b"inside")
    (root / "sub" / "file.txt").write_bytes(b"inside sub")
    (root / "in_link").symlink_to("sub/file.txt")
    (root / "in_dir").symlink_to("sub")
    (root / "sub" / "deep" / "up_link").symlink_to("../../file.txt")
    (root / "out_link").symlink_to("../outside/secret.txt")
    (root / "out_dir").symlink_to("../outside")
    (root / "abs_link").symlink_to(outside / "secret.txt")
    (root / "abs_inside").symlink_to(root / "file.txt")
    (root / "sub" / "far_link").symlink_to("../../outside/secret.txt")
    (root / "proc_root").symlink_to("/proc/self/root")
    (root / "proc_cwd").symlink_to("/proc/self/cwd")
    (root / "proc_fd").symlink_to("/proc/self/fd")
    (root / "loop").symlink_to("loop")
    (root / "chain").symlink_to("out_dir/secret.txt")
    (root / "dangling").symlink_to("nowhere")
    (root / "etc").symlink_to("/etc")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "socket"))
        yield root


HOSTILE = [
    "",
    "..",
    "../outside/secret.txt",
    "sub/../../outside/secret.txt",
    "sub/../file.txt",
    "./../outside/secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/root/etc/passwd",
    "/proc/self/environ",
    "/dev/zero",
    "~",
    "~/secret.txt",
    "~root/.bashrc",
    "file.txt\0.png",
    "\0",
    "\ud800",
    "out_link",
    "out_dir/secret.txt",
    "in_dir/far_link",
    "sub/far_link",
    "abs_link",
    "abs_inside",
    "proc_root/etc/passwd",
    "proc_cwd/pyproject.toml",
    "proc_fd/0",
    "loop",
    "chain",
    "etc/passwd",
    "fifo",
    "socket",
    "sub",
    ".",
    "sub/deep",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_is_neither_read_nor_written(root: Path, resolver: str, path: str) -> None:
    before = sorted((root.parent / "outside").iterdir())
    with Workspace(root) as workspace:
        with pytest.raises(PathRefused):
            workspace.read_bytes(workspace.relative(path))
        with pytest.raises(PathRefused):
            workspace.write_bytes(workspace.relative(path), b"overwritten")
    assert sorted((root.parent / "outside").iterdir()) == before
    assert (root.parent / "outside" / "secret.txt").read_bytes() == SECRET
    assert (root / "file.txt").read_bytes() == b"inside"


def test_a_device_is_refused(root: Path, resolver: str) -> None:
    try:
        os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    with Workspace(root) as workspace, pytest.raises(PathRefused, match="character device"):
        workspace.read_bytes(PurePosixPath("null"))


def test_writing_below_a_link_that_leaves_makes_nothing(root: Path, resolver: str) -> None:
    with Workspace(root) as workspace:
        for path in ("out_dir/new.txt", "out_dir/a/b/new.txt", "dangling/new.txt", "etc/limi.txt"):
            with pytest.raises(PathRefused):
                workspace.write_bytes(PurePosixPath(path), b"x")
    assert [entry.name for entry in (root.parent / "outside").iterdir()] == ["secret.txt"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("file.txt", b"inside"),
        ("./file.txt", b"inside"),
        ("sub//file.txt", b"inside sub"),
        ("in_link", b"inside sub"),
        ("in_dir/file.txt", b"inside sub"),
        ("in_dir/deep/up_link", b"inside"),
    ],
)
def test_paths_that_stay_inside_are_read(root: Path, resolver: str, path: str, content: bytes) -> None:
    with Workspace(root) as workspace:
        assert workspace.read_bytes(workspace.relative(path)) == content


def test_an_absolute_path_inside_is_made_relative(root: Path) -> None:
    with Workspace(root) as workspace:
        assert workspace.relative(f"{root}/sub/file.txt") == PurePosixPath("sub/file.txt")
        assert workspace.relative(str(root)) == PurePosixPath(".")
        with pytest.raises(PathRefused):
            workspace.relative(f"{root}-other/file.txt")


def test_missing_directories_are_made_inside(root: Path, resolver: str) -> None:
    with Workspace(root) as workspace:
        assert workspace.write_bytes(PurePosixPath("in_dir/a/b/new.txt"), b"new")
    assert (root / "sub" / "a" / "b" / "new.txt").read_bytes() == b"new"


def test_the_mode_of_a_file_outlives_a_write(root: Path) -> None:
    (root / "run.sh").write_bytes(b"old")
    (root / "run.sh").chmod(0o751)
    with Workspace(root) as workspace:
        assert not workspace.write_bytes(PurePosixPath("run.sh"), b"new")
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o751
    assert not list(root.glob(".limi-*"))


def test_a_hard_link_to_a_file_outside_is_not_written_through(root: Path) -> None:
    outside = root.parent / "outside" / "secret.txt"
    os.link(outside, root / "hard.txt")
    with Workspace(root) as workspace:
        workspace.write_bytes(PurePosixPath("hard.txt"), b"new")
    assert outside.read_bytes() == SECRET
    assert (root / "hard.txt").read_bytes() == b"new"


def test_a_failed_write_leaves_the_old_file_and_no_other(root: Path) -> None:
    names = sorted(entry.name for entry in (root / "sub").iterdir())
    with Workspace(root) as workspace, pytest.raises(OSError, match="name too long"):
        workspace.write_bytes(PurePosixPath("sub", "x" * 300), b"x")
    assert sorted(entry.name for entry in (root / "sub").iterdir()) == names


def test_a_large_file_is_refused_with_its_size(root: Path) -> None:
    with (root / "large").open("wb") as stream:
        stream.truncate(10_000_001)
    with Workspace(root) as workspace, pytest.raises(PathRefused, match=r"10,000,001 bytes"):
        workspace.read_bytes(PurePosixPath("large"))


def test_a_workspace_that_became_a_link_is_refused(root: Path) -> None:
    (root.parent / "alias").symlink_to(root)
    with pytest.raises(PathRefused, match="cannot open the workspace"):
        Workspace(root.parent / "alias")


def test_a_link_flipped_ten_thousand_times_never_leads_outside(root: Path, resolver: str) -> None:
    outside = root.parent / "outside"
    (outside / "file.txt").write_bytes(SECRET)
    (root / "door").symlink_to("sub")
    done = threading.Event()

    def flip() -> None:
        targets = ("sub", "../outside", str(outside), "out_dir")
        for count in range(FLIPS):
            (root / "next").symlink_to(targets[count % len(targets)])
            (root / "next").replace(root / "door")
        done.set()

    flipper = threading.Thread(target=flip)
    flipper.start()
    reads = refused = 0
    with Workspace(root) as workspace:
        while not done.is_set():
            try:
                assert workspace.read_bytes(PurePosixPath("door/file.txt")) == b"inside sub"
                workspace.write_bytes(PurePosixPath("door/written.txt"), b"x")
                reads += 1
            except (PathRefused, OSError):
                refused += 1
    flipper.join()
    assert reads > 10 and refused > 10, "the race was not run"
    assert sorted(entry.name for entry in outside.iterdir()) == ["file.txt", "secret.txt"]
    assert (outside / "file.txt").read_bytes() == SECRET


def test_a_directory_swapped_for_a_link_never_leads_outside(root: Path, resolver: str) -> None:
    outside = root.parent / "outside"
    (outside / "file.txt").write_bytes(SECRET)
    (root / "hidden_link").symlink_to("../outside")
    (root / "door").mkdir()
    (root / "door" / "file.txt").write_bytes(b"inside door")
    done = threading.Event()

    def swap() -> None:
        for _ in range(FLIPS // 2):
            (root / "door").rename(root / "stash")
            (root / "hidden_link").rename(root / "door")
            (root / "door").rename(root / "hidden_link")
            (root / "stash").rename(root / "door")
        done.set()

    swapper = threading.Thread(target=swap)
    swapper.start()
    reads = 0
    with Workspace(root) as workspace:
        while not done.is_set():
            try:
                assert workspace.read_bytes(PurePosixPath("door/file.txt")) == b"inside door"
                reads += 1
            except (PathRefused, OSError):
                continue
    swapper.join()
    assert reads > 10, "the race was not run"


_PARTS = st.sampled_from(["..", ".", "", "sub", "deep", "out_dir", "out_link", "in_dir", "proc_root", "~", "file.txt"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(_PARTS, max_size=6), absolute=st.booleans())
def test_no_path_of_any_parts_reads_outside(root: Path, parts: list[str], absolute: bool) -> None:
    given_path = ("/" if absolute else "") + "/".join(parts)
    with Workspace(root) as workspace:
        try:
            content = workspace.read_bytes(workspace.relative(given_path))
        except (PathRefused, OSError):
            return
    assert content in {b"inside", b"inside sub"}

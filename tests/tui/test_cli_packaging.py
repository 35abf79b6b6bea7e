from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "limi_tui": "limi_tui",
    "limi_sessions": "sessions/limi_sessions",
    "limi_store": "store/limi_store",
    "limi_dataset": "store/limi_dataset",
    "limi_train": "train/limi_train",
    "limi_eval": "eval/limi_eval",
}


def sources(folder: str) -> set[str]:
    """Files of a package, relative to it, that belong into a distribution."""
    root = ROOT / folder
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix() for path in files}


def test_the_wheel_holds_every_file_of_every_package_and_nothing_else(tmp_path: Path) -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="the dev extra is not installed")
    built = next(wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(built) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    described = {name for name in names if PurePosixPath(name).parts[0].endswith(".dist-info")}
    assert {PurePosixPath(name).name for name in described} == {
        "METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt",
    }  # fmt: skip
    expected = {f"{package}/{name}" for package, folder in PACKAGES.items() for name in sources(folder)}
    assert names - described == expected
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {f"limi_sessions/pty/shims/limi.{end}" for end in ("bash", "fish", "zshrc", "zshenv")} <= names


def test_the_sdist_holds_what_the_wheel_is_built_from_and_no_built_thing(tmp_path: Path) -> None:
    sdist = pytest.importorskip("hatchling.builders.sdist", reason="the dev extra is not installed")
    built = next(sdist.SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with tarfile.open(built) as archive:
        names = {PurePosixPath(member.name).relative_to(Path(built).name[:-7]).as_posix() for member in archive}
    needed = {f"{folder}/{name}" for folder in PACKAGES.values() for name in sources(folder)}
    assert needed | {"pyproject.toml", "README.md", "LICENSE", "Makefile", "constraints.txt"} <= names
    assert not [name for name in names if ".venv" in name or "__pycache__" in name or name.endswith(".pyc")]

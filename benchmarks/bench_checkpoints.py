"""What a checkpoint of a workspace costs, beside git's own index and beside copying.

    python benchmarks/bench_checkpoints.py [--files 10000] [--rounds 12] [--refused 200000] [--directory DIR]

One workspace of small files, none younger than two seconds. Each round changes ten files (another ten each time), and
every tool keeps the change, looks once more at what is unchanged, and goes back. Peers: `git add -A && git write-tree`
in a repository of its own beside the workspace, plain, with the untracked cache, and flushed to disk as ours is
(`core.fsync=all`, in batches: one by one takes minutes); going back by `git read-tree --reset -u`; `cp -a`;
`rsync -a --delete` where installed.
The last table: how long a workspace that is too large costs, the first time and then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from table import machine_line, print_table

from limi_sessions.checkpoints import Checkpoints

CHANGED = 10
_COPIED_ROUNDS = 3
"""Whole copies take seconds each."""
GOALS = {"unchanged": 80.0, "10 changed": 300.0}


class Keeper(Protocol):
    """A way to keep a workspace and to go back."""

    def keep(self) -> str:
        """Keep the present state; its name."""
        ...

    def back(self, to: str) -> None:
        """Make the workspace what it was."""
        ...


@dataclass
class Ours:
    """Checkpoints."""

    checkpoints: Checkpoints

    def keep(self) -> str:
        """Keep the present state; its id."""
        taken = self.checkpoints.take()
        assert taken.id is not None, taken.skipped
        return taken.id

    def back(self, to: str) -> None:
        """Restore; the present state has just been kept."""
        assert not self.checkpoints.restore(to, take_first=False).problems


class Unflushed(Ours):
    """Checkpoints that a loss of power may take, to see what flushing costs."""

    def keep(self) -> str:
        """Keep the present state; its id."""
        flush, os.fsync = os.fsync, lambda _: None
        try:
            return super().keep()
        finally:
            os.fsync = flush


@dataclass
class Git:
    """Git's index in a repository beside the workspace."""

    workspace: Path
    repository: Path
    settings: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._run("init", "-q")

    def _run(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_DIR": str(self.repository),
            "GIT_WORK_TREE": str(self.workspace),
        }
        flags = [part for setting in ("gc.auto=0", *self.settings) for part in ("-c", setting)]
        argv = ["git", *flags, *arguments]
        return subprocess.run(
            argv, cwd=self.workspace, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def keep(self) -> str:
        """Keep the present state; its tree."""
        self._run("add", "-A")
        return self._run("write-tree").strip()

    def back(self, to: str) -> None:
        """Reset the index and the files."""
        self._run("read-tree", "--reset", "-u", to)


@dataclass
class Copies:
    """One whole copy a state, by a command that is given source and target."""

    workspace: Path
    directory: Path
    argv: tuple[str, ...]
    afresh: bool
    """The target must not be there."""

    def keep(self) -> str:
        """Copy all to the one target."""
        target = self.directory / "copy"
        if self.afresh:
            shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True, exist_ok=True)
        subprocess.run([*self.argv, f"{self.workspace}/.", str(target)], check=True)
        return str(target)

    def back(self, to: str) -> None:
        """Copy all back."""
        subprocess.run([*self.argv, f"{to}/.", str(self.workspace)], check=True)


@dataclass
class Times:
    """Milliseconds of each step of one tool."""

    first: list[float] = field(default_factory=list[float])
    unchanged: list[float] = field(default_factory=list[float])
    """Nothing was written for two seconds."""
    unchanged_since: list[float] = field(default_factory=list[float])
    """Right after files were written: those are looked at twice."""
    changed: list[float] = field(default_factory=list[float])
    back: list[float] = field(default_factory=list[float])


def make_workspace(root: Path, *, files: int) -> None:
    """Small source files, about fourteen a directory."""
    for at in range(files):
        path = root / f"d{at // 100:04d}" / f"s{at % 7}" / f"f{at}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# file {at}\n" * (20 + at % 50))


def measure(keeper: Keeper, workspace: Path, *, rounds: int) -> Times:
    """Times of one tool."""
    times = Times()
    paths = sorted(workspace.rglob("*.py"))
    times.first.append(_timed(keeper.keep)[0])
    _let_times_settle()
    keeper.keep()
    times.unchanged += [_timed(keeper.keep)[0] for _ in range(rounds)]
    for number in range(rounds):
        kept = keeper.keep()
        for path in paths[number :: max(1, len(paths) // CHANGED)][:CHANGED]:
            path.write_text(f"changed {time.time_ns()}\n")
        # A copy that is overwritten has nothing to go back to: it goes back to what it just kept.
        times.changed.append(_timed(keeper.keep)[0])
        times.back.append(_timed(lambda kept=kept: keeper.back(kept))[0])
        keeper.keep()
        times.unchanged_since.append(_timed(keeper.keep)[0])
    return times


def _let_times_settle() -> None:
    time.sleep(2.1)  # what is younger is looked at twice, by git and by us


def _timed(step: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    outcome = step()
    return (time.perf_counter() - began) * 1e3, outcome


def percentile(times: Sequence[float], percent: int) -> float:
    """The value that this share of the times does not exceed."""
    return times[0] if len(times) == 1 else statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def keepers(workspace: Path, directory: Path) -> dict[str, Keeper]:
    """All tools; the second is the peer of the ratios."""

    def ours(kind: type[Ours], name: str) -> Ours:
        return kind(Checkpoints(workspace, directory / name, limi_home=directory / "home", secrets=tuple))

    found: dict[str, Keeper] = {
        "checkpoints": ours(Ours, "ours.git"),
        "git add + write-tree": Git(workspace, directory / "plain.git"),
        "git, untracked cache": Git(workspace, directory / "cache.git", ("core.untrackedCache=true",)),
        "git, flushed in batches": Git(
            workspace, directory / "batch.git", ("core.fsync=all", "core.fsyncMethod=batch")
        ),
        "checkpoints, not flushed": ours(Unflushed, "unflushed.git"),
        "cp -a": Copies(workspace, directory / "cp", ("cp", "-a"), afresh=True),
    }
    if shutil.which("rsync"):
        found["rsync -a --delete"] = Copies(workspace, directory / "rsync", ("rsync", "-a", "--delete"), afresh=False)
    return found


def show(measured: dict[str, Times]) -> None:
    """Print one table a step."""
    peer = measured["git add + write-tree"]
    steps: tuple[tuple[str, Callable[[Times], list[float]]], ...] = (
        ("first", lambda times: times.first),
        ("unchanged", lambda times: times.unchanged),
        ("unchanged since a moment ago", lambda times: times.unchanged_since),
        ("10 changed", lambda times: times.changed),
        ("back from 10 changed", lambda times: times.back),
    )
    for step, of in steps:
        base = percentile(of(peer), 50)
        goal = GOALS.get(step)
        print_table(
            f"{step}, ms" + (f" (goal: checkpoints p95 <= {goal:g})" if goal else ""),
            ("tool", "p50", "p95", "ratio to git p50"),
            [
                (name, percentile(of(times), 50), percentile(of(times), 95), percentile(of(times), 50) / base)
                for name, times in measured.items()
            ],
        )


def refusals(directory: Path, *, files: int) -> list[tuple[object, ...]]:
    """How long workspaces take that are too large to be kept."""
    rows: list[tuple[object, ...]] = []
    many = directory / "many"
    make_workspace(many, files=files)
    large = directory / "large"
    large.mkdir()
    for number in range(560):
        with (large / f"{number}").open("wb") as stream:
            stream.truncate(9_000_000)
    for name, workspace in ((f"{files:,} files", many), ("5 GB in 560 files", large)):
        checkpoints = Checkpoints(
            workspace, directory / f"{workspace.name}.git", limi_home=directory / "home", secrets=tuple
        )
        first, taken = _timed(checkpoints.take)
        rows.append((name, first, _timed(checkpoints.take)[0], getattr(taken, "skipped", "")))
        shutil.rmtree(workspace)
    return rows


def main() -> int:
    """Measure all tools and print the tables."""
    parser = argparse.ArgumentParser(description="Time checkpoints of a workspace beside git and copying.")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--refused", type=int, default=200_000, help="files of the workspace that is too large")
    parser.add_argument("--directory", type=Path, help="on the disk to measure; default: that of temporary files")
    chosen = parser.parse_args()
    measured: dict[str, Times] = {}
    with tempfile.TemporaryDirectory(dir=chosen.directory) as name:
        directory = Path(name).resolve()
        workspace = directory / "workspace"
        make_workspace(workspace, files=chosen.files)
        _let_times_settle()
        for tool, keeper in keepers(workspace, directory).items():
            rounds = min(chosen.rounds, _COPIED_ROUNDS) if isinstance(keeper, Copies) else chosen.rounds
            measured[tool] = measure(keeper, workspace, rounds=rounds)
        refused = refusals(directory, files=chosen.refused)
    print(machine_line())
    print(f"{chosen.files:,} files, {CHANGED} changed in each of {chosen.rounds} rounds")
    show(measured)
    print_table("A workspace that is too large, ms", ("workspace", "first", "then", "told"), refused)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

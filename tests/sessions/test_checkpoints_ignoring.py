"""Ignore rules are git's: compared with the git program."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limi_sessions.checkpoints.ignoring import Ignoring, parse

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

PATTERNS = st.lists(
    st.text(alphabet="ab.*?[]!-\\/# ^é", min_size=1, max_size=9)
    | st.sampled_from(
        [
            "**/b",
            "a/**",
            "a/**/b",
            "**",
            "/**/",
            "*.b",
            "!*.b",
            "/a",
            "a/",
            "a/b",
            "[!a]",
            "[^a]b",
            "[[:alpha:]]",
            "[a-c]x",
            "[]a]",
            "[a",
            "a\\",
            "\\!a",
            "\\#",
            "a ",
            "a\\ ",
            "#a",
            "a\r",
            "[\\]]",
            "[a-]",
            "***/b",
            "[[:nope:]]",
            "a[/]b",
            "!a",
            "b/*",
            "!b/a",
        ]
    ),
    max_size=6,
)
PARTS = st.sampled_from(["a", "b", "ab", "a.b", "x", "!a", "#", "a ", "é", "ax", "]", "a\\", "-", "[a"])
PATHS = st.lists(st.tuples(st.lists(PARTS, min_size=1, max_size=3), st.booleans()), min_size=1, max_size=8)


def _git(root: Path, *arguments: str, given: bytes = b"") -> bytes:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    ran = subprocess.run(["git", *arguments], cwd=root, env=environment, input=given, capture_output=True, check=False)
    assert ran.returncode in {0, 1}, ran.stderr
    return ran.stdout


def _ours(rules: list[tuple[str, bytes]], path: str, *, directory: bool) -> bool:
    """As git's, which asks for every directory above first."""
    parts = path.split("/")
    ignoring = Ignoring()
    by_directory = dict(rules)
    for depth in range(len(parts)):
        above = "/".join(parts[:depth])
        if above in by_directory:
            ignoring = ignoring.extended(above, by_directory[above])
        if ignoring.ignores("/".join(parts[: depth + 1]), directory=directory or depth < len(parts) - 1):
            return True
    return False


def _quirk(pattern: str) -> bool:
    """Git takes what stands before the first special sign literally, so ``a**/b`` means ``a`` and then ``**/b``."""
    first = next((at for at, sign in enumerate(pattern) if sign in "*?[\\"), len(pattern))
    return "/" in pattern.rstrip("/") and first > 0 and pattern[first - 1] != "/" and pattern[first : first + 2] == "**"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(top=PATTERNS, inner=PATTERNS, paths=PATHS)
def test_rules_are_those_of_git(top: list[str], inner: list[str], paths: list[tuple[list[str], bool]]) -> None:
    texts = [[pattern for pattern in each if not _quirk(pattern.lstrip("!"))] for each in (top, inner)]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        _git(root, "init", "-q")
        (root / "a").mkdir()
        rules = [("", "\n".join(texts[0]).encode()), ("a", "\n".join(texts[1]).encode())]
        for directory, content in rules:
            (root / directory / ".gitignore").write_bytes(content)
        wanted: dict[str, bool] = {}
        for parts, is_directory in paths:
            path = root.joinpath(*parts)
            if any(parent.is_file() for parent in path.parents) or path.exists():
                continue
            if is_directory:
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            wanted["/".join(parts)] = is_directory
        given_paths = b"".join(os.fsencode(path) + b"\0" for path in wanted)
        told = _git(root, "check-ignore", "--no-index", "-z", "--stdin", given=given_paths)
        ignored = set(os.fsdecode(told).split("\0")) - {""}
        for path, is_directory in wanted.items():
            assert (path in ignored) == _ours(rules, path, directory=is_directory), (path, texts)


def test_no_pattern_goes_back_and_forth() -> None:
    rules = parse(b"*a" * 60 + b"b\n" + b"**/" * 40 + b"x\n")
    name = b"a" * 255
    assert not any(rule.matches((name,) * 200) for rule in rules)

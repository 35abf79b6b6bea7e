from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

from limi_sessions.records.message import ToolCall
from limi_sessions.records.value import JsonObject
from limi_sessions.tools import searching
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.tool import ToolContext, ToolResult
from limi_sessions.tools.toolbox import Toolbox
from limi_sessions.tools.walking import GlobPattern

BOX = Toolbox.for_profile("limi")


async def _nobody(question: str, options: Sequence[str]) -> str | None:
    return None


async def _no_todos(todos: tuple[JsonObject, ...]) -> None:
    raise AssertionError("no todo was expected")


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    work = tmp_path / "work"
    for path, text in {
        "a.py": "import os\nprint('one')\n",
        "src/b.py": "print('two')\r\nx = 1\n",
        "src/deep/c.ts": "print('three')\n",
        "src/deep/d.txt": "nothing\n",
        ".git/config": "print\n",
        "node_modules/m.js": "print\n",
        "src/__pycache__/b.py": "print\n",
    }.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(text.encode())
    (work / "blob.py").write_bytes(b"print\0")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.py").write_text("print('secret')\n")
    (work / "out").symlink_to(tmp_path / "outside")
    (work / "link.py").symlink_to(tmp_path / "outside" / "secret.py")
    return ToolContext(
        workspace=work,
        artifacts=tmp_path / "artifacts",
        shell=None,
        lease_epoch=lambda: 1,
        ask=_nobody,
        write_todos=_no_todos,
    )


async def _call(context: ToolContext, name: str, **arguments: object) -> ToolResult:
    checked = BOX.check(ToolCall(call_id="c", name=name, arguments=json.dumps(arguments)))
    assert not checked.problem
    return await BOX.run(checked, context)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "src/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "x/y/a.py", True),
        ("src/**", "src/x/y", True),
        ("src/**/c.ts", "src/c.ts", True),
        ("src/**/c.ts", "other/c.ts", False),
        ("*.{ts,tsx}", "a.tsx", True),
        ("{a,b}/{c,d}.py", "b/c.py", True),
        ("[ab].py", "b.py", True),
        ("?.py", "ab.py", False),
        (".*", ".env", True),
        ("**/x/**/y", "x/y", True),
        ("a.{py}", "a.{py}", True),
    ],
)
def test_glob_patterns_match_paths(pattern: str, path: str, matches: bool) -> None:
    assert GlobPattern(pattern).matches(PurePosixPath(path)) is matches


def test_glob_patterns_cannot_explode() -> None:
    began = time.monotonic()
    assert not GlobPattern("*a" * 100 + "b").matches(PurePosixPath("a" * 255))
    assert not GlobPattern("**/" * 100 + "b").matches(PurePosixPath("/".join("a" * 500)))
    with pytest.raises(ToolRefused, match="alternatives"):
        GlobPattern("{a,b}" * 20)
    assert time.monotonic() - began < 10


async def test_glob_lists_files_sorted_and_stays_inside(context: ToolContext) -> None:
    result = await _call(context, "glob", pattern="**/*.py")
    assert result.text == "[3 files of **/*.py]\na.py\nblob.py\nsrc/b.py"
    below = await _call(context, "glob", pattern="**/*", dir_path="src/deep")
    assert below.text == "[2 files of **/*]\nsrc/deep/c.ts\nsrc/deep/d.txt"
    inside_skipped = await _call(context, "glob", pattern="*", dir_path="node_modules")
    assert "node_modules/m.js" in inside_skipped.text
    absolute = await _call(context, "glob", pattern=f"{context.workspace}/src/*.py")
    assert absolute.text.endswith("\nsrc/b.py")


@pytest.mark.parametrize(
    ("pattern", "dir_path"), [("../*", "."), ("/etc/*", "."), ("*", ".."), ("*", "out"), ("*", "/etc"), ("*", "a.py")]
)
async def test_glob_and_search_outside_are_refused(context: ToolContext, pattern: str, dir_path: str) -> None:
    assert (await _call(context, "glob", pattern=pattern, dir_path=dir_path)).status == "error"
    if dir_path != ".":
        found = await _call(context, "search_file_content", pattern="secret", dir_path=dir_path)
        assert found.status == "error" and "print" not in found.text


async def test_search_finds_lines_and_stays_inside(context: ToolContext) -> None:
    result = await _call(context, "search_file_content", pattern=r"print\('(\w+)'\)$")
    assert result.text == (
        "[3 matching lines in . (4 files searched, 1 binary, large or unreadable skipped)]\n"
        "a.py:2:print('one')\nsrc/b.py:1:print('two')\nsrc/deep/c.ts:1:print('three')"
    )
    only = await _call(context, "search_file_content", pattern="print", include="*.{ts,tsx}", dir_path="src")
    assert only.text.split("\n")[1:] == ["src/deep/c.ts:1:print('three')"]
    none = await _call(context, "search_file_content", pattern="PRINT")
    assert none.text.startswith("[no matches in . (4 files searched")


async def test_a_broken_expression_is_explained(context: ToolContext) -> None:
    result = await _call(context, "search_file_content", pattern="(unclosed")
    assert result.status == "error"
    assert "no valid regular expression" in result.text and "unterminated" in result.text


async def test_a_catastrophic_expression_is_stopped_and_its_child_is_gone(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SEARCH_SECONDS", 3.0)
    (context.workspace / "zz.txt").write_text("a" * 5000 + "!\n")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticker = asyncio.create_task(tick())
    began = time.monotonic()
    result = await _call(context, "search_file_content", pattern="(a+)+$|print")
    ticker.cancel()
    assert time.monotonic() - began < 10
    assert ticks > 20, "the event loop stood still"
    assert "stopped after 3 s" in result.text
    assert "a.py:2:print('one')" in result.text, "what was found before the stop is lost"
    assert not _children()


async def test_a_cancelled_search_leaves_no_child(context: ToolContext) -> None:
    (context.workspace / "long.txt").write_text("a" * 5000 + "!\n")
    search = asyncio.create_task(_call(context, "search_file_content", pattern="(a+)+$"))
    while not _children():
        await asyncio.sleep(0.005)
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    assert not _children()


async def test_an_expression_that_eats_memory_is_stopped(context: ToolContext) -> None:
    result = await _call(context, "search_file_content", pattern="(((x{1,9999}){1,9999}){1,9999}){1,9999}")
    assert result.status in {"done", "error"}
    assert not _children()


async def test_answers_are_bounded(context: ToolContext) -> None:
    (context.workspace / "many.txt").write_text("hit\n" * 5000 + "x" * 3000 + "needle" + "y" * 3000)
    result = await _call(context, "search_file_content", pattern="hit")
    assert result.text.count("many.txt:") == searching.MOST_FOUND
    assert "stopped after 1000 lines" in result.text
    needle = await _call(context, "search_file_content", pattern="needle")
    line = needle.text.split("\n")[1]
    assert "needle" in line and len(line) < 600


def _children() -> list[str]:
    """Command lines of live children of this process that search."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or f"PPid:\t{os.getpid()}\n" not in (entry / "status").read_text():
                continue
            line = (entry / "cmdline").read_text()
        except OSError:
            continue
        if "search_worker" in line:
            found.append(line)
    return found

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.records.message import ToolCall
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.refusal import ToolRefused
from limi_sessions.tools.tool import Preview, ToolContext, ToolResult
from limi_sessions.tools.toolbox import Toolbox
from limi_sessions.tools.writing import replaced

Call = Callable[..., Awaitable[ToolResult]]
BOX = Toolbox.for_profile("limi")


async def _nobody(question: str, options: Sequence[str]) -> str | None:
    return None


async def _no_todos(todos: tuple[JsonObject, ...]) -> None:
    raise AssertionError("no todo was expected")


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    (tmp_path / "work").mkdir()
    return ToolContext(
        workspace=tmp_path / "work",
        artifacts=tmp_path / "session" / "artifacts",
        shell=None,
        lease_epoch=lambda: 1,
        ask=_nobody,
        write_todos=_no_todos,
    )


@pytest.fixture
def work(context: ToolContext) -> Path:
    return context.workspace


@pytest.fixture
def call(context: ToolContext) -> Call:
    async def run(name: str, **arguments: object) -> ToolResult:
        checked = BOX.check(ToolCall(call_id="c", name=name, arguments=json.dumps(arguments)))
        assert not checked.problem
        return await BOX.run(checked, context)

    return run


async def _preview(context: ToolContext, name: str, **arguments: object) -> Preview:
    return await BOX.preview(BOX.check(ToolCall(call_id="c", name=name, arguments=json.dumps(arguments))), context)


async def test_a_file_is_read_verbatim(call: Call, work: Path) -> None:
    (work / "a.txt").write_bytes("one\r\ntwo\x1b[31m\u2028three\n漢".encode())
    result = await call("read_file", file_path="a.txt")
    assert result.status == "done"
    assert result.text == "one\r\ntwo\x1b[31m\u2028three\n漢"


async def test_a_range_of_lines_names_itself(call: Call, work: Path) -> None:
    (work / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 11)))
    assert (await call("read_file", file_path="a.txt", start_line=3, end_line=4)).text == (
        "[a.txt: lines 3-4 of 10]\nline 3\nline 4\n"
    )
    assert (await call("read_file", file_path="a.txt", start_line=10)).text == "[a.txt: lines 10-10 of 10]\nline 10\n"
    assert (await call("read_file", file_path="a.txt", end_line=1)).text == "[a.txt: lines 1-1 of 10]\nline 1\n"
    beyond = await call("read_file", file_path="a.txt", start_line=11, end_line=12)
    assert beyond.status == "error" and "has 10 lines" in beyond.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x7fELF\x02\x01\x01\0\0", "ELF program"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG image"),
        ("text".encode("utf-16"), "UTF-16 text"),
        (bytes(range(128, 256)) * 4, "unknown type"),
    ],
)
async def test_a_binary_file_is_named_by_size_and_kind(call: Call, work: Path, content: bytes, words: str) -> None:
    (work / "blob").write_bytes(content)
    result = await call("read_file", file_path="blob")
    assert result.status == "error"
    assert f"binary: {len(content):,} bytes" in result.text and words in result.text


async def test_other_encodings_are_read_and_said(call: Call, work: Path) -> None:
    (work / "bom.txt").write_bytes(b"\xef\xbb\xbfhello\n")
    assert (await call("read_file", file_path="bom.txt")).text == "[bom.txt: UTF-8 with byte order mark]\nhello\n"
    (work / "latin.txt").write_bytes("grüße aus köln, schöne grüße".encode("latin-1"))
    latin = (await call("read_file", file_path="latin.txt")).text
    assert latin.startswith("[latin.txt: not UTF-8: 6 places") and "aus k\ufffdln" in latin
    (work / "empty").touch()
    assert (await call("read_file", file_path="empty")).text == "[empty: the file is empty]\n"


async def test_missing_files_and_directories_are_plain_errors(call: Call, work: Path) -> None:
    for name, path in (("read_file", "nope"), ("read_file", "."), ("list_directory", "nope"), ("list_directory", "f")):
        (work / "f").touch()
        key = "file_path" if name == "read_file" else "dir_path"
        result = await call(name, **{key: path})
        assert result.status == "error" and path in result.text, result


async def test_many_files_are_read_by_pattern_and_path(call: Call, work: Path) -> None:
    (work / "src").mkdir()
    (work / "src" / "a.py").write_text("A = 1\n")
    (work / "src" / "b.py").write_text("B = 2")
    (work / "odd[1].txt").write_text("odd\n")
    (work / "blob").write_bytes(b"\0")
    paths = ["src/*.py", "src/a.py", "odd[1].txt", "blob", "gone", "*.rs"]
    result = await call("read_many_files", paths=paths)
    assert result.text == (
        "[5 files; no files match *.rs]\n--- src/a.py ---\nA = 1\n--- src/b.py ---\nB = 2\n--- odd[1].txt ---\nodd\n"
        "--- blob ---\n[not read: blob is binary: 1 bytes, of unknown type]\n"
        "--- gone ---\n[not read: No such file or directory]"
    )


async def test_a_directory_lists_kinds(call: Call, work: Path) -> None:
    (work / "b.txt").write_text("12345")
    (work / "dir").mkdir()
    (work / "a_link").symlink_to("/etc/passwd")
    os.mkfifo(work / "pipe")
    assert (await call("list_directory", dir_path=".")).text == (
        "[.: 4 names]\ndir/\na_link -> /etc/passwd\nb.txt (5 bytes)\npipe (no regular file)"
    )


async def test_a_name_that_is_not_utf8_can_be_stored(call: Call, work: Path) -> None:
    (work / os.fsdecode(b"caf\xe9")).touch()
    result = await call("list_directory", dir_path=".")
    assert "caf\\udce9 (0 bytes)" in result.text
    result.text.encode()


async def test_a_file_is_written_exactly(call: Call, work: Path) -> None:
    content = "a\r\nb\tc\u202e\n"
    result = await call("write_file", file_path="new/dir/x.txt", content=content)
    assert (work / "new/dir/x.txt").read_bytes() == content.encode()
    assert result.text == f"created new/dir/x.txt ({len(content.encode())} bytes, 2 lines)"
    again = await call("write_file", file_path="new/dir/x.txt", content="")
    assert again.text == "overwrote new/dir/x.txt (0 bytes, 0 lines)"


async def test_half_a_surrogate_pair_is_refused(call: Call, work: Path) -> None:
    result = await call("write_file", file_path="x", content="a\ud800")
    assert result.status == "error" and "surrogate" in result.text
    assert not (work / "x").exists()


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.py", "def f():\n    return 1\n", "syntax: ok"),
        ("a.py", "x = 1\nd = (\n", "syntax: line 2: '(' was never closed"),
        ("a.py", "(" * 5000, "syntax: line 1: too many nested parentheses"),
        ("a.json", '{"a": [1,\n2}', "syntax: line 2: Expecting ',' delimiter"),
        ("a.json", "[" * 200_000, "syntax: not checked: nested too deeply"),
        ("a.yaml", "a: !Ref b\n---\nc: 1\n", "syntax: ok"),
        ("a.yml", "a: 1\n b: 2\n", "syntax: line 2: mapping values are not allowed here"),
        ("a.toml", "a = 1\nb = [\n", "syntax: line 3: Invalid value (at end of document)"),
        ("a.sh", "for i in 1 2; do echo $i; done\n", "syntax: ok"),
        ("a.sh", "echo ok\nif true; then\n", "syntax: line 3: unexpected end of file"),
    ],
)
async def test_what_was_written_is_parsed(call: Call, name: str, content: str, line: str) -> None:
    text = (await call("write_file", file_path=name, content=content)).text
    assert text.split("\n")[1].startswith(line)


async def test_a_syntax_check_executes_nothing(call: Call, work: Path) -> None:
    marker = work / "executed"
    await call("write_file", file_path="a.sh", content=f"touch {marker}\n$(touch {marker})\n")
    await call("write_file", file_path="a.py", content=f"open({str(marker)!r}, 'w')\n")
    await call("write_file", file_path="a.yaml", content=f"!!python/object/apply:os.mknod ['{marker}']\n")
    assert not marker.exists()


async def test_replace_changes_one_place_and_checks_it(call: Call, work: Path) -> None:
    (work / "a.py").write_text("x = 1\ny = 2\n")
    result = await call("replace", file_path="a.py", old_string="y = 2", new_string="y = (")
    assert (work / "a.py").read_text() == "x = 1\ny = (\n"
    assert result.text == "changed a.py in 1 place (line 2)\nsyntax: line 2: '(' was never closed"


async def test_replace_tells_how_many_and_where(call: Call, work: Path) -> None:
    (work / "a.txt").write_text("x\ny\nx\nx\n")
    result = await call("replace", file_path="a.txt", old_string="x", new_string="z")
    assert result.status == "error"
    assert "a.txt: old_string occurs 3 times (lines 1, 3, 4)" in result.text
    done = await call("replace", file_path="a.txt", old_string="x", new_string="z", allow_multiple=True)
    assert done.text == "changed a.txt in 3 places (lines 1, 3, 4)"
    assert (work / "a.txt").read_text() == "z\ny\nz\nz\n"


async def test_replace_says_why_nothing_changed(call: Call, work: Path) -> None:
    (work / "a.py").write_text("def f():\n\treturn  1\n")
    same = await call("replace", file_path="a.py", old_string="f", new_string="f")
    assert same.status == "error" and "the same" in same.text
    spaces = await call("replace", file_path="a.py", old_string="    return 1", new_string="x")
    assert "line 2 differs" in spaces.text
    other = await call("replace", file_path="a.py", old_string="nowhere", new_string="x")
    assert "does not occur" in other.text
    gone = await call("replace", file_path="gone.py", old_string="a", new_string="x")
    assert gone.status == "error" and "No such file" in gone.text


async def test_replace_keeps_bytes_that_are_not_utf8(call: Call, work: Path) -> None:
    (work / "a.txt").write_bytes(b"\xef\xbb\xbfcaf\xe9 one\r\ntwo\r\n")
    await call("replace", file_path="a.txt", old_string="one\ntwo", new_string="1\n2\n3")
    assert (work / "a.txt").read_bytes() == b"\xef\xbb\xbfcaf\xe9 1\r\n2\r\n3\r\n"


_LINES = st.lists(st.text(alphabet="abx \t", max_size=4), min_size=1, max_size=8)


@given(lines=_LINES, old=st.text(alphabet="abx\n", min_size=1, max_size=4), new=st.text(alphabet="yz\n", max_size=4))
def test_replace_agrees_with_str_replace_and_keeps_line_ends(lines: list[str], old: str, new: str) -> None:
    text = "\n".join(lines)
    count = text.count(old)
    for ending in ("\n", "\r\n"):
        file = text.replace("\n", ending)
        try:
            after, _, places = replaced(file, old, new, allow_multiple=False)
        except ToolRefused:
            assert count != 1 or old == new
            continue
        assert (places, count) == (1, 1) and old != new
        ends_mixed = ending == "\r\n" and "\n" not in text
        assert after == text.replace(old, new).replace("\n", "\n" if ends_mixed else ending)


async def test_the_preview_of_a_change_is_its_diff(context: ToolContext, work: Path) -> None:
    (work / "a.txt").write_text("".join(f"{n}\n" for n in range(1, 21)))
    shown = await _preview(context, "replace", file_path="a.txt", old_string="10\n", new_string="ten\u202e\x1b\n")
    assert shown.title == "change a.txt" and shown.form == "diff"
    assert shown.body == ("--- a/a.txt\n+++ b/a.txt\n@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten<U+202E>␛\n 11\n 12\n 13")
    assert [s.suspicion for s in shown.suspicious] == ["bidi", "control"]
    assert (work / "a.txt").read_text().splitlines()[9] == "10"


async def test_the_preview_of_a_new_file_and_of_a_doomed_call(context: ToolContext) -> None:
    new = await _preview(context, "write_file", file_path="n.txt", content="a")
    assert new.body == "--- /dev/null\n+++ b/n.txt\n@@ -0,0 +1,1 @@\n+a\n\\ No newline at end of file"
    doomed = await _preview(context, "write_file", file_path="../n.txt", content="a")
    assert doomed.title == "write_file: would fail" and ".." in doomed.body


async def test_the_preview_of_a_huge_change_is_bounded(context: ToolContext, work: Path) -> None:
    (work / "big.txt").write_text("".join(f"old {n}\n" for n in range(60_000)))
    content = "".join(f"new {n}\n" for n in range(60_000)) + "x" * 1_000_000
    shown = await asyncio.wait_for(_preview(context, "write_file", file_path="big.txt", content=content), 10)
    assert len(shown.body) < 100_000
    assert "more lines of this diff are not shown" in shown.body

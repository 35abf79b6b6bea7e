from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from limi_tui.widgets.transcript_blocks import ToolBlock, told_arguments
from limi_tui.widgets.transcript_code import highlighted
from limi_tui.widgets.transcript_index import HeightIndex, Place
from limi_tui.widgets.transcript_layout import Shape, block_rows
from limi_tui.widgets.transcript_markdown import MarkdownFeed
from limi_tui.widgets.transcript_rows import Row, Span, TextLine, wrap

MARKDOWN_PIECES = st.lists(
    st.sampled_from(
        ["# h", "\n", "\n\n", "```python\n", "```", "def f():", "| a | b |\n", "|---|---|\n", "**b", "**", "`", "- x"]
    ),
    max_size=30,
).map("".join)


def texts(rows: list[Row]) -> list[str]:
    return [row.text for row in rows]


@given(st.text(alphabet="ab c漢字、é\u0301-", max_size=120), st.integers(10, 40), st.booleans())
def test_wrapped_rows_fit_and_join_to_the_line(text: str, width: int, fold: bool) -> None:
    rows = wrap(TextLine((Span(text),), fold=fold), width)
    assert "".join((row.glue or "") + row.text for row in rows).rstrip() == text.rstrip()
    assert all(cell_len(row.text.rstrip()) <= width for row in rows)


def test_wide_characters_wrap_by_cells_and_a_closing_mark_begins_no_row() -> None:
    rows = wrap(TextLine((Span("漢字仮名交、じり文"),)), 10)
    assert texts(rows) == ["漢字仮名", "交、じり文"]


@given(st.lists(st.integers(0, 5), max_size=60), st.data())
def test_the_height_index_finds_every_row(heights: list[int], data: st.DataObject) -> None:
    index = HeightIndex()
    for height in heights:
        index.append(height)
    for _ in range(5):
        if heights:
            block = data.draw(st.integers(0, len(heights) - 1))
            heights[block] = data.draw(st.integers(0, 5))
            index.set(block, heights[block])
    rows = [Place(block, row) for block, height in enumerate(heights) for row in range(height)]
    assert [index.place(row) for row in range(index.total)] == rows
    assert index.place(index.total).block == len(heights) or 0 in heights


@settings(deadline=None)
@given(MARKDOWN_PIECES, st.data())
def test_markdown_is_the_same_in_pieces_of_any_size(text: str, data: st.DataObject) -> None:
    whole = MarkdownFeed()
    whole.feed(text)
    whole.finish()
    pieces, at, seen = MarkdownFeed(), 0, []
    while at < len(text):
        size = data.draw(st.integers(1, 9))
        changed = pieces.feed(text[at : at + size])
        seen[changed:] = pieces.lines[changed:]
        assert seen == pieces.lines
        at += size
    changed = pieces.finish()
    seen[changed:] = pieces.lines[changed:]
    assert seen == pieces.lines == whole.lines


def test_markdown_marks_become_roles() -> None:
    feed = MarkdownFeed()
    feed.feed("# Head\nsome **bold** and `code`, snake_case_name, [site](http://x.y)\n- [x] done\n> said\n")
    feed.finish()
    spans = [span for line in feed.lines for span in line.spans]
    assert Span("Head", "heading") in spans
    assert Span("bold", "strong") in spans
    assert Span("code", "code") in spans
    assert Span(" (http://x.y)", "muted") in spans
    assert any("snake_case_name" in span.text for span in spans)
    assert feed.lines[2].lead[-1] == Span("☑ ", "mark")


def test_a_closed_fence_is_highlighted_as_a_whole() -> None:
    feed = MarkdownFeed()
    feed.feed('```python\nx = """one\nreturn"""\n```\n')
    assert ("return", "code-keyword") not in [tuple(span) for line in feed.lines for span in line.spans]


def test_code_that_is_too_long_to_be_highlighted_stays_plain() -> None:
    assert highlighted("return " + "x" * 2_000, "python") == ((Span("return " + "x" * 2_000),),)


def test_unclosed_marks_in_any_number_are_shown_as_they_are() -> None:
    for hostile in ("x " + "`" * 20_000, "[" * 20_000, "[a](" * 5_000, "*a " * 2_001):
        feed = MarkdownFeed()
        feed.feed(hostile)
        feed.finish()
        assert "".join(span.text for line in feed.lines for span in line.spans).startswith(hostile[:2])


def test_nothing_hidden_is_in_any_row() -> None:
    evil = "\x1b]52;c;AAAA\x07\u202e\u200b\x9b31m\U000e0041[@click=app.quit]x[/]"
    block = ToolBlock(
        evil, evil, '{"command": "' + evil.encode("unicode_escape").decode() + '"}', "done", output=evil, diff=evil
    )
    shown = "\n".join(texts(block_rows(block, Shape(60, opened=True))))
    assert not set(shown) & set("\x1b\x07\u202e\u200b\x9b\U000e0041")
    assert "␛]52" in shown
    assert "<U+202E>" in shown
    assert "[@click=app.quit]x[/]" in shown


def test_a_call_tells_its_most_telling_argument_and_survives_broken_json() -> None:
    assert told_arguments(ToolBlock("k", "t", '{"timeout_s": 3, "command": "ls"}')) == "ls"
    assert told_arguments(ToolBlock("k", "t", '{"command": "ls')) == '{"command": "ls'
    assert "[[" in "".join(texts(block_rows(ToolBlock("k", "t", "[" * 100_000), Shape(80))))


def test_a_one_line_form_fits_every_width_and_ends_with_the_state() -> None:
    block = ToolBlock("k", "run_shell_command", '{"command": "echo 漢字漢字漢字漢字漢字 && ls"}', "done", exit_code=2)
    for width in range(40, 140):
        (row,) = block_rows(block, Shape(width))
        assert cell_len(row.text) == width
        assert row.text.rstrip(" ▸").endswith("exit 2")


def test_long_output_is_capped_and_counted() -> None:
    block = ToolBlock("k", "t", "{}", "done", output="\n".join(map(str, range(1_000))))
    rows = block_rows(block, Shape(80, opened=True, limit=200))
    assert rows[-1].more
    assert "801 more lines" in rows[-1].text

from __future__ import annotations

import pytest
from conversation_apps import CONVERSATION, DIFF, TranscriptApp
from textual import events
from textual.pilot import Pilot

from limi_tui.widgets.transcript import Transcript
from limi_tui.widgets.transcript_blocks import AgentBlock, NoticeBlock, ToolBlock, UserBlock

LINES = tuple(NoticeBlock(f"n{number}", "note", f"line {number}") for number in range(300))


async def settled(pilot: Pilot[None], transcript: Transcript) -> None:
    """Wait until all heights are exact and nothing streams."""
    for _ in range(400):
        await pilot.pause(0.01)
        if transcript.settled:
            return
    raise AssertionError("the transcript never settled")


async def test_an_empty_transcript_says_what_to_do() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 10)):
        assert "Write to the agent below." in app.shown()[0]


async def test_the_tail_is_followed_until_the_reader_scrolls_up() -> None:
    app = TranscriptApp(LINES)
    async with app.run_test(size=(60, 10)) as pilot:
        transcript = app.transcript
        await settled(pilot, transcript)
        assert app.shown()[-1].endswith("line 299")
        await pilot.press("pageup")
        top = app.shown()[0]
        transcript.append(NoticeBlock("new", "note", "news"))
        await settled(pilot, transcript)
        assert app.shown()[0] == top
        assert "↓ 1 new" in app.shown()[-1]
        await pilot.press("end")
        await settled(pilot, transcript)
        assert app.shown()[-1].endswith("news")
        assert transcript.follow


async def test_text_that_grows_below_the_view_is_announced() -> None:
    app = TranscriptApp(LINES)
    async with app.run_test(size=(60, 10)) as pilot:
        app.transcript.stream_text("s", "a")
        await settled(pilot, app.transcript)
        await pilot.press("pageup")
        top = app.shown()[0]
        app.transcript.stream_text("s", "\n".join("more"))
        await settled(pilot, app.transcript)
        assert app.shown()[0] == top
        assert "↓ more new" in app.shown()[-1]


async def test_the_wheel_leaves_and_regains_the_tail() -> None:
    app = TranscriptApp(LINES)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(pilot, app.transcript)
        await pilot._post_mouse_events([events.MouseScrollUp], Transcript, button=0)
        assert not app.transcript.follow
        app.transcript.scroll_end(animate=False)
        await settled(pilot, app.transcript)
        assert app.transcript.follow


async def test_a_resize_keeps_what_is_read_in_view() -> None:
    blocks = tuple(AgentBlock(f"a{number}", f"block {number} " + "word " * 60) for number in range(200))
    app = TranscriptApp(blocks)
    async with app.run_test(size=(100, 20)) as pilot:
        await settled(pilot, app.transcript)
        app.transcript.point_to(100)
        await settled(pilot, app.transcript)
        app.transcript.scroll_to(y=app.transcript.book.index.top(100), animate=False)
        for width in (50, 130, 43):
            await pilot.resize_terminal(width, 20)
            await settled(pilot, app.transcript)
            assert "block 100" in "\n".join(app.shown()[:3])
            exact = sum(len(app.transcript.book.rows(number)) for number in range(len(blocks)))
            assert app.transcript.virtual_size.height == exact


async def test_streamed_text_looks_like_the_whole_text() -> None:
    text = "# Head\n\nsome **bold** words\n\n- a\n- b\n\n```python\nx = 1\n```\ndone"
    streamed, whole = TranscriptApp(), TranscriptApp((AgentBlock("a", text),))
    async with whole.run_test(size=(60, 20)) as pilot:
        await settled(pilot, whole.transcript)
        expected = whole.shown()
    async with streamed.run_test(size=(60, 20)) as pilot:
        for at in range(0, len(text), 3):
            streamed.transcript.stream_text("a", text[at : at + 3])
        await settled(pilot, streamed.transcript)
        assert streamed.shown() == expected
        streamed.transcript.replace("a", AgentBlock("a", text))
        await settled(pilot, streamed.transcript)
        assert streamed.shown() == expected


async def test_reasoning_shows_its_last_rows_while_it_arrives_and_folds_when_done() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.stream_reasoning("r", "one\ntwo\nthree\nfour")
        await settled(pilot, app.transcript)
        assert [row.strip() for row in app.shown()[1:4]] == ["two", "three", "four"]
        block = app.transcript.book.block(0)
        app.transcript.replace("r", type(block)("r", "one\ntwo\nthree\nfour", seconds=2.0))
        await settled(pilot, app.transcript)
        assert "reasoning · 4 lines · 2.0 s" in app.shown()[0]
        assert not app.shown()[1]
        await pilot.press("enter")
        await settled(pilot, app.transcript)
        assert app.shown()[1].strip("▌ ") == "one"


async def test_enter_unfolds_the_block_at_the_cursor_and_folds_it_again() -> None:
    app = TranscriptApp(CONVERSATION)
    async with app.run_test(size=(90, 30)) as pilot:
        await settled(pilot, app.transcript)
        await pilot.press("end", "up", "k", "enter")
        await settled(pilot, app.transcript)
        shown = "\n".join(app.shown())
        assert "+    return list(path)" in shown
        assert "▌✓ replace" in shown
        await pilot.press("space")
        await settled(pilot, app.transcript)
        assert "+    return list(path)" not in "\n".join(app.shown())


async def test_more_lines_are_shown_on_m() -> None:
    output = "\n".join(f"row {number}" for number in range(1_000))
    app = TranscriptApp((ToolBlock("t", "read_file", "{}", "done", output=output),))
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.toggle("t")
        await settled(pilot, app.transcript)
        capped = app.transcript.virtual_size.height
        await pilot.press("m")
        await settled(pilot, app.transcript)
        assert capped < 210
        assert app.transcript.virtual_size.height > 1_000


async def test_a_click_unfolds_and_a_click_on_text_does_not() -> None:
    app = TranscriptApp((ToolBlock("t", "replace", "{}", "done", diff=DIFF),))
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot, app.transcript)
        await pilot.click(Transcript, offset=(10, 0))
        await settled(pilot, app.transcript)
        assert "return list(path)" in "\n".join(app.shown())
        await pilot.click(Transcript, offset=(10, 3))
        await settled(pilot, app.transcript)
        assert "return list(path)" in "\n".join(app.shown())


async def test_dragging_selects_text_across_wrapped_rows_without_the_gutter() -> None:
    words = " ".join(f"word{number:02d}" for number in range(20))
    app = TranscriptApp((AgentBlock("a", words), UserBlock("u", "second")))
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot, app.transcript)
        await pilot.mouse_down(Transcript, offset=(3, 0))
        await pilot.hover(Transcript, offset=(8, 4))
        await pilot.mouse_up(Transcript, offset=(8, 4))
        assert app.transcript.selected_text == words + "\n\nsecond"
        assert app.screen.get_selected_text() == words + "\n\nsecond"
        await pilot.press("y")
        await pilot.pause()
    (copied,) = app.posted
    assert isinstance(copied, Transcript.CopyRequested)
    assert copied.text == words + "\n\nsecond"


async def test_a_double_click_selects_a_word_and_a_triple_click_a_row() -> None:
    app = TranscriptApp((AgentBlock("a", "look at src/parser.py now"),))
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot, app.transcript)
        await pilot.double_click(Transcript, offset=(13, 0))
        assert app.transcript.selected_text == "src/parser.py"
        await pilot.triple_click(Transcript, offset=(13, 0))
        assert app.transcript.selected_text == "look at src/parser.py now"


async def test_y_copies_the_whole_block_made_visible() -> None:
    app = TranscriptApp((ToolBlock("t", "t", '{"command": "ls"}', "done", output="a\x1b[31m\u202e\tb\n"),))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("y")
        await pilot.pause()
    (copied,) = app.posted
    assert isinstance(copied, Transcript.CopyRequested)
    assert copied.text == "t ls\na␛[31m<U+202E>\tb\n"


async def test_a_search_goes_from_hit_to_hit_and_unfolds_them() -> None:
    blocks = (*LINES[:100], ToolBlock("t", "read_file", "{}", "done", output="a needle here"), *LINES[100:200])
    app = TranscriptApp((UserBlock("u", "Needle first"), *blocks))
    async with app.run_test(size=(60, 12)) as pilot:
        await settled(pilot, app.transcript)
        await pilot.press("slash", *"needle", "n", "backspace", "enter")
        await settled(pilot, app.transcript)
        assert "a needle here" in "\n".join(app.shown())
        assert "2 of 2 blocks" in app.shown()[-1]
        await pilot.press("N")
        await settled(pilot, app.transcript)
        assert "Needle first" in "\n".join(app.shown())
        await pilot.press("escape")
        assert "blocks" not in app.shown()[-1]


async def test_an_equal_key_is_refused_and_an_unknown_one_is_not_replaced() -> None:
    app = TranscriptApp(LINES[:1])
    async with app.run_test():
        with pytest.raises(KeyError):
            app.transcript.append(LINES[0])
        with pytest.raises(KeyError):
            app.transcript.replace("unknown", LINES[0])
        with pytest.raises(KeyError):
            app.transcript.toggle("unknown")


async def test_a_settled_transcript_paints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = TranscriptApp(CONVERSATION)
    async with app.run_test(size=(90, 30)) as pilot:
        transcript = app.transcript
        await settled(pilot, transcript)
        painted: list[int] = []
        render = transcript.render_line
        monkeypatch.setattr(transcript, "render_line", lambda y: painted.append(y) or render(y))
        transcript.replace("t4", CONVERSATION[-1])
        await settled(pilot, transcript)
        assert painted == []
        transcript.replace("t4", ToolBlock("t4", "run_shell_command", '{"command": "pytest -q"}', "started"))
        await settled(pilot, transcript)
        assert len(painted) <= 2


async def test_fold_all_and_unfold_all_reach_every_block() -> None:
    app = TranscriptApp(CONVERSATION)
    async with app.run_test(size=(90, 30)) as pilot:
        await settled(pilot, app.transcript)
        folded = app.transcript.book.index.total
        await pilot.press("Z")
        await settled(pilot, app.transcript)
        assert app.transcript.book.index.total > folded + 10
        await pilot.press("z")
        await settled(pilot, app.transcript)
        assert app.transcript.book.index.total == folded

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conversation_apps import ComposerApp
from textual import events
from textual.message import Message
from textual.pilot import Pilot

from limi_tui.widgets.composer import Composer
from limi_tui.widgets.composer_history import HistorySearch, PromptHistory
from limi_tui.widgets.composer_paste import FoldedPastes
from limi_tui.widgets.composer_text import ComposerText


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.query_one(ComposerText).post_message(events.Paste(text))
    await pilot.pause()


def submitted(posted: list[Message]) -> list[str]:
    return [message.text for message in posted if isinstance(message, Composer.Submitted)]


async def test_enter_sends_and_ctrl_j_shift_enter_and_alt_enter_begin_lines() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"one", "ctrl+j", *"two", "shift+enter", *"three", "alt+enter", *"four", "enter", *"next")
        await pilot.pause()
        assert submitted(app.posted) == ["one\ntwo\nthree\nfour"]
        assert app.composer.text == "next"


async def test_nothing_is_sent_when_there_is_nothing() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("space", "enter")
        await pilot.pause()
        assert app.posted == []


async def test_the_cursor_stands_behind_wide_characters() -> None:
    app = ComposerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        area = app.query_one(ComposerText)
        left = area.content_region.x
        for text, cells in (("漢字", 4), ("a漢", 3), ("한글x", 5), ("🙂b", 3), ("e\u0301", 1)):
            app.composer.text = ""
            for character in text:
                area.post_message(events.Key(character, character))
            await pilot.pause()
            assert area.text == text
            assert area.cursor_screen_offset.x - left == cells


async def test_wide_text_wraps_with_the_cursor() -> None:
    app = ComposerApp()
    async with app.run_test(size=(24, 12)) as pilot:
        app.composer.text = "漢" * 25
        await pilot.pause()
        area = app.query_one(ComposerText)
        wide = area.wrap_width // 2
        assert area.cursor_screen_offset.y - area.content_region.y == 25 // wide
        assert area.size.height == 25 // wide + 1


async def test_it_grows_from_one_row_to_ten() -> None:
    app = ComposerApp()
    async with app.run_test(size=(60, 30)) as pilot:
        area = app.query_one(ComposerText)
        heights: list[int] = []
        for lines in (1, 3, 10, 40):
            app.composer.text = "\n".join("x" * lines)
            await pilot.pause()
            heights.append(area.size.height)
        assert heights == [1, 3, 10, 10]


async def test_a_long_paste_is_folded_and_sent_whole() -> None:
    app = ComposerApp()
    pasted = "\n".join(f"line {number}" for number in range(312))
    async with app.run_test() as pilot:
        await pilot.press(*"see ")
        await paste(pilot, pasted)
        assert app.composer.text == "see [pasted 312 lines]"
        await paste(pilot, pasted.replace("line", "row"))
        assert app.composer.text == "see [pasted 312 lines][pasted 312 lines #2]"
        await pilot.press("backspace", "enter")
        await pilot.pause()
        assert submitted(app.posted) == [f"see {pasted}"]


async def test_a_short_paste_shows_what_it_hides() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await paste(pilot, "a\r\nb\x1b[31m\u202e")
        assert app.composer.text == "a\nb␛[31m<U+202E>"


def test_a_token_that_nobody_pasted_stays_text() -> None:
    assert FoldedPastes().expanded("[pasted 312 lines]") == "[pasted 312 lines]"


async def test_up_and_down_walk_the_history_and_come_back_to_the_draft() -> None:
    app = ComposerApp(("first", "second\nof two lines"))
    async with app.run_test() as pilot:
        await pilot.press(*"draft", "up")
        assert app.composer.text == "second\nof two lines"
        await pilot.press("up")
        assert app.composer.text == "second\nof two lines"
        await pilot.press("up")
        assert app.composer.text == "first"
        await pilot.press("up")
        assert app.composer.text == "first"
        await pilot.press("down", "down")
        assert app.composer.text == "draft"


async def test_ctrl_r_finds_older_and_older_and_escape_brings_the_draft_back() -> None:
    app = ComposerApp(("run the tests", "fix it", "run the linter"))
    async with app.run_test() as pilot:
        await pilot.press(*"draft", "ctrl+r", *"run")
        assert app.composer.text == "run the linter"
        await pilot.press("ctrl+r")
        assert app.composer.text == "run the tests"
        await pilot.press("escape")
        assert app.composer.text == "draft"
        await pilot.press("ctrl+r", *"fix", "enter")
        assert app.composer.text == "fix it"
        assert app.posted == []
        await pilot.press("enter")
        await pilot.pause()
        assert submitted(app.posted) == ["fix it"]


def test_the_history_keeps_one_of_two_equal_texts_and_no_empty_one() -> None:
    history = PromptHistory(["", " "])
    for text in ("a", "a", "", "b"):
        history.add(text)
    assert len(history) == 2
    search = HistorySearch(history)
    search.begin("draft")
    search.type("nowhere")
    assert search.text == "draft"
    assert "nowhere" in search.status()


async def test_a_command_is_completed_and_entered() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"/m", "down", "tab")
        assert app.composer.text == "/mode "
        await pilot.press(*"yolo", "enter")
        await pilot.pause()
        (entered,) = app.posted
        assert isinstance(entered, Composer.CommandEntered)
        assert (entered.name, entered.arguments) == ("mode", "yolo")


async def test_an_unknown_command_is_asked_about_and_a_path_is_not() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"/modle x", "enter")
        await pilot.pause()
        assert app.posted == []
        await pilot.press("enter")
        app.composer.text = "/etc/hosts is wrong"
        await pilot.press("enter")
        await pilot.pause()
        assert submitted(app.posted) == ["/modle x", "/etc/hosts is wrong"]


async def test_a_question_is_answered_by_number_or_by_text() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        app.composer.ask("Which one? [@click=app.quit]x[/]", ["sqlite", "duckdb"])
        await pilot.press("2")
        app.composer.ask("Why?")
        await pilot.press(*"2 reasons", "enter", *"and", "enter")
        await pilot.pause()
        answers = [message.answer for message in app.posted if isinstance(message, Composer.Answered)]
        assert answers == ["duckdb", "2 reasons"]
        assert submitted(app.posted) == ["and"]


async def test_an_editor_that_cannot_run_leaves_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "VISUAL", str(Path("/nonexistent/editor")))
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"text", "ctrl+x")
        await app.workers.wait_for_complete()
        assert app.composer.text == "text"
        assert len(app._notifications) == 1

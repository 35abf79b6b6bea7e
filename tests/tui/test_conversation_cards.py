from __future__ import annotations

from conversation_apps import ComposerApp, ConversationApp, PostedApp
from textual.widgets import Static

from limi_tui.widgets.finish_card import ConfirmQuit, FinishCard, FinishVerdict
from limi_tui.widgets.help_screen import HelpScreen, key_sections


async def test_a_verdict_is_a_key_a_note_and_enter() -> None:
    verdicts: list[FinishVerdict | None] = []
    app = PostedApp()
    async with app.run_test() as pilot:
        for keys in (["2", *"half 1", "enter"], ["down", "enter"], ["1", "escape"], ["enter"]):
            app.push_screen(FinishCard(summary="14 turns", outcome="success"), verdicts.append)
            await pilot.pause()
            await pilot.press(*keys)
            await pilot.pause()
    assert verdicts == [FinishVerdict("partial", "half 1"), FinishVerdict("partial"), None, FinishVerdict("success")]


async def test_the_chosen_outcome_has_a_mark() -> None:
    app = PostedApp()
    async with app.run_test() as pilot:
        app.push_screen(FinishCard())
        await pilot.pause()
        await pilot.press("3")
        await pilot.pause()
        prompts = [str(option.prompt) for option in app.screen.query_one("OptionList").options]
    assert [prompt[0] for prompt in prompts] == [" ", " ", "›", " "]


async def test_leaving_is_asked_about() -> None:
    answers: list[bool | None] = []
    app = PostedApp()
    async with app.run_test() as pilot:
        for key in ("n", "escape", "y"):
            app.push_screen(ConfirmQuit("The agent is working."), answers.append)
            await pilot.pause()
            await pilot.press(key)
            await pilot.pause()
    assert answers == [False, False, True]


async def test_help_lists_the_keys_of_every_widget_as_they_are_bound() -> None:
    app = ConversationApp()
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        sections = dict(key_sections(app.screen))
        assert ("a", "Accept") in sections["Approval bar"]
        assert any(words == "Fold or unfold" for _, words in sections["Transcript"])
        assert any(words == "Send" for _, words in sections["Composer text"])
        app.push_screen(HelpScreen(app.screen))
        await pilot.pause()
        assert any("Fold or unfold" in str(row.render()) for row in app.screen.query(Static))
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)


async def test_f6_and_f7_are_left_to_the_screen() -> None:
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press(*"text", "f6", "f7")
        await pilot.pause()
        keys = [key for _, bound in key_sections(app.screen) for key, _ in bound]
    assert "f6" not in keys
    assert "f7" not in keys

from __future__ import annotations

from conversation_apps import PostedApp
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Input

from limi_tui.widgets.approval import QUIET_S, ApprovalBar
from limi_tui.widgets.approval_preview import ApprovalPreview, exact_spans


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class BarApp(PostedApp):
    def __init__(self, preview: str = "rm -rf build", *, demo: bool = False) -> None:
        super().__init__()
        self.clock = Clock()
        self.bar = ApprovalBar("c1", "run_shell_command", preview, demo=demo, clock=self.clock)

    def compose(self) -> ComposeResult:
        yield Input()
        yield self.bar

    def decisions(self) -> list[tuple[str, bool, str]]:
        return [
            (message.call_id, message.accept, message.reason)
            for message in self.posted
            if isinstance(message, ApprovalBar.Decided)
        ]


async def test_a_accepts_once() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        app.bar.focus()
        await pilot.pause()
        app.clock.now += QUIET_S
        await pilot.press("a", "a", "r")
        await pilot.pause()
    assert app.decisions() == [("c1", True, "")]


async def test_keys_of_an_expert_who_was_typing_decide_nothing() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        app.bar.focus()
        await pilot.pause()
        app.clock.now += QUIET_S - 0.01
        await pilot.press("a", "r", "enter")
        await pilot.pause()
        assert not app.bar.has_class("-rejecting")
    assert app.decisions() == []


async def test_without_the_focus_the_keys_are_text() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        app.clock.now += 10
        app.query_one(Input).focus()
        await pilot.press(*"area")
        await pilot.pause()
        assert app.query_one(Input).value == "area"
    assert app.decisions() == []


async def test_a_rejection_carries_its_reason_and_escape_takes_it_back() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        app.bar.focus()
        await pilot.pause()
        app.clock.now += QUIET_S
        await pilot.press("r", "escape")
        await pilot.pause()
        assert app.bar.has_focus
        app.clock.now += QUIET_S
        await pilot.press("r", *"not a", "enter")
        await pilot.pause()
    assert app.decisions() == [("c1", False, "not a")]


async def test_the_words_can_be_clicked() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.click(".approval-key")
        await pilot.pause()
    assert app.decisions() == [("c1", True, "")]


async def test_the_preview_shows_every_character_and_names_the_unusual() -> None:
    text = "rm -rf b\u200build\u202e\t&& ls \x1b]52;c;x\x07 \nраss " + "x" * 300 + " end  "
    app = BarApp(text, demo=True)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        preview = app.query_one(ApprovalPreview)
        shown = [preview.render_line(y).text for y in range(preview.size.height)]
        joined = "".join(row.rstrip() for row in shown)
        assert {cell_len(row) for row in shown} == {preview.scrollable_content_region.width}
        assert "DEMO" in app.query_one(".approval-title").render().plain
        assert "U+200B ZERO WIDTH SPACE" in app.query_one(".approval-warning").render().plain
    assert "b<U+200B>uild<U+202E>→   && ls ␛]52;c;x␇" in joined
    assert joined.count("x") == 301
    assert joined.endswith("end··")
    assert not set(joined) & set("\x1b\x07\u200b\u202e")


def test_unusual_characters_are_spans_of_their_own() -> None:
    assert [(span.text, span.role) for span in exact_spans("a\u00a0\u0430b")] == [
        ("a", "text"),
        ("<U+00A0>", "error"),
        ("\u0430", "error"),
        ("b", "text"),
    ]


async def test_a_long_preview_scrolls() -> None:
    app = BarApp("\n".join(f"line {number}" for number in range(100)))
    async with app.run_test(size=(60, 30)) as pilot:
        app.bar.focus()
        await pilot.pause()
        await pilot.press("pagedown", "down")
        await pilot.pause()
        preview = app.query_one(ApprovalPreview)
        assert preview.render_line(0).text.startswith("line 11")
        assert preview.max_scroll_y == 100 - preview.size.height

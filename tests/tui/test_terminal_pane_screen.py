"""What the pane shows, when it paints, and what a person reads, selects and sends in it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.events import MouseScrollDown, MouseScrollUp, Paste
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from limi_sessions.terminal import open_engine
from limi_tui.theme import register_themes
from limi_tui.widgets.terminal_pane import TerminalPane


class CountingPane(TerminalPane):
    """A pane that keeps the numbers of the rows it has drawn."""

    def __init__(self) -> None:
        super().__init__(id="shell")
        self.drawn_rows: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.drawn_rows.append(y)
        return super().render_line(y)


class PaneApp(App[None]):
    """A pane on an engine of its own, 40 columns and 10 rows with the bar."""

    CSS = "Screen { overflow: hidden; }"

    def __init__(self) -> None:
        super().__init__()
        self.engine = open_engine(40, 9)
        self.lock = threading.Lock()
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        with Container():
            yield CountingPane()

    @property
    def pane(self) -> CountingPane:
        return self.query_one(CountingPane)

    def on_mount(self) -> None:
        register_themes(self)
        self.pane.attach(self.engine, self.lock)
        self.pane.focus()

    def on_terminal_pane_typed(self, message: TerminalPane.Typed) -> None:
        self.posted.append(message)

    def on_terminal_pane_pasted(self, message: TerminalPane.Pasted) -> None:
        self.posted.append(message)

    def on_terminal_pane_copy_requested(self, message: TerminalPane.CopyRequested) -> None:
        self.posted.append(message)

    def on_terminal_pane_resized(self, message: TerminalPane.Resized) -> None:
        self.posted.append(message)
        with self.lock:
            self.engine.resize(message.cols, message.rows)
        self.pane.output_read()

    def print(self, text: str) -> None:
        """Output of the child."""
        with self.lock:
            self.engine.feed(text.encode())
        self.pane.output_read()

    def typed(self) -> bytes:
        return b"".join(each.data for each in self.posted if isinstance(each, TerminalPane.Typed))

    def copied(self) -> list[str]:
        return [each.text for each in self.posted if isinstance(each, TerminalPane.CopyRequested)]

    def shown(self, y: int) -> str:
        return TerminalPane.render_line(self.pane, y).text.rstrip()


async def until(fact: Callable[[], bool]) -> None:
    """Wait for a fact."""
    deadline = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < deadline, "never became true"
        await asyncio.sleep(0.005)


def lines(count: int) -> str:
    return "\r\n".join(f"line {number}" for number in range(count))


async def test_what_the_child_prints_is_shown_and_the_bar_says_who_types() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        app.print("\x1b[2J\x1b[Hhello \x1b[31mred\x1b[0m 測試 ❤️ end\x1b[3;1Hthird")
        await until(lambda: app.shown(2) == "third")
        assert app.shown(0) == "hello red 測試 ❤️ end"
        assert app.shown(9) == " FREE"
        app.pane.owner, app.pane.banner = "agent", "waiting: password for you"
        assert app.shown(9) == " AGENT  waiting: password for you"


async def test_the_child_is_asked_to_take_the_size_that_is_left_above_the_bar() -> None:
    app = PaneApp()
    async with app.run_test(size=(50, 12)) as pilot:
        await until(lambda: (app.engine.cols, app.engine.rows) == (50, 11))
        await pilot.resize_terminal(70, 20)
        await until(lambda: (app.engine.cols, app.engine.rows) == (70, 19))


async def test_nothing_is_painted_while_nothing_changes() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.print("prompt $ ")
        await until(lambda: app.shown(0) == "prompt $")
        await pilot.pause()
        painted, drawn = app.pane.frames_painted, len(app.pane.drawn_rows)
        for _ in range(5):
            app.print("\x1b[0m\x1b[?25h\x1b[1;1Hprompt $ ")  # the same again
            app.pane.owner = app.pane.owner
            await asyncio.sleep(1 / 50)
            await pilot.pause()
        assert (app.pane.frames_painted, len(app.pane.drawn_rows)) == (painted, drawn)


async def test_one_changed_row_is_the_only_one_drawn() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.print("\x1b[2J\x1b[5;3Hx")
        await until(lambda: app.shown(4) == "  x")
        await pilot.pause()
        app.pane.drawn_rows.clear()
        app.print("yz")
        await until(lambda: bool(app.pane.drawn_rows))
        await pilot.pause()
        assert set(app.pane.drawn_rows) == {4}


async def test_a_burst_is_painted_at_once_and_then_at_most_sixty_times_a_second() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        await asyncio.sleep(0.1)
        await pilot.pause()
        before, start = app.pane.frames_painted, time.monotonic()
        app.print("first")
        assert app.pane.frames_painted == before + 1
        for number in range(300):
            app.print(f"\r\n{number}")
            await asyncio.sleep(0)
        await until(lambda: "299" in [app.shown(y) for y in range(9)])
        assert app.pane.frames_painted - before <= (time.monotonic() - start) * 60 + 2


async def test_synchronized_output_is_shown_whole_when_the_child_lets_go() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)):
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[2J\x1b[Hold")
        await until(lambda: app.shown(0) == "old")
        app.print("\x1b[?2026h\x1b[Hnew")
        app.print(" half")
        assert app.shown(0) == "old"
        app.print("\x1b[?2026l")
        await until(lambda: app.shown(0) == "new half")


async def test_a_child_that_holds_back_for_ever_is_shown_all_the_same() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)):
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[2J\x1b[?2026h\x1b[Hstuck")
        await until(lambda: app.shown(0) == "stuck")


async def test_a_reader_that_holds_the_lock_does_not_stop_the_loop() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)):
        await until(lambda: app.engine.rows == 9)
        with app.lock:
            app.engine.feed(b"\x1b[2J\x1b[Hlater")
            start = time.monotonic()
            app.pane.output_read()
            assert time.monotonic() - start < 1
        await until(lambda: app.shown(0) == "later")


async def test_older_rows_are_read_by_page_and_wheel_and_typing_returns_to_the_live_screen() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print(lines(100))
        await until(lambda: app.shown(8) == "line 99")
        await pilot.press("shift+pageup")
        assert app.shown(8) == "line 91"
        app.print("\r\nmore")
        await until(lambda: app.shown(9).endswith("9 rows below"))
        assert app.shown(8) == "line 91"
        await pilot.press("l")
        await until(lambda: app.shown(8) == "more")
        assert app.typed() == b"l"


async def test_review_searches_selects_and_copies_by_keyboard() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print(lines(100))
        await until(lambda: app.shown(8) == "line 99")
        await pilot.press("f7", "slash", *"line 1", "enter")
        assert app.shown(9).strip().startswith("FREE  REVIEW  line 1: 11/11")
        await pilot.press("n")
        await until(lambda: any(app.shown(y) == "line 18" for y in range(9)))
        await pilot.press("v", "down", "end", "y")
        await until(lambda: app.copied() == ["line 18\nline 19"])
        assert app.typed() == b""
        assert app.shown(8) == "line 99"


async def test_a_search_without_a_hit_says_so_and_escape_leaves() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print("something")
        await pilot.press("f7", "slash", *"nowhere", "enter")
        assert "no hit for nowhere" in app.shown(9)
        await pilot.press("escape", "x")
        assert app.typed() == b"x"


async def test_the_mouse_selects_and_a_key_copies() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[2J\x1b[Halpha beta gamma\r\ndelta")
        await until(lambda: app.shown(1) == "delta")
        await pilot.mouse_down("#shell", offset=(6, 0))
        await pilot.hover("#shell", offset=(4, 1))
        await pilot.mouse_up("#shell", offset=(4, 1))
        await pilot.press("alt+c")
        await until(lambda: app.copied() == ["beta gamma\ndelta"])
        assert app.pane.selection is None
        await pilot.press("alt+c")  # without a selection the chord is the child's
        assert app.typed() == b"\x1bc"


@pytest.mark.parametrize(("clicks", "text"), [(2, "src/app.py:12"), (3, "open src/app.py:12 now")])
async def test_two_clicks_select_a_word_and_three_a_row(clicks: int, text: str) -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[2J\x1b[Hopen src/app.py:12 now")
        await until(lambda: app.shown(0).endswith("now"))
        await pilot.click("#shell", offset=(8, 0), times=clicks)
        await pilot.press("ctrl+shift+c")
        await until(lambda: app.copied() == [text])


async def test_a_wide_character_is_marked_whole() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[2J\x1b[H測試文字\x1b[5;1H")
        await until(lambda: app.shown(0) == "測試文字")
        await pilot.mouse_down("#shell", offset=(3, 0))
        await pilot.hover("#shell", offset=(4, 0))
        await pilot.mouse_up("#shell", offset=(4, 0))
        assert app.pane.selection is not None
        assert app.shown(0) == "測試文字"


async def test_the_mouse_is_the_childs_while_it_tracks_it_and_shift_is_not_held() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[2J\x1b[?1000h\x1b[?1006hword")
        await until(lambda: app.shown(0) == "word")
        await pilot.click("#shell", offset=(2, 0))
        await until(lambda: app.typed() == b"\x1b[<0;3;1M\x1b[<0;3;1m")
        await pilot.mouse_down("#shell", offset=(0, 0), shift=True)
        await pilot.hover("#shell", offset=(3, 0))
        await pilot.mouse_up("#shell", offset=(3, 0))
        await pilot.press("alt+c")
        await until(lambda: app.copied() == ["word"])


def wheel(pane: TerminalPane, kind: type[MouseScrollUp] | type[MouseScrollDown]) -> None:
    """One notch of the wheel over the pane's first cell."""
    pane.post_message(kind(pane, x=0, y=0, delta_x=0, delta_y=0, button=0, shift=False, meta=False, ctrl=False))


async def test_the_wheel_moves_the_view_and_down_to_the_end_follows_again() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print(lines(50))
        await until(lambda: app.shown(8) == "line 49")
        wheel(app.pane, MouseScrollUp)
        await until(lambda: app.shown(8) == "line 46")
        wheel(app.pane, MouseScrollDown)
        await until(lambda: app.shown(8) == "line 49")
        app.print("\r\nnext")
        await until(lambda: app.shown(8) == "next")
        await pilot.pause()
        assert app.typed() == b""


async def test_the_wheel_gives_arrows_to_a_full_screen_program_that_wants_no_mouse() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)):
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[?1049h\x1b[?1h\x1b[Hpager")
        await until(lambda: app.shown(0) == "pager")
        wheel(app.pane, MouseScrollDown)
        await until(lambda: app.typed() == b"\x1bOB" * 3)


async def test_a_full_screen_program_gets_shifted_page_keys_itself() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[?1049h\x1b[Heditor")
        await until(lambda: app.shown(0) == "editor")
        await pilot.press("shift+pageup")
        await until(lambda: app.typed() == b"\x1b[5;2~")


async def test_a_hostile_window_title_is_shown_without_its_controls() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)):
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b]0;evil\u202e\u200btitle\x07")
        await until(lambda: "evil" in app.shown(9))
        assert "\u202e" not in app.shown(9)
        assert "\u200b" not in app.shown(9)


async def test_pastes_leave_whole() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.pane.post_message(Paste("one\ntwo"))
        await pilot.pause()
        assert [each.text for each in app.posted if isinstance(each, TerminalPane.Pasted)] == ["one\ntwo"]


async def test_another_theme_gives_other_colours_and_ansi_leaves_them_to_the_host() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await until(lambda: app.engine.rows == 9)
        app.print("\x1b[2J\x1b[H\x1b[31mred")
        await until(lambda: app.shown(0) == "red")
        colours: set[str] = set()
        for theme in ("limi-dark", "limi-light", "high-contrast", "ansi"):
            app.theme = theme
            await pilot.pause()
            style = next(iter(app.pane.render_line(0))).style
            assert style is not None and style.color is not None
            colours.add(style.color.name)
        assert len(colours) == 4
        assert "red" in colours or "color(1)" in colours


async def test_a_pane_with_a_border_shows_the_same_rows_inside_it() -> None:
    app = PaneApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.pane.styles.border = ("round", "red")
        await until(lambda: (app.engine.cols, app.engine.rows) == (38, 7))
        app.print("\x1b[2J\x1b[Hframed")
        await until(lambda: app.shown(0) == "framed")
        await pilot.pause()
        drawn = [strip.text for strip in app.pane.render_lines(app.pane.outer_size.region)]
        assert drawn[0].startswith("╭")
        assert drawn[1].startswith("│framed ")


class ShellScreen(Screen[None]):
    """A screen that attaches an engine when its pane has its size already."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        yield TerminalPane()

    def key_f9(self) -> None:
        self.query_one(TerminalPane).attach(open_engine(80, 24), threading.Lock())

    def on_terminal_pane_resized(self, message: TerminalPane.Resized) -> None:
        self.sizes.append((message.cols, message.rows))


async def test_a_screen_that_attaches_an_engine_late_is_told_the_size() -> None:
    app: App[None] = App()
    async with app.run_test(size=(60, 15)) as pilot:
        screen = ShellScreen()
        await app.push_screen(screen)
        screen.query_one(TerminalPane).can_focus = False
        await pilot.pause()
        await pilot.press("f9")
        await until(lambda: screen.sizes == [(60, 14)])

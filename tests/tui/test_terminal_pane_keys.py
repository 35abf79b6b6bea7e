"""Keys from the host terminal's bytes to the child's."""

from __future__ import annotations

import threading

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App, ComposeResult

from limi_sessions.terminal import open_engine
from limi_tui.widgets.terminal_keys import keep_alt_keys, press_of
from limi_tui.widgets.terminal_pane import TerminalPane

keep_alt_keys()

ROUND_TRIPS = {
    b"a": b"a",
    b"A": b"A",
    "é中🎉".encode(): "é中🎉".encode(),
    b" ": b" ",
    b"\r": b"\r",
    b"\t": b"\t",
    b"\x1b[Z": b"\x1b[Z",
    b"\x7f": b"\x7f",
    b"\n": b"\n",
    b"\x00": b"\x00",
    **{bytes((code,)): bytes((code,)) for code in range(1, 27) if code not in (8, 9, 13)},
    b"\x1c": b"\x1c",
    b"\x1d": b"\x1d",
    b"\x1e": b"\x1e",
    b"\x1f": b"\x1f",
    b"\x1b.": b"\x1b.",
    b"\x1bf": b"\x1bf",
    b"\x1bb": b"\x1bb",
    b"\x1bF": b"\x1bF",
    b"\x1b1": b"\x1b1",
    b"\x1b<": b"\x1b<",
    b"\x1b/": b"\x1b/",
    b"\x1b\x7f": b"\x1b\x7f",
    b"\x1b\r": b"\x1b\r",
    b"\x1b[A": b"\x1b[A",
    b"\x1bOA": b"\x1b[A",
    b"\x1b[H": b"\x1b[H",
    b"\x1b[1;5C": b"\x1b[1;5C",
    b"\x1b[1;3D": b"\x1b[1;3D",
    b"\x1b[1;6A": b"\x1b[1;6A",
    b"\x1b[3~": b"\x1b[3~",
    b"\x1b[3;5~": b"\x1b[3;5~",
    b"\x1b[5~": b"\x1b[5~",
    b"\x1bOP": b"\x1bOP",
    b"\x1b[15~": b"\x1b[15~",
    b"\x1b[24~": b"\x1b[24~",
    b"\x1b[15;2~": b"\x1b[15;2~",
    # Kitty's protocol, which Textual asks the host for
    b"\x1b[46;3u": b"\x1b.",
    b"\x1b[99;5u": b"\x03",
    b"\x1b[65;2;65u": b"A",
    b"\x1b[127;3u": b"\x1b\x7f",
    b"\x1b[27u": b"\x1b",
}


def host_keys(sent: bytes) -> list[events.Key]:
    """Key events that Textual makes of the host terminal's bytes."""
    return [each for each in XTermParser().feed(sent.decode()) if isinstance(each, events.Key)]


@pytest.mark.parametrize(("host", "child"), ROUND_TRIPS.items(), ids=repr)
def test_a_key_reaches_the_child_as_its_terminal_would_send_it(host: bytes, child: bytes) -> None:
    engine = open_engine(20, 5)
    typed = b""
    for key in host_keys(host):
        press = press_of(key.key, key.character)
        assert press is not None, key
        typed += engine.encode_key(press.key, shift=press.shift, alt=press.alt, ctrl=press.ctrl, text=press.text)
    assert typed == child


def test_cursor_keys_follow_the_mode_of_the_child() -> None:
    engine = open_engine(20, 5)
    engine.feed(b"\x1b[?1h")
    press = press_of("up", None)
    assert press is not None
    assert engine.encode_key(press.key) == b"\x1bOA"


@pytest.mark.parametrize("name", ["super+a", "left_shift", "media_play", "hyper+up", "\x19"])
def test_keys_that_terminals_have_no_bytes_for_are_left_to_the_app(name: str) -> None:
    assert press_of(name, None) is None


@pytest.mark.parametrize("name", ["alt+1", "alt+6", "alt+full_stop", "alt+enter", "alt+shift+f"])
def test_alt_keys_have_the_names_that_bindings_use(name: str) -> None:
    sent = {
        "alt+1": b"\x1b1",
        "alt+6": b"\x1b6",
        "alt+full_stop": b"\x1b.",
        "alt+enter": b"\x1b\r",
        "alt+shift+f": b"\x1bF",
    }
    assert [(key.key, key.character) for key in host_keys(sent[name])] == [(name, None)]


class KeyApp(App[None]):
    """A pane whose typed bytes are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.typed: list[bytes] = []
        self.left: list[str] = []

    def compose(self) -> ComposeResult:
        yield TerminalPane()

    def on_mount(self) -> None:
        pane = self.query_one(TerminalPane)
        pane.attach(open_engine(40, 10), threading.Lock())
        pane.focus()

    def on_terminal_pane_typed(self, message: TerminalPane.Typed) -> None:
        self.typed.append(message.data)

    def on_key(self, event: events.Key) -> None:
        self.left.append(event.key)


async def test_escape_tab_and_control_keys_go_to_the_child_and_only_the_leave_key_comes_back() -> None:
    app = KeyApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("escape", "tab", "shift+tab", "ctrl+c", "ctrl+d", "ctrl+z", "f6", "x")
        await pilot.pause()
        assert app.typed == [b"\x1b", b"\t", b"\x1b[Z", b"\x03", b"\x04", b"\x1a", b"x"]
        assert app.left == ["f6"]
        assert app.focused is app.query_one(TerminalPane)


async def test_a_text_that_an_input_method_commits_at_once_is_typed_whole() -> None:
    app = KeyApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.query_one(TerminalPane).post_message(events.Key("中文輸入", "中文輸入"))
        await pilot.pause()
        assert b"".join(app.typed).decode() == "中文輸入"

"""What keys, the mouse and pastes send."""

import pytest

from limi_sessions.terminal import EngineChoice, open_engine
from limi_sessions.terminal.engine import TermEngine

engines = pytest.mark.parametrize("choice", ["ghostty", "bittty"])

KEYS: list[tuple[str, dict[str, bool | str], bytes]] = [
    ("enter", {}, b"\r"),
    ("enter", {"shift": True}, b"\r"),
    ("enter", {"alt": True}, b"\x1b\r"),
    ("tab", {}, b"\t"),
    ("tab", {"shift": True}, b"\x1b[Z"),
    ("escape", {}, b"\x1b"),
    ("backspace", {}, b"\x7f"),
    ("backspace", {"alt": True}, b"\x1b\x7f"),
    ("delete", {}, b"\x1b[3~"),
    ("insert", {}, b"\x1b[2~"),
    ("up", {}, b"\x1b[A"),
    ("left", {"ctrl": True}, b"\x1b[1;5D"),
    ("home", {}, b"\x1b[H"),
    ("end", {"shift": True}, b"\x1b[1;2F"),
    ("pageup", {}, b"\x1b[5~"),
    ("pagedown", {"ctrl": True}, b"\x1b[6;5~"),
    ("space", {"text": " "}, b" "),
    ("space", {"ctrl": True}, b"\0"),
    ("f1", {}, b"\x1bOP"),
    ("f5", {}, b"\x1b[15~"),
    ("f12", {"shift": True}, b"\x1b[24;2~"),
    ("c-c", {}, b"\x03"),
    ("c-i", {}, b"\t"),
    ("c", {"ctrl": True}, b"\x03"),
    ("[", {"ctrl": True}, b"\x1b"),
    ("_", {"ctrl": True}, b"\x1f"),
    ("a", {"text": "a"}, b"a"),
    ("a", {"alt": True}, b"\x1ba"),
    ("A", {"shift": True, "text": "A"}, b"A"),
    ("ä", {"text": "ä"}, "ä".encode()),
    ("日本語", {"text": "日本語"}, "日本語".encode()),
    ("unknown", {}, b""),
]


def held(engine: TermEngine, key: str, flags: dict[str, bool | str]) -> bytes:
    return engine.encode_key(
        key,
        shift=bool(flags.get("shift")),
        alt=bool(flags.get("alt")),
        ctrl=bool(flags.get("ctrl")),
        text=str(flags["text"]) if "text" in flags else None,
    )


@engines
@pytest.mark.parametrize(("key", "flags", "sent"), KEYS)
def test_keys_send_what_shells_read(choice: EngineChoice, key: str, flags: dict[str, bool | str], sent: bytes) -> None:
    assert held(open_engine(20, 5, prefer=choice), key, flags) == sent


@engines
def test_cursor_keys_follow_their_mode(choice: EngineChoice) -> None:
    engine = open_engine(20, 5, prefer=choice)
    engine.feed(b"\x1b[?1h")
    assert [engine.encode_key(key) for key in ("up", "home")] == [b"\x1bOA", b"\x1bOH"]
    assert engine.encode_key("up", shift=True) == b"\x1b[1;2A"
    engine.feed(b"\x1b[?1l")
    assert engine.encode_key("up") == b"\x1b[A"


def test_a_child_that_asks_for_newer_keyboards_gets_them() -> None:
    engine = open_engine(20, 5, prefer="ghostty")
    if not engine.name.startswith("ghostty"):
        pytest.skip("no native engine here")
    engine.feed(b"\x1b[>1u")
    assert engine.encode_key("escape") == b"\x1b[27u"
    assert engine.encode_key("c-i") == b"\x1b[105;5u"
    assert engine.encode_key("x", text="x") == b"x"
    engine.feed(b"\x1b[<u\x1b[>4;2m")
    assert engine.encode_key("c-i") == b"\x1b[27;5;105~"
    engine.feed(b"\x1b[>4;0m")
    assert engine.encode_key("c-i") == b"\t"


@engines
def test_bittty_and_ghostty_offer_only_keyboards_they_speak(choice: EngineChoice) -> None:
    engine = open_engine(20, 5, prefer=choice)
    engine.feed(b"\x1b[?u")
    assert engine.take_replies() == (b"\x1b[?0u" if choice == "ghostty" else b"")


@engines
def test_the_mouse_is_silent_until_asked(choice: EngineChoice) -> None:
    engine = open_engine(20, 5, prefer=choice)
    assert engine.encode_mouse("press", x=1, y=1, button=1) == b""
    assert engine.encode_mouse("wheel_up", x=1, y=1) == b""


@engines
def test_mouse_events_are_encoded_as_the_child_asks(choice: EngineChoice) -> None:
    engine = open_engine(20, 5, prefer=choice)
    engine.feed(b"\x1b[?1000h")
    assert engine.encode_mouse("press", x=3, y=2, button=1) == b"\x1b[M $#"
    assert engine.encode_mouse("release", x=3, y=2, button=1) == b"\x1b[M#$#"
    engine.feed(b"\x1b[?1006h")
    assert engine.encode_mouse("press", x=3, y=2, button=1) == b"\x1b[<0;4;3M"
    assert engine.encode_mouse("release", x=3, y=2, button=3) == b"\x1b[<2;4;3m"
    assert engine.encode_mouse("press", x=3, y=2, button=2, ctrl=True) == b"\x1b[<17;4;3M"
    assert engine.encode_mouse("wheel_down", x=0, y=4) == b"\x1b[<65;1;5M"
    assert engine.encode_mouse("motion", x=3, y=2, button=1) == b""
    engine.feed(b"\x1b[?1002h")
    assert engine.encode_mouse("motion", x=4, y=2, button=1) == b"\x1b[<32;5;3M"
    assert engine.encode_mouse("motion", x=4, y=2) == b""
    engine.feed(b"\x1b[?1003h")
    assert engine.encode_mouse("motion", x=5, y=2) == b"\x1b[<35;6;3M"


@engines
def test_a_paste_cannot_end_itself_or_type_keys(choice: EngineChoice) -> None:
    engine = open_engine(20, 5, prefer=choice)
    text = "a\nb\r\nc\x1b[201~d\x03\x7f\te\u009b31m"
    assert engine.encode_paste(text) == b"a\rb\rc[201~d\te31m"
    engine.feed(b"\x1b[?2004h")
    pasted = engine.encode_paste(text)
    assert pasted == b"\x1b[200~a\rb\rcd\te31m\x1b[201~"
    nested = engine.encode_paste("x[20[201~1~ \x1b[2\x1b[201~01~y")
    assert nested.count(b"\x1b") == 2 and nested.endswith(b"\x1b[201~")

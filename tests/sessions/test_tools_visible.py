from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.records.visible import suspicious_characters, visible_text


@pytest.mark.parametrize(
    ("hidden", "drawn"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("a\rb\x00\x7f", "a␍b␀␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("x\u202ey\u2066", "x<U+202E>y<U+2066>"),
        ("a\u200bb\ufeff", "a<U+200B>b<U+FEFF>"),
        ("\U000e0041", "<U+E0041>"),
        ("\ud800", "<U+D800>"),
        ("\u2028", "<U+2028>"),
    ],
)
def test_hidden_characters_are_drawn(hidden: str, drawn: str) -> None:
    assert visible_text(hidden) == drawn


def test_ordinary_text_of_all_scripts_stays_as_it_is() -> None:
    text = "grüße 漢字 עברית العربية ไทย 👍🏽 ❤️ naïve\n\tindented"
    assert visible_text(text) == text
    assert suspicious_characters(text) == ()


def test_kept_characters_are_the_callers_choice() -> None:
    assert visible_text("a\nb\tc", keep="") == "a␊b␉c"


@given(st.text(alphabet=st.characters()))
def test_drawn_text_holds_nothing_hidden_and_drawing_twice_changes_nothing(text: str) -> None:
    drawn = visible_text(text)
    assert visible_text(drawn) == drawn
    assert not any((ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in drawn)
    drawn.encode()


def test_suspicious_characters_are_named_with_their_place() -> None:
    found = suspicious_characters("ls\u00a0/tmp\u202e \u0430 \x1b \uff41 \u200d")
    assert [(s.offset, s.suspicion) for s in found] == [
        (2, "space"),
        (7, "bidi"),
        (9, "lookalike"),
        (11, "control"),
        (13, "lookalike"),
        (15, "invisible"),
    ]
    assert found[1].label == "U+202E RIGHT-TO-LEFT OVERRIDE"
    assert all(s.label.isascii() for s in found)

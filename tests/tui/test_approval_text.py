"""What is drawn of foreign text is that text: no character is hidden, lost or changed, at any width."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from limi_sessions.records.visible import visible_text
from limi_tui.widgets.approval_code import code_marks
from limi_tui.widgets.approval_command import command_marks
from limi_tui.widgets.approval_compare import compared
from limi_tui.widgets.approval_entries import DrawnRow, Entry, TextEntry, WordsEntry
from limi_tui.widgets.approval_pairs import changed_parts
from limi_tui.widgets.approval_sides import Colours, side_entries, unified_entries
from limi_tui.widgets.approval_text import LONGEST_FOLDED, ExactLine, Mark, Piece, Role, stretches

_ODD = "\t \r\x1b\x00\u200b\u202e\u00a0\u3164\u0430漢🙂e\u0301\ud800\ufe0f'\"$`\\#|&;()<>{}\u2028\x0c"
LINES = st.text(st.one_of(st.characters(exclude_characters="\n"), st.sampled_from(_ODD)), max_size=60)
TEXTS = st.lists(LINES, max_size=12).map("\n".join)
ROLES: tuple[Role, ...] = ("program", "string", "danger", "decoded")
MARKS = st.lists(st.builds(Mark, st.integers(0, 70), st.integers(0, 70), st.sampled_from(ROLES)), max_size=5).map(tuple)
WIDTHS = st.integers(20, 90)


def drawn(line: ExactLine) -> str:
    return "".join(piece.text for piece in line.drawn())


def row_text(row: DrawnRow) -> str:
    return "".join(piece.text for piece in row.pieces)


def plainly(line: str) -> str:
    """What a line must look like, told another way: every character by itself."""
    kept = len(line.rstrip(" "))
    shown: list[str] = []
    for character in line[:kept]:
        one = visible_text(character, keep="\t").replace("\t", "→   ")
        blank = one.isspace() and character != " "
        shown.append(f"<U+{ord(character):04X}>" if blank else one)
    return "".join(shown) + "·" * (len(line) - kept)


@given(LINES, MARKS)
def test_colours_never_change_what_is_drawn(line: str, marks: tuple[Mark, ...]) -> None:
    assert drawn(ExactLine(line, marks)) == drawn(ExactLine(line)) == plainly(line)


@given(LINES, MARKS, WIDTHS)
def test_folding_loses_nothing_and_keeps_to_the_width(line: str, marks: tuple[Mark, ...], width: int) -> None:
    entry = TextEntry(ExactLine(line, marks), "12 │ ", "   │ ")
    rows = entry.rows(width)
    assert len(rows) == entry.height(width)
    assert all(cell_len(row_text(row)) <= width for row in rows)
    assert "".join(row_text(row)[5:] for row in rows) == drawn(entry.line)


@given(TEXTS)
def test_the_marks_of_a_command_lie_within_it_and_in_order(command: str) -> None:
    marks = command_marks(command)
    assert all(0 <= mark.start < mark.end <= len(command) for mark in marks)
    assert [mark.start for mark in marks] == sorted(mark.start for mark in marks)


@given(TEXTS, st.sampled_from(["a.py", "a.c", "a.md", "a.html", "Makefile", "a.json", "a.sh", "a.yaml", "a.js", "a"]))
def test_the_marks_of_a_file_lie_within_its_lines(text: str, path: str) -> None:
    marks = code_marks(text, path)
    lines = text.split("\n")
    assert len(marks) <= len(lines)
    for line, of_line in zip(lines, marks, strict=False):
        assert all(0 <= mark.start < mark.end <= len(line) for mark in of_line)


@given(LINES, LINES)
def test_the_parts_of_a_change_are_where_the_lines_differ(old: str, new: str) -> None:
    olds, news = changed_parts(old, new)
    if olds or news:
        assert _without(old, olds) == _without(new, news)


@given(TEXTS, TEXTS, WIDTHS)
def test_both_forms_of_a_change_show_every_changed_line_whole(before: str, after: str, width: int) -> None:
    colours = Colours(code_marks(before, "a.py"), code_marks(after, "a.py"), frozenset("\r"), 2)
    pairs = compared(before, after)
    unified, beside = [*unified_entries(pairs, colours)], [*side_entries(pairs, colours)]
    for entry in (*unified, *beside):
        rows = entry.rows(width)
        assert len(rows) == entry.height(width)
        assert all(cell_len(row_text(row)) <= width for row in rows)
    assert _changed_texts(unified, 2_000) == _changed_texts(beside, 4_000)


def test_unusual_characters_are_pieces_of_their_own() -> None:
    assert ExactLine("a\u00a0\u0430b").drawn() == (Piece("a"), Piece("<U+00A0>\u0430", "unusual"), Piece("b"))


def test_a_look_alike_that_the_file_had_already_is_no_alarm_but_a_hidden_character_is() -> None:
    line = ExactLine("’\u200b\r", quiet=frozenset("’\u200b\r"))
    assert [piece.role for piece in line.drawn()] == ["stand-in", "unusual", "stand-in"]
    assert [piece.role for piece in ExactLine("\ra", quiet=frozenset("\r")).drawn()] == ["unusual", "text"]


def test_a_very_long_line_is_laid_out_in_stretches() -> None:
    whole = 2 * LONGEST_FOLDED
    assert stretches("x" * (whole + 1)) == [(0, LONGEST_FOLDED), (LONGEST_FOLDED, whole), (whole, whole + 1)]
    assert stretches("") == [(0, 0)]


def test_programs_operators_and_strings_of_a_command_are_told_apart() -> None:
    command = "FOO=1 /bin/ls -l 'a b' | sudo grep \"$(id)\" >out; if true; then c''at x; fi # end"
    found = [(command[start:end], role) for start, end, role in command_marks(command)]
    assert found == [
        ("FOO=1", "variable"),
        ("/bin/ls", "program"),
        ("'a b'", "string"),
        ("|", "operator"),
        ("sudo", "program"),
        ("grep", "program"),
        ('"$(id)"', "string"),
        ("$(id)", "variable"),
        (">", "operator"),
        (";", "operator"),
        ("if", "keyword"),
        ("true", "program"),
        (";", "operator"),
        ("then", "keyword"),
        ("c", "program"),
        ("''", "program"),
        ("at", "program"),
        (";", "operator"),
        ("fi", "keyword"),
        ("# end", "comment"),
    ]


def test_our_own_words_fold_too() -> None:
    entry = WordsEntry((Piece("a" * 30, "caution"),))
    assert [row_text(row) for row in entry.rows(20)] == ["a" * 20, "a" * 10]
    assert entry.height(20) == 2


def _without(line: str, parts: tuple[tuple[int, int], ...]) -> str:
    kept = list(line)
    for start, end in reversed(parts):
        del kept[start:end]
    return "".join(kept)


def _changed_texts(entries: Sequence[Entry], width: int) -> tuple[str, str]:
    """All removed and all added text as drawn, without gutters and the blanks that fill a side."""
    old: list[str] = []
    new: list[str] = []
    for entry in entries:
        for row in entry.rows(width):
            for ground, found in (("removed", old), ("added", new)):
                pieces = [piece for piece in row.pieces if piece.ground.startswith(ground) and piece.role != "gutter"]
                found.append(re.sub("^[+-]", "", "".join(piece.text for piece in pieces)).rstrip(" "))
    return "".join(old), "".join(new)

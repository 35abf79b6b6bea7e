from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from limi_tui.widgets.approval_compare import CONTEXT, Gap, compared, lines_of
from limi_tui.widgets.approval_pairs import Pair, Side, changed_parts, paired

TEXTS = st.text("ab\n\r\u2028", max_size=60)


def rebuilt(before: str, after: str) -> tuple[str, str]:
    """Both versions put together from a comparison, its gaps filled from the version itself."""
    sides: tuple[list[str], list[str]] = ([], [])
    for pair in compared(before, after):
        for number, (lines, whole) in enumerate(zip(sides, (lines_of(before), lines_of(after)), strict=True)):
            if isinstance(pair, Gap):
                lines.extend(whole[len(lines) : len(lines) + pair.lines])
            elif (side := pair[number]) is not None:
                assert side == Side(len(lines) + 1, whole[len(lines)])
                lines.append(side.text)
    return "".join(sides[0]), "".join(sides[1])


@given(TEXTS, TEXTS)
def test_both_versions_come_out_of_a_comparison(before: str, after: str) -> None:
    assert rebuilt(before, after) == ((before, after) if before != after else ("", ""))


@given(TEXTS)
def test_lines_end_at_line_feeds_only(text: str) -> None:
    assert "".join(lines_of(text)) == text
    assert all("\n" not in line[:-1] for line in lines_of(text))


def test_a_long_file_with_scattered_changes_keeps_its_equal_lines() -> None:
    rng = random.Random(1)
    old = [f"line {number} of {rng.random()}" for number in range(10_000)]
    new = [f"{line} changed" if number % 500 == 250 else line for number, line in enumerate(old) if number % 500 != 100]
    before, after = "\n".join(old), "\n".join(new)
    pairs = compared(before, after)
    changed = [pair for pair in pairs if isinstance(pair, Pair) and not pair.is_equal]
    assert (sum(pair.new is None for pair in changed), len(changed)) == (20, 40)
    assert len(pairs) == 40 + 41 + 40 * 2 * CONTEXT


def test_text_without_any_line_of_its_own_is_still_compared() -> None:
    rng = random.Random(2)
    before, after = ("\n".join(str(rng.randrange(9)) for _ in range(3_000)) for _ in range(2))
    pairs = [pair for pair in compared(before, after) if isinstance(pair, Pair)]
    assert "".join(pair.old.text for pair in pairs if pair.old is not None) == before
    assert "".join(pair.new.text for pair in pairs if pair.new is not None) == after


def test_equal_texts_show_nothing_and_a_last_line_end_is_a_change() -> None:
    assert compared("a\nb", "a\nb") == ()
    assert compared("a", "a\n") == (Pair(Side(1, "a"), Side(1, "a\n")),)
    assert compared("", "a") == (Pair(None, Side(1, "a")),)


def test_equal_lines_far_from_a_change_are_counted() -> None:
    lines = [str(number) for number in range(20)]
    pairs = compared("\n".join(lines), "\n".join([*lines[:10], "x", *lines[11:]]))
    assert pairs[0] == Gap(7)
    assert pairs[-1] == Gap(6)
    assert len(pairs) == 1 + 3 + 1 + 3 + 1


def test_lines_of_a_change_stand_beside_those_they_came_from() -> None:
    olds = [Side(1, "def f(x):\n"), Side(2, "    return x + 1\n")]
    news = [Side(1, "import os\n"), Side(2, "def f(value):\n"), Side(3, "    return value + 1\n")]
    assert [(one and one.number, other and other.number) for one, other in paired(olds, news)] == [
        (None, 1),
        (1, 2),
        (2, 3),
    ]


def test_only_what_differs_within_a_line_is_marked() -> None:
    assert changed_parts("    return x + 1\n", "    return value + 1  \n") == (((11, 12),), ((11, 16), (20, 22)))
    assert changed_parts("nothing alike", "(){}[]") == ((), ())

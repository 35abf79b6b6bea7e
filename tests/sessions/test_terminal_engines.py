"""Every promise of `TermEngine`, held by both engines."""

import unicodedata
from collections.abc import Callable, Iterator

import pytest
from rich.cells import cell_len
from wcwidth import wcswidth

from limi_sessions.terminal import EngineChoice, engine_report, open_engine
from limi_sessions.terminal.engine import CellStyle, Match, Run, SnapshotUnreadable, TermEngine
from limi_sessions.terminal.native import load
from limi_sessions.terminal.selftest import packed_layout_holds, selftest
from limi_sessions.terminal.width import UNSETTLED

ENGINES: tuple[EngineChoice, ...] = ("ghostty", "bittty")
Open = Callable[[int, int], TermEngine]


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest) -> Iterator[Open]:
    choice: EngineChoice = request.param
    if choice == "ghostty" and engine_report().engine != "ghostty":
        pytest.skip(f"no native engine here: {engine_report().reason}")
    yield lambda cols, rows: open_engine(cols, rows, prefer=choice)


def widths(engine: TermEngine) -> set[int]:
    return {sum(wcswidth(run.text) for run in engine.row(y)) for y in range(engine.rows)}


def test_an_engine_passes_its_selftest(opened: Open) -> None:
    assert selftest(opened(80, 24)).problems == ()


def test_the_selftest_fails_an_engine_that_shows_something_else(opened: Open) -> None:
    engine = opened(80, 24)
    engine.feed(b"\x1b(0")  # letters are drawn as lines from here on
    assert not selftest(engine).passed


def test_the_packed_layout_of_cells_is_the_one_we_read() -> None:
    if engine_report().engine != "ghostty":
        pytest.skip("no native engine here")
    assert packed_layout_holds(load())


def test_slow_and_fast_reading_of_cells_agree() -> None:
    if engine_report().engine != "ghostty":
        pytest.skip("no native engine here")
    from limi_sessions.terminal.ghostty import GhosttyEngine

    fast, slow = GhosttyEngine(40, 10, packed=True), GhosttyEngine(40, 10, packed=False)
    for engine in (fast, slow):
        assert selftest(engine).passed
        engine.feed("\x1b[1;38;2;200;100;50mä中\x1b[48;5;99m\x1b[K\x1b]8;;x:y\x1b\\l\x1b]8;;\x1b\\👩‍🚀".encode())
    assert [fast.row(y) for y in range(fast.rows)] == [slow.row(y) for y in range(slow.rows)]


def test_colours_and_attributes_reach_the_runs(opened: Open) -> None:
    engine = opened(20, 3)
    engine.feed(b"\x1b[38;5;200;48;2;1;2;3;1;2;3;4:3;5;7;8;9mx\x1b[0my\x1b[94;105mz\x1b[39;49;21mw")
    assert engine.row(0)[:4] == (
        Run("x", CellStyle(200, (1, 2, 3), True, True, True, 3, True, True, True, True)),
        Run("y", CellStyle()),
        Run("z", CellStyle(fg=12, bg=13)),
        Run("w", CellStyle(underline=2)),
    )


def test_erasing_keeps_the_background_colour(opened: Open) -> None:
    engine = opened(10, 2)
    engine.feed(b"\x1b[44mab\x1b[K\x1b[0m\x1b[2;1H\x1b[48;2;10;20;30m\x1b[2K")
    assert engine.row(0) == (Run("ab        ", CellStyle(bg=4)),)
    assert engine.row(1) == (Run(" " * 10, CellStyle(bg=(10, 20, 30))),)


def test_hyperlinks_are_marked_and_never_shown(opened: Open) -> None:
    engine = opened(12, 1)
    engine.feed(b"\x1b]8;;http://localhost/\x1b\\go\x1b]8;;\x1b\\!")
    assert engine.row(0)[:2] == (Run("go", CellStyle(link=True)), Run("!         ", CellStyle()))


def test_the_alternate_screen_gives_the_first_one_back(opened: Open) -> None:
    engine = opened(10, 3)
    engine.feed(b"shell\x1b[?1049h\x1b[Hvim")
    assert (engine.modes.alternate_screen, engine.text()[0]) == (True, "vim")
    assert engine.total_rows == 3
    engine.feed(b"\x1b[?1049l")
    assert (engine.modes.alternate_screen, engine.text()[0]) == (False, "shell")


def test_a_scroll_region_moves_only_its_rows(opened: Open) -> None:
    engine = opened(5, 5)
    engine.feed(b"1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[4;1H\nx\x1b[r")
    assert engine.text() == ["1", "3", "4", "x", "5"]
    engine.feed(b"\x1b[2;4r\x1b[2;1H\x1bMy")
    assert engine.text() == ["1", "y", "3", "4", "5"]


def test_the_cursor_tells_place_shape_and_visibility(opened: Open) -> None:
    engine = opened(10, 4)
    engine.feed(b"\x1b[3;5H\x1b[5 q")
    assert (engine.cursor.x, engine.cursor.y, engine.cursor.visible, engine.cursor.shape) == (4, 2, True, "bar")
    engine.feed(b"\x1b[?25l\x1b[3 q")
    assert (engine.cursor.visible, engine.cursor.shape) == (False, "underline")


def test_modes_are_reported(opened: Open) -> None:
    engine = opened(10, 4)
    assert engine.modes.mouse_tracking == "off" and not engine.modes.synchronized_output
    engine.feed(b"\x1b[?1;1004;1006;1002;2004;2026h\x1b=")
    modes = engine.modes
    assert modes.application_cursor and modes.application_keypad and modes.bracketed_paste and modes.mouse_sgr
    assert modes.focus_events and modes.synchronized_output and modes.mouse_tracking == "drag"


def test_only_changed_rows_are_dirty(opened: Open) -> None:
    engine = opened(20, 5)
    engine.feed(b"a")
    assert engine.take_dirty() is None
    assert engine.take_dirty() == frozenset()
    engine.feed(b"\x1b[3;1Hb")
    dirty = engine.take_dirty()
    assert dirty is not None and 2 in dirty and dirty <= {0, 2}
    engine.feed(b"\x1b[5;1H\n")
    dirty = engine.take_dirty()
    assert dirty is None or dirty == frozenset(range(5))


def test_reading_a_row_does_not_lose_its_dirtiness(opened: Open) -> None:
    engine = opened(20, 5)
    engine.take_dirty()
    engine.feed(b"\x1b[3;1Hb")
    assert engine.row(2)[0].text.startswith("b")
    engine.history_row(0)
    assert 2 in (engine.take_dirty() or set())


def test_reading_history_does_not_hide_what_changes_below(opened: Open) -> None:
    engine = opened(20, 5)
    engine.feed(b"".join(b"line %d\r\n" % n for n in range(60)))
    engine.take_dirty()
    engine.feed(b"\x1b[2;1Hchanged")
    assert engine.history_row(0) == (Run("line 0".ljust(20), CellStyle()),)
    assert 1 in (engine.take_dirty() or set())
    assert engine.text()[1].startswith("changed")


def test_history_keeps_what_scrolled_off(opened: Open) -> None:
    engine = opened(20, 5)
    engine.feed(b"\r\n".join(b"\x1b[3%dmline %d" % (n % 8, n) for n in range(2000)))
    assert engine.total_rows == 2000
    assert engine.history_row(7)[0] == Run("line 7", CellStyle(fg=7))
    assert engine.history_row(1999) == engine.row(4)
    assert engine.history_text(1993, 2000) == [f"line {n}" for n in range(1993, 2000)]
    everything = ["".join(run.text for run in engine.history_row(y)).rstrip() for y in range(2000)]
    assert engine.history_text(0, 2000) == everything
    with pytest.raises(IndexError):
        engine.history_row(2000)


def test_ten_thousand_lines_are_kept_and_no_endless_history(opened: Open) -> None:
    engine = opened(20, 5)
    engine.feed(b"".join(b"%d\r\n" % n for n in range(60_000)))
    assert 10_000 <= engine.total_rows - engine.rows <= 40_000
    oldest = 60_001 - engine.total_rows
    assert engine.history_text(0, 1) == [str(oldest)]


def test_a_pane_dragged_narrow_and_wide_again_keeps_its_history(opened: Open) -> None:
    engine = opened(100, 5)
    engine.feed(b"".join(b"<%d>%s\r\n" % (n, b"-" * 80) for n in range(10_000)))
    for cols in (50, 100):
        engine.resize(cols, 5)
    assert len(engine.search("<4321>")) == 1
    assert engine.total_rows >= 9_900


def test_search_finds_old_and_new_lines_by_column(opened: Open) -> None:
    engine = opened(30, 4)
    engine.feed("中文 Needle\r\n".encode() + b"hay\r\n" * 10 + b"a needle, a NEEDLE")
    assert engine.search("needle") == [Match(0, 5, 11), Match(11, 2, 8), Match(11, 12, 18)]
    assert engine.search("") == []
    assert engine.search("nee.le") == []


def test_selected_text_joins_soft_wraps_only(opened: Open) -> None:
    engine = opened(10, 6)
    engine.feed(b"0123456789abcdef\r\nnext  \r\nlast")
    assert engine.selected_text((0, 2), (3, 2)) == "23456789abcdef\nnext\nla"
    assert engine.selected_text((2, 1), (0, 8)) == "89abcdef\nn"
    assert engine.selected_text((1, 1), (1, 1)) == ""
    assert engine.selected_text((3, 0), (99, 5)).rstrip("\n") == "last"


def test_resizing_wraps_the_screen_anew(opened: Open) -> None:
    engine = opened(10, 4)
    engine.feed(b"0123456789abc")
    engine.resize(20, 4)
    assert (engine.cols, engine.rows, engine.text()[0]) == (20, 4, "0123456789abc")
    assert engine.take_dirty() is None
    assert widths(engine) == {20}
    with pytest.raises(ValueError, match="0x5"):
        engine.resize(0, 5)


def test_the_child_cannot_resize_the_screen(opened: Open) -> None:
    engine = opened(20, 5)
    engine.feed(b"\x1b[?40h\x1b[?3h\x1b[8;50;150t\x1b[36t\x1b[132$|wide")
    assert len(engine.text()) == 5
    assert widths(engine) == {20}


QUERIES = {
    b"\x1b[c": b"\x1b[?62",
    b"\x1b[>c": b"\x1b[>1;",
    b"\x1b[5n": b"\x1b[0n",
    b"\x1b[3;4H\x1b[6n": b"\x1b[3;4R",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
}


@pytest.mark.parametrize("query", QUERIES)
def test_queries_are_answered_with_constants(opened: Open, query: bytes) -> None:
    engine = opened(20, 5)
    engine.feed(query)
    assert engine.take_replies().startswith(QUERIES[query])
    assert engine.take_replies() == b""


@pytest.mark.parametrize(
    "query",
    [
        b"\x1b]52;c;aGVsbG8=\x07\x1b]52;c;?\x07",
        b"\x1b]52;p;?\x1b\\",
        b"\x1b]0;rm -rf\x07\x1b[21t",
        b"\x1b]1;rm -rf\x07\x1b[20t",
        b"\x05",
        b"\x1b]50;?\x07",
        b"\x1bP0;1;0!zrm\x1b\\\x1b[0*z",
        b"\x1b[1;1;1;1;5;20*y",
        b"rm\x1b[?1;1;1;1;5;20i",
    ],
)
def test_nothing_of_the_childs_own_comes_back_as_input(opened: Open, query: bytes) -> None:
    engine = opened(20, 5)
    engine.feed(query)
    assert engine.take_replies() == b""


def test_unread_replies_do_not_pile_up(opened: Open) -> None:
    engine = opened(20, 5)
    engine.feed(b"\x1b[c" * 200_000)
    assert len(engine.take_replies()) <= 1 << 20


def test_the_title_is_told_without_controls(opened: Open) -> None:
    engine = opened(20, 5)
    assert engine.title == ""
    engine.feed(b"\x1b]2;a\x07")
    assert engine.title == "a"
    engine.feed("\x1b]2;b\u202e\u200b中\u009c".encode() + b"\x1b\\")
    assert engine.title.startswith("b") and engine.title.isprintable()
    engine.feed(b"\x1b]2;" + b"t" * 5000 + b"\x07")
    assert len(engine.title) <= 256


def test_no_control_character_ever_shows(opened: Open) -> None:
    engine = opened(60, 30)
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x200B, 0xFEFF, 0x2028, 0xE0041, 0xFFFE, 0x10FFFF):
        engine.feed(b"\x1bca" + chr(code).encode() + b"b\x18\x1b\\")
        shown = "".join(run.text for y in range(30) for run in engine.row(y))
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")], hex(code)
        assert widths(engine) == {60}


CLUSTERS = [
    *("e\u0301", "한", "각", "👨‍👩‍👧", "❤️", "☎️", "1️⃣", "🇩🇪", "👍🏽", "☺︎", "﷽", "ｱ", "ー", "✈", "⌚", "㊙"),
    *("\u0e01\u0e33", "\u0915\u094d\u0937", "\U0001f3fb", "\U0001f1e6", "a\u200db"),
]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_rows_fill_the_screen_for_wcwidth_and_for_rich(opened: Open, cluster: str) -> None:
    engine = opened(21, 2)
    engine.feed(f"|{cluster}|{cluster * 9}".encode())
    for y in range(2):
        assert sum(wcswidth(run.text) for run in engine.row(y)) == 21
        assert sum(cell_len(run.text) for run in engine.row(y)) == 21


def spacing_mark(code: int) -> bool:
    """Indic vowel signs: a cell of their own for wcwidth and the engines, none for Rich."""
    return wcswidth("a" + chr(code)) == 2 and wcswidth(chr(code)) == 0


def test_every_character_fills_its_cells(opened: Open) -> None:
    engine = opened(80, 4)
    step = 1 if engine.name.startswith("ghostty") else 37
    codes = [c for c in range(0xA0, 0x1FB00, step) if not 0xD800 <= c < 0xE000] + [first for first, _ in UNSETTLED]
    for start in range(0, len(codes), 150):
        chosen = codes[start : start + 150]
        engine.feed(b"\x1b[2J\x1b[H" + " ".join(map(chr, chosen)).encode())
        rows = [engine.row(y) for y in range(4)]
        assert [sum(wcswidth(run.text) for run in row) for row in rows] == [80] * 4, hex(chosen[0])
        if not any(map(spacing_mark, chosen)):
            assert [sum(cell_len(run.text) for run in row) for row in rows] == [80] * 4, hex(chosen[0])


def test_clusters_stay_whole_after_a_full_reset(opened: Open) -> None:
    engine = opened(10, 1)
    engine.feed("\x1bc👩‍🚀x".encode())
    assert engine.text() == ["👩‍🚀x"]
    assert engine.cursor.x == 3


def test_a_snapshot_of_another_engine_or_damaged_changes_nothing(opened: Open) -> None:
    engine = opened(20, 3)
    engine.feed(b"mine")
    blob = engine.snapshot()
    other = open_engine(20, 3, prefer="bittty" if engine.name.startswith("ghostty") else "ghostty")
    flipped = bytearray(blob)
    flipped[len(blob) // 2] ^= 4
    for bad in (
        b"",
        b"junk",
        blob[:-1],
        bytes(flipped),
        blob[:40],
        *([other.snapshot()] if other.name != engine.name else []),
    ):
        with pytest.raises(SnapshotUnreadable):
            engine.restore(bad)
    assert engine.text()[0] == "mine"


def test_a_snapshot_keeps_size_history_modes_and_title(opened: Open) -> None:
    engine = opened(30, 6)
    engine.feed(
        b"".join(b"\x1b[3%dm%d\x1b[0m\r\n" % (n % 8, n) for n in range(300)) + b"\x1b]2;vi\x07\x1b[?1h\x1b[?2004h"
    )
    engine.feed(b"\x1b[?1049h\x1b[2;4Hvim\x1b7")
    target = opened(80, 24)
    target.restore(engine.snapshot())
    assert (target.cols, target.rows, target.title, target.modes) == (30, 6, "vi", engine.modes)
    for each in (engine, target):
        each.feed(b"\x1b[H!\x1b8?\x1b[?1049l more")
    assert target.total_rows == engine.total_rows == 301
    assert [target.history_row(y) for y in range(301)] == [engine.history_row(y) for y in range(301)]
    assert target.cursor == engine.cursor


def test_a_restored_engine_answers_and_keeps_its_limits(opened: Open) -> None:
    engine = opened(20, 4)
    engine.restore(engine.snapshot())
    engine.feed(b"\x1b[5n" + b"".join(b"%d\r\n" % n for n in range(60_000)))
    assert engine.take_replies() == b"\x1b[0n"
    assert 10_000 <= engine.total_rows <= 40_000


def test_an_endless_string_neither_grows_nor_shows(opened: Open) -> None:
    engine = opened(20, 4)
    engine.feed(b"start")
    engine.feed(b"\x1b]52;c;")
    for _ in range(20):
        engine.feed(b"A" * 65_536)
    engine.feed(b"\x07\x1b[2J\x1b[Hafter")
    assert engine.text()[0] == "after"
    assert engine.snapshot()


def test_asking_for_bittty_gives_bittty_and_the_report_names_the_choice() -> None:
    assert open_engine(10, 2, prefer="bittty").name.startswith("bittty/")
    report = engine_report()
    assert report.name.startswith(report.engine)
    assert open_engine(10, 2).name == report.name

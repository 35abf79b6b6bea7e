"""Properties over byte streams: where a stream is cut, or a snapshot taken, never shows."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from limi_sessions.terminal import EngineChoice, open_engine
from limi_sessions.terminal.engine import Row, SnapshotUnavailable, TermEngine

PIECES = st.sampled_from(
    [
        *("a", "Z", "hello world ", "\r\n", "\n", "\r", "\t", "\b", "\x07", "0123456789" * 4),
        *("中", "日本語", "e\u0301", "👨‍👩‍👧", "❤️", "🇩🇪", "\u0301", "\u200d", "ä", "─┼│"),
        *("\x1b[31m", "\x1b[1;4:3;38;2;1;2;3m", "\x1b[48;5;99m", "\x1b[0m", "\x1b[7m", "\x1b[58:2::1:2:3m"),
        *("\x1b[H", "\x1b[3;7H", "\x1b[2J", "\x1b[K", "\x1b[1K", "\x1b[J", "\x1b[A", "\x1b[5C", "\x1b[2D", "\x1b[3G"),
        *(
            "\x1b[L",
            "\x1b[2M",
            "\x1b[P",
            "\x1b[3@",
            "\x1b[2X",
            "\x1b[S",
            "\x1b[T",
            "\x1b[2;4r",
            "\x1b[r",
            "\x1bM",
            "\x1bD",
        ),
        *(
            "\x1b7",
            "\x1b8",
            "\x1b[?1049h",
            "\x1b[?1049l",
            "\x1b[?7l",
            "\x1b[?7h",
            "\x1b[?6h",
            "\x1b[?6l",
            "\x1b[4h",
            "\x1b[4l",
        ),
        *("\x1b(0lqk\x1b(B", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "\x1bP$qm\x1b\\", "\x1bc"),
        *(
            "\x1b[?2026h",
            "\x1b[?2026l",
            "\x1b[5n",
            "\x1b[?25l",
            "\x1b[!p",
            "\x1b_apc\x1b\\",
            "\x1bH",
            "\x1b[3g",
            "\x1b[I",
        ),
    ]
).map(str.encode)
NOISE = st.one_of(PIECES, PIECES, PIECES, st.binary(max_size=6))
STREAMS = st.lists(NOISE, max_size=40).map(b"".join)
CUTS = st.lists(st.integers(min_value=0, max_value=2000), max_size=12)
SHORT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
engines = pytest.mark.parametrize("choice", ["ghostty", "bittty"])


def state(engine: TermEngine) -> tuple[object, ...]:
    rows: list[Row] = [engine.history_row(y) for y in range(engine.total_rows)]
    return (rows, engine.cursor, engine.modes, engine.title, engine.text())


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[a:b] for a, b in pairwise(edges)]


@engines
@SHORT
@given(stream=STREAMS, cuts=CUTS)
def test_any_chunking_gives_the_same_screen(choice: EngineChoice, stream: bytes, cuts: list[int]) -> None:
    whole, cut = open_engine(20, 6, prefer=choice), open_engine(20, 6, prefer=choice)
    whole.feed(stream)
    for piece in pieces(stream, cuts):
        cut.feed(piece)
    assert state(cut) == state(whole)
    assert cut.take_replies() == whole.take_replies()


@engines
@SHORT
@given(stream=STREAMS, cuts=CUTS)
def test_looking_between_chunks_changes_nothing(choice: EngineChoice, stream: bytes, cuts: list[int]) -> None:
    watched, whole = open_engine(20, 6, prefer=choice), open_engine(20, 6, prefer=choice)
    shown = [watched.row(y) for y in range(6)]
    watched.take_dirty()
    for piece in pieces(stream, cuts):
        watched.feed(piece)
        watched.history_row(0)
        dirty = watched.take_dirty()
        for y in range(6) if dirty is None else dirty:
            shown[y] = watched.row(y)
    whole.feed(stream)
    assert shown == [whole.row(y) for y in range(6)]


@engines
@SHORT
@given(stream=STREAMS, at=st.integers(min_value=0, max_value=2000))
def test_a_snapshot_taken_anywhere_goes_on_as_if_nothing_had_happened(
    choice: EngineChoice, stream: bytes, at: int
) -> None:
    at %= len(stream) + 1
    whole, first, second = (open_engine(20, 6, prefer=choice) for _ in range(3))
    whole.feed(stream)
    first.feed(stream[:at])
    second.feed(b"something else \x1b[31m\x1b[?1049h")
    second.restore(first.snapshot())
    assert state(second) == state(first)
    second.feed(stream[at:])
    assert state(second) == state(whole)


@engines
@SHORT
@given(stream=st.binary(max_size=300))
def test_noise_keeps_every_row_as_wide_as_the_screen(choice: EngineChoice, stream: bytes) -> None:
    engine = open_engine(17, 4, prefer=choice)
    engine.feed(stream)
    try:
        engine.restore(engine.snapshot())
    except SnapshotUnavailable:
        pytest.fail("300 bytes are no long sequence")
    for y in range(engine.total_rows):
        assert sum(wcswidth(run.text) for run in engine.history_row(y)) == 17
        shown = "".join(run.text for run in engine.history_row(y))
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]


@engines
@SHORT
@given(stream=STREAMS, sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 12)), min_size=1, max_size=4))
def test_resizing_at_any_time_keeps_rows_whole(
    choice: EngineChoice, stream: bytes, sizes: list[tuple[int, int]]
) -> None:
    engine = open_engine(20, 6, prefer=choice)
    for cols, rows in sizes:
        engine.feed(stream)
        engine.resize(cols, rows)
        assert (engine.cols, engine.rows, len(engine.text())) == (cols, rows, rows)
        assert 0 <= engine.cursor.x < cols and 0 <= engine.cursor.y < rows
        for y in range(engine.total_rows):
            assert sum(wcswidth(run.text) for run in engine.history_row(y)) == cols

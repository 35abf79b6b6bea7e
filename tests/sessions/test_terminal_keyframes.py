"""Keyframes are a cache: near any moment when they are whole, never in the way when they are not."""

import stat
from pathlib import Path

import pytest

from limi_sessions.terminal import open_engine
from limi_sessions.terminal.engine import SnapshotUnreadable, TermEngine
from limi_sessions.terminal.keyframes import EVERY_BYTES, Keyframes, KeyframesUnwritable, OutputSlice, replay

RECORDING = b"".join(b"\x1b[3%dmline %d of the recording\x1b[0m\r\n" % (n % 8, n) for n in range(30_000))
STEP = 10_000


def record(frames: Keyframes, engine: TermEngine) -> None:
    for start in range(0, len(RECORDING), STEP):
        engine.feed(RECORDING[start : start + STEP])
        at = min(start + STEP, len(RECORDING))
        if frames.due(output_offset=at, time=at / 1e6):
            frames.add(engine, output_offset=at, event_offset=2 * at, time=at / 1e6)


def screen_at(offset: int) -> list[str]:
    engine = open_engine(40, 10)
    engine.feed(RECORDING[:offset])
    return engine.text()


@pytest.fixture
def frames(tmp_path: Path) -> Keyframes:
    kept = Keyframes(tmp_path / "keyframes" / "shell-000.kf")
    record(kept, open_engine(40, 10))
    return kept


def test_a_keyframe_falls_due_by_output_or_by_time(tmp_path: Path) -> None:
    frames = Keyframes(tmp_path / "a.kf")
    assert not frames.due(output_offset=0, time=60)
    assert not frames.due(output_offset=EVERY_BYTES - 1, time=4)
    assert frames.due(output_offset=EVERY_BYTES, time=0)
    assert frames.due(output_offset=1, time=5)
    frames.add(open_engine(10, 2), output_offset=1, event_offset=1, time=5)
    assert not frames.due(output_offset=1, time=60)
    assert frames.due(output_offset=2, time=10)


def test_seeking_from_a_keyframe_shows_what_feeding_everything_shows(frames: Keyframes) -> None:
    assert len(frames.frames) >= len(RECORDING) // (EVERY_BYTES + STEP)
    reopened = Keyframes(frames.path)
    assert reopened.frames == frames.frames
    for offset in (0, 300_000, 555_555, len(RECORDING)):
        engine = open_engine(40, 10)
        frame = reopened.load_nearest(offset, engine)
        start = frame.output_offset if frame else 0
        assert start <= offset
        assert offset - start <= EVERY_BYTES + STEP
        replay(engine, [OutputSlice(output=RECORDING[start:offset])])
        assert engine.text() == screen_at(offset)


def test_a_damaged_keyframe_is_passed_over_for_an_older_one(frames: Keyframes) -> None:
    last, older = frames.frames[-1], frames.frames[-2]
    content = bytearray(frames.path.read_bytes())
    content[last.position + last.size // 2] ^= 1
    frames.path.write_bytes(content)
    engine = open_engine(40, 10)
    reopened = Keyframes(frames.path)
    with pytest.raises(SnapshotUnreadable):
        reopened.load(last, engine)
    assert reopened.load_nearest(len(RECORDING), engine) == older


def test_keyframes_of_another_engine_are_as_good_as_none(frames: Keyframes) -> None:
    name = frames.frames[0].engine
    other = open_engine(40, 10, prefer="bittty")
    if other.name == name:
        pytest.skip("only one engine here")
    assert frames.load_nearest(len(RECORDING), other) is None
    assert other.text() == [""] * 10


def test_a_torn_tail_is_ignored_and_overwritten(frames: Keyframes) -> None:
    whole = frames.frames
    frames.path.write_bytes(frames.path.read_bytes()[:-7])
    torn = Keyframes(frames.path)
    assert torn.frames == whole[:-1]
    added = torn.add(open_engine(40, 10), output_offset=whole[-1].output_offset, event_offset=3, time=9)
    assert Keyframes(frames.path).frames == (*whole[:-1], added)


def test_a_file_of_noise_holds_no_keyframes(tmp_path: Path) -> None:
    path = tmp_path / "noise.kf"
    for noise in (b"", b"{}\n", b'{"at":"x"}\n', b"\xff\n" * 9, b"[1]\n", b"x" * 9000):
        path.write_bytes(noise)
        assert Keyframes(path).frames == ()


def test_keyframes_are_private_and_a_full_or_missing_place_is_told(tmp_path: Path, frames: Keyframes) -> None:
    assert stat.S_IMODE(frames.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(frames.path.parent.stat().st_mode) == 0o700
    (tmp_path / "file").write_bytes(b"")
    blocked = Keyframes(tmp_path / "file" / "x.kf")
    with pytest.raises(KeyframesUnwritable, match=r"x\.kf"):
        blocked.add(open_engine(4, 2), output_offset=1, event_offset=1, time=1)


def test_no_keyframe_inside_an_endless_sequence(tmp_path: Path) -> None:
    engine = open_engine(40, 10)
    if not engine.name.startswith("ghostty"):
        pytest.skip("bittty drops such a sequence")
    engine.feed(b"\x1b]52;c;" + b"A" * 100_000)
    frames = Keyframes(tmp_path / "a.kf")
    assert frames.add(engine, output_offset=1, event_offset=1, time=1) is None
    assert frames.frames == ()


def test_replaying_answers_no_old_question() -> None:
    engine = open_engine(20, 4)
    replay(engine, [OutputSlice(output=b"\x1b[5n"), OutputSlice(resize=(30, 5)), OutputSlice(output=b"x")])
    assert (engine.cols, engine.rows, engine.take_replies()) == (30, 5, b"")

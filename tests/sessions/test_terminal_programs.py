"""Real programs in a real pty: what they draw, an independent terminal (tmux) draws too."""

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ptyprocess import PtyProcess

from limi_sessions.terminal import EngineChoice, open_engine
from limi_sessions.terminal.engine import TermEngine

COLS, ROWS = 80, 24
DEADLINE_S = 10
Screen = Callable[[list[str]], bool]


@dataclass(frozen=True)
class Step:
    """Once the screen shows this, type that."""

    shows: str
    keys: bytes


def run_program(argv: list[str], steps: list[Step], home: Path) -> tuple[bytes, TermEngine]:
    """Everything a program wrote until the last step's text was on the screen, and the engine that saw it live."""
    engine = open_engine(COLS, ROWS)
    env = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": str(home), "PATH": os.environ["PATH"]}
    child = PtyProcess.spawn(argv, dimensions=(ROWS, COLS), env=env, cwd=str(home))
    stream = b""
    deadline = time.monotonic() + DEADLINE_S
    try:
        for step in steps:
            while not any(step.shows in line for line in engine.text()):
                ready, _, _ = select.select([child.fd], [], [], max(0, deadline - time.monotonic()))
                assert ready, f"{step.shows!r} never showed:\n" + "\n".join(engine.text())
                output = child.read(65536)
                stream += output
                engine.feed(output)
                if replies := engine.take_replies():
                    child.write(replies)
            if step.keys:
                child.write(step.keys)
    finally:
        child.close(force=True)
    return stream, engine


@pytest.fixture
def tmux_screen(tmp_path: Path) -> Iterator[Callable[[bytes], list[str]]]:
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("tmux is not installed")
    config = tmp_path / "tmux.conf"
    config.write_text("set -g status off\nset -g default-terminal xterm-256color\n")
    base = [tmux, "-u", "-S", str(tmp_path / "tmux.sock"), "-f", str(config)]
    env = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    env.pop("TMUX", None)

    def call(*argv: str) -> str:
        return subprocess.run([*base, *argv], env=env, check=True, capture_output=True, text=True, timeout=30).stdout

    def screen(stream: bytes) -> list[str]:
        recorded = tmp_path / "stream"
        recorded.write_bytes(stream + b"\x18\x1b]2;all-read\x1b\\")
        shell = f"stty raw -echo; cat {recorded}; exec cat"
        call("new-session", "-d", "-x", str(COLS), "-y", str(ROWS), "sh", "-c", shell)
        deadline = time.monotonic() + DEADLINE_S
        while call("display-message", "-p", "#{pane_title}").strip() != "all-read":
            assert time.monotonic() < deadline, "tmux never read the end of the stream"
        return [line.rstrip() for line in call("capture-pane", "-p").split("\n")[:ROWS]]

    yield screen
    subprocess.run([*base, "kill-server"], env=env, check=False, capture_output=True)


TEXT = "".join(f"line {n}\tcolumn 中文 ─┼─ {'x' * (n % 90)}\n" for n in range(400))
PROGRAMS: dict[str, tuple[str, list[str], list[Step]]] = {
    "vim": (
        "vim",
        ["-u", "NONE", "-N", "--cmd", "set number ruler", "text.txt"],
        [
            Step("line 0", b"50G"),
            Step("line 49", b":vsplit\r"),
            Step("text.txt", b"Ohello from vim\x1b"),
            Step("hello from vim", b"\x06\x06:set hlsearch\r/column\r"),
            Step("/column", b""),
        ],
    ),
    "less": (
        "less",
        ["-N", "text.txt"],
        [Step("text.txt", b"G"), Step("line 399", b"g"), Step("line 0", b"/line 77\r"), Step("line 77", b"")],
    ),
    "htop": ("htop", ["-d", "2"], [Step("PID", b"t"), Step("Load average", b"\x1b[B\x1b[B"), Step("F10", b"")]),
    "python": (
        sys.executable,
        ["-q", "-i", "-c", "import sys"],
        [
            Step(">>>", b"for n in range(30): print(n, '\\x1b[3%dm' % (n % 8), 'c' * n)\r\r"),
            Step("29  ccc", b"print('\\u4e2d' * 60)\r"),
            Step("中中", b""),
        ],
    ),
}


@pytest.fixture(params=PROGRAMS)
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[bytes, TermEngine]:
    program, arguments, steps = PROGRAMS[request.param]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (tmp_path / "text.txt").write_text(TEXT)
    return run_program([program, *arguments], steps, tmp_path)


@pytest.mark.parametrize("choice", ["ghostty", "bittty"])
def test_a_programs_screen_is_the_one_tmux_draws(
    recorded: tuple[bytes, TermEngine], tmux_screen: Callable[[bytes], list[str]], choice: EngineChoice
) -> None:
    stream, _ = recorded
    engine = open_engine(COLS, ROWS, prefer=choice)
    engine.feed(stream)
    assert engine.text() == tmux_screen(stream)


def test_a_recording_fed_at_once_shows_what_was_seen_live(recorded: tuple[bytes, TermEngine]) -> None:
    stream, live = recorded
    engine = open_engine(COLS, ROWS)
    engine.feed(stream)
    assert [engine.row(y) for y in range(ROWS)] == [live.row(y) for y in range(ROWS)]
    assert (engine.cursor, engine.modes) == (live.cursor, live.modes)


def test_a_program_goes_on_after_a_snapshot(recorded: tuple[bytes, TermEngine]) -> None:
    stream, live = recorded
    for at in range(0, len(stream), max(1, len(stream) // 25)):
        first, second = open_engine(COLS, ROWS), open_engine(COLS, ROWS)
        first.feed(stream[:at])
        second.restore(first.snapshot())
        second.feed(stream[at:])
        assert [second.row(y) for y in range(ROWS)] == [live.row(y) for y in range(ROWS)], at

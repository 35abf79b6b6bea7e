"""The guard on the bytes that a program writes to its terminal: a hostile text on every surface, in a real pty."""

from __future__ import annotations

import base64
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from hostile_app import SURFACES

APP = Path(__file__).with_name("hostile_app.py")
OPERATING_SYSTEM_COMMAND = re.compile(rb"\x1b\](\d*)")
C1 = re.compile("[\x80-\x9f]")
SEQUENCES = {
    "device control string": b"\x1bP",
    "application command": b"\x1b_",
    "reset": b"\x1bc",
    "shift out": b"\x0e",
    "backspace": b"\x08",
}
HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")


class Terminal:
    """The hostile app in a pty, and all that it has written."""

    def __init__(self, *arguments: str) -> None:
        environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable, [str(APP), *arguments], env=environment, dimensions=(70, 150), timeout=30
        )
        self.written = b""

    def read_until(self, *words: bytes) -> bytes:
        """All that was written, once it holds these words."""
        deadline = time.monotonic() + 30
        while not all(word in self.written for word in words):
            assert time.monotonic() < deadline, [word for word in words if word not in self.written]
            self.written += self.child.read_nonblocking(65536, timeout=30)
        return self.written

    def read_to_end(self) -> bytes:
        """All that was written until the app ended."""
        while True:
            try:
                self.written += self.child.read_nonblocking(65536, timeout=30)
            except pexpect.EOF:
                self.child.wait()
                return self.written


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    started = Terminal()
    yield started
    started.child.close(force=True)


def leaks(written: bytes) -> list[str]:
    """What must never reach a terminal, by name."""
    text = written.decode("utf-8", "replace")
    commands = set(OPERATING_SYSTEM_COMMAND.findall(written)) - {b"22"}  # 22: the pointer's shape, Textual's own
    found = [f"OSC {each.decode()}" for each in sorted(commands)]
    found += ["device control string"] * (b"\x1bP" in written) + ["application command"] * (b"\x1b_" in written)
    found += (
        ["reset"] * (b"\x1bc" in written) + ["shift out"] * (b"\x0e" in written) + ["backspace"] * (b"\x08" in written)
    )
    found += ["C1"] * bool(C1.search(text)) + ["hidden character"] * bool(HIDDEN.search(text))
    return found


def test_no_surface_lets_a_hostile_text_through(terminal: Terminal) -> None:
    written = terminal.read_until(*(b"mk" + surface.encode() for surface in SURFACES))
    assert leaks(written) == []


def test_the_same_app_without_the_guard_leaks() -> None:
    unguarded = Terminal("--unguarded")
    try:
        written = unguarded.read_until(*(b"mk" + surface.encode() for surface in SURFACES))
    finally:
        unguarded.child.close(force=True)
    assert {"OSC 52", "OSC 0", "OSC 8", "device control string", "C1", "hidden character"} <= set(leaks(written))


@pytest.mark.parametrize(("key", "shown"), [("x", b"mkexception"), ("m", b"mkmessage")])
def test_what_is_printed_after_the_screen_is_left_is_safe(terminal: Terminal, key: str, shown: bytes) -> None:
    terminal.read_until(b"mktoast")
    before = len(terminal.written)
    terminal.child.send(key)
    printed = terminal.read_to_end()[before:].partition(b"\x1b[?1049l")[2]
    assert shown in printed
    assert leaks(printed) == []


def test_the_clipboard_is_written_on_a_key_only_and_without_an_end_of_paste(terminal: Terminal) -> None:
    terminal.read_until(b"mktoast")
    assert b"\x1b]52" not in terminal.written
    terminal.child.send("c")
    written = terminal.read_until(b"\x1b]52;c;", b"\x07")
    assert base64.b64decode(written.partition(b"\x1b]52;c;")[2].partition(b"\x07")[0]) == b"taken[201~"

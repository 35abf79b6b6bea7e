"""The pane as a person meets it: a real shell in it, the whole in a real pty, read through a terminal engine."""

from __future__ import annotations

import base64
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from limi_sessions.terminal import open_engine

APP = Path(__file__).with_name("pane_app.py")


class Host:
    """The host terminal: an engine that shows what the app writes."""

    def __init__(
        self, folder: Path, *, shell: str = "bash", cols: int = 90, rows: int = 24, **environment: str
    ) -> None:
        base = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        self.screen = open_engine(cols, rows)
        self.written = bytearray()
        self.app: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable,
            [str(APP), "bash", str(folder)],
            env=base | {"COLORTERM": "truecolor"} | environment,
            dimensions=(rows, cols),
            timeout=20,
        )

    def until(self, fact: Callable[[list[str]], object]) -> list[str]:
        """The screen's rows once a fact holds of them."""
        deadline = time.monotonic() + 20
        while not fact(self.screen.text()):
            assert time.monotonic() < deadline, "\n".join(self.screen.text())
            try:
                got = self.app.read_nonblocking(65536, timeout=1)
            except pexpect.TIMEOUT:
                continue
            self.written += got
            self.screen.feed(got)
        return self.screen.text()

    def shows(self, text: str) -> list[str]:
        return self.until(lambda rows: any(text in row for row in rows))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    started = Host(tmp_path)
    yield started
    started.app.close(force=True)


def test_a_person_types_a_command_and_sees_its_output(host: Host) -> None:
    host.shows("YOU")
    host.app.send("echo $((6*7)) 測試; printf '\\033]52;c;SEFDSw==\\a\\033]0;own\\a'\r")
    host.shows("42 測試")
    assert b"\x1b]52" not in host.written
    assert b"\x1b]0;" not in host.written


@pytest.mark.skipif(not shutil.which("vim"), reason="vim is not installed")
def test_vim_is_usable_and_escape_is_its_own(host: Host, tmp_path: Path) -> None:
    host.shows("YOU")
    host.app.send("vim -u NONE -n note.txt\r")
    host.shows("~")
    host.app.send("ihello from vim")
    host.shows("hello from vim")
    host.app.send("\x1b")
    host.app.send(":wq\r")
    host.until(lambda rows: not any(row.startswith("~") for row in rows))
    host.app.send("cat note.txt | tr a-z A-Z\r")
    host.shows("HELLO FROM VIM")


@pytest.mark.skipif(not shutil.which("less"), reason="less is not installed")
def test_less_follows_a_resize(host: Host) -> None:
    host.shows("YOU")
    host.app.send("seq 500 | less\r")
    host.until(lambda rows: rows[0] == "1" and rows[22].startswith(":"))
    host.app.setwinsize(12, 60)
    host.screen.resize(60, 12)
    host.screen.feed(b"\x1b[2J")
    host.until(lambda rows: rows[0] == "1" and rows[10].startswith(":") and "YOU" in rows[11])
    host.app.send("q")
    host.until(lambda rows: not rows[10].startswith(":"))


def test_a_bracketed_paste_reaches_the_shell_as_one(host: Host) -> None:
    host.shows("YOU")
    host.app.send("\x1b[200~echo one\necho two\x1b[201~")
    host.until(lambda rows: any("echo two" in row for row in rows) and not any(row == "one" for row in rows))
    host.app.send("\r")
    host.until(lambda rows: "one" in rows and "two" in rows)


def test_the_alt_keys_of_readline_work(host: Host) -> None:
    host.shows("YOU")
    host.app.send("echo first-argument\r")
    host.until(lambda rows: "first-argument" in rows)
    host.app.send("printf '<%s>' \x1b.\r")
    host.shows("<first-argument>")


def test_copying_in_the_review_writes_the_clipboard(host: Host) -> None:
    host.shows("YOU")
    host.app.send("seq -f 'row %g' 200\r")
    host.shows("row 200")
    host.app.send("\x1b[18~/row 7\r")
    host.shows("REVIEW")
    host.app.send("Vy")
    host.until(lambda _: b"\x1b]52;c;" in host.written and b"\x07" in host.written.partition(b"\x1b]52;c;")[2])
    copied = bytes(host.written.partition(b"\x1b]52;c;")[2].partition(b"\x07")[0])
    assert base64.b64decode(copied).decode().strip().startswith("row 7")


def test_under_no_color_no_colour_is_sent(tmp_path: Path) -> None:
    host = Host(tmp_path, NO_COLOR="1")
    try:
        host.shows("YOU")
        host.app.send("printf '\\033[31mloud\\033[48;2;1;2;3m\\033[0m done\\n'\r")
        host.shows("loud done")
    finally:
        host.app.close(force=True)
    colours = re.findall(rb"\x1b\[[\d;]*?(?:^|;)?(?:3[0-8]|4[0-8]|9\d|10\d)(?:;[\d;]*)?m", bytes(host.written))
    assert colours == []

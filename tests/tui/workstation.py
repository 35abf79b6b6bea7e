"""The real program in a real pty, its screen read through a terminal engine."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
from cli_house import House

from limi_sessions.terminal import open_engine
from limi_tui.widgets.approval_quiet import QUIET_S

Turn = dict[str, Any]
F5, F6, F8 = "\x1b[15~", "\x1b[17~", "\x1b[19~"
CTRL_C, CTRL_Q, ESCAPE = "\x03", "\x11", "\x1b"


def call(name: str, **arguments: object) -> Turn:
    """A turn of a script with one call."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def script(path: Path, *turns: Turn | str) -> str:
    """The model that says these turns; a string is a final answer."""
    path.write_text(json.dumps([{"text": turn} if isinstance(turn, str) else turn for turn in turns]))
    return f"scripted:{path}"


class Workstation:
    """limi in a pty of its own."""

    def __init__(self, house: House, *arguments: str, cols: int = 110, rows: int = 32, **environ: str) -> None:
        self.screen = open_engine(cols, rows)
        self.written = bytearray()
        environment = house.environment(TERM="xterm-256color", LANG="C.UTF-8", HOME=str(house.root), **environ)
        for name in ("NO_COLOR", "TMUX", "ZDOTDIR"):
            environment.pop(name, None)
        # The verbs typed in the pane must find the program.
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable,
            ["-P", "-m", "limi_tui", *arguments],
            env=environment,
            cwd=str(house.root),
            dimensions=(rows, cols),
            timeout=30,
        )

    def read(self, timeout_s: float) -> bool:
        """Take what is written within a time; whether the program still runs."""
        try:
            got = self.child.read_nonblocking(65536, timeout=timeout_s)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.written += got
        self.screen.feed(got)
        return True

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.screen.text())

    def until(self, fact: Callable[[str], object], *, timeout_s: float = 40) -> str:
        """The screen once a fact holds of it."""
        deadline = time.monotonic() + timeout_s
        while not fact(self.text):
            assert time.monotonic() < deadline, f"not within {timeout_s} s:\n{self.text}"
            assert self.read(0.5), f"it ended:\n{self.text}"
        return self.text

    def shows(self, *words: str, timeout_s: float = 40) -> str:
        """The screen once it shows all these words."""
        return self.until(lambda text: all(word in text for word in words), timeout_s=timeout_s)

    def hides(self, word: str) -> str:
        """The screen once it does not show a word."""
        return self.until(lambda text: word not in text)

    def send(self, keys: str) -> None:
        """Press keys."""
        self.child.send(keys)

    def decide(self, key: str) -> None:
        """Answer an approval that has just come up; keys that follow too fast are taken for somebody's typing."""
        self.shows("a accept")
        end = time.monotonic() + 2 * QUIET_S
        while time.monotonic() < end:
            self.read(0.1)
        self.send(key)

    def line(self, text: str) -> None:
        """Type a line where the focus is, and see it before Enter."""
        self.send(text)
        self.shows(text[-20:])
        self.send("\r")

    def ends(self) -> int:
        """The exit code, once it has ended; minus the signal where one killed it."""
        deadline = time.monotonic() + 40
        while self.read(0.5):
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
        self.child.wait()
        return -self.child.signalstatus if self.child.signalstatus else int(self.child.exitstatus or 0)

    def close(self) -> None:
        """Make sure that nothing is left."""
        self.child.close(force=True)


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that were started for a home: their environment or arguments name it."""
    named = str(directory).encode()
    found: list[str] = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            arguments, environ = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
        except OSError:
            continue
        if arguments and (named in arguments or named in environ):
            found.append(f"{place.name} {arguments.replace(bytes(1), b' ').decode(errors='replace')}")
    return found


def nothing_runs_in(directory: Path, *, within_s: float = 15) -> None:
    """Fail unless all processes of a home end by themselves."""
    deadline = time.monotonic() + within_s
    pause = 0.05
    while left := processes_of(directory):
        assert time.monotonic() < deadline, left
        time.sleep(pause)


def new_house(root: Path) -> House:
    """A home without anything but a short prompt for its shells."""
    house = House(root / "limi")
    house.root.mkdir()
    (house.root / ".bashrc").write_text("PS1='$ '\n")
    return house


def empty_workspace(root: Path) -> Path:
    """A new directory to work in."""
    place = root / "ws"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place

"""A limi home in a temporary directory, scripts of a model for it, and the real program run on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from limi_sessions.paths import Home

Turn = dict[str, Any]
Line = dict[str, Any]


def call(name: str, **arguments: object) -> Turn:
    """A turn with one call."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def command(line: str, **more: object) -> Turn:
    """A turn that runs a command."""
    return call("run_shell_command", command=line, **more)


@dataclass
class Ended:
    """A finished run of the program."""

    code: int
    out: str
    err: str
    peak_mb: float = 0.0
    """Largest resident memory of limi itself that was seen."""

    @property
    def lines(self) -> list[Line]:
        """The printed events."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def session_id(self) -> str:
        return self.lines[0]["session_id"]

    def of(self, kind: str) -> list[Line]:
        """Payloads of one kind, in order."""
        return [line["payload"] for line in self.lines if line["kind"] == kind]

    @property
    def results(self) -> list[Line]:
        return self.of("tool_finished")


@dataclass
class Running:
    """A run that goes on; what it prints goes to files, as a pipe that nobody reads would stop it."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    streams: list[IO[bytes]] = field(default_factory=list[IO[bytes]])

    def printed(self) -> list[Line]:
        """The whole lines so far."""
        return [json.loads(line) for line in self.out.read_bytes().split(b"\n")[:-1]]

    def until(self, fact: Callable[[list[Line]], object], timeout_s: float = 40) -> None:
        deadline = time.monotonic() + timeout_s
        while not fact(self.printed()):
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.err.read_text()}"
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {self.out.read_text()[-2000:]}"
            time.sleep(0.02)

    def end(self, timeout_s: float = 90) -> Ended:
        peak, deadline = 0.0, time.monotonic() + timeout_s
        while self.process.poll() is None:
            peak = max(peak, resident_mb(self.process.pid))
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"still running after {timeout_s} s: {self.out.read_text()[-3000:]}")
            time.sleep(0.02)
        for stream in self.streams:
            stream.close()
        return Ended(self.process.returncode, self.out.read_text(), self.err.read_text(), peak)


@dataclass
class Headless:
    """A home, a workspace, and the program with them."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict[str, str])
    runs: int = 0

    @property
    def home(self) -> Home:
        return Home(self.root / "limi")

    @property
    def workspace(self) -> Path:
        path = self.root / "ws"
        path.mkdir(exist_ok=True)
        return path

    def script(self, *turns: Turn | str) -> str:
        """The model that says these turns; a string is a final answer."""
        path = self.root / f"script-{len(list(self.root.glob('script-*')))}.json"
        path.write_text(json.dumps([{"text": turn} if isinstance(turn, str) else turn for turn in turns]))
        return f"scripted:{path}"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIMI_")}
        for name in ("OPENAI_BASE_URL", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
            kept.pop(name, None)
        home = self.root / "user"
        home.mkdir(exist_ok=True)
        return {
            **kept,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "LIMI_HOME": str(self.home.root),
            "HOME": str(home),
            **self.environ,
        }

    def limi(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """A short verb, to its end."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "limi_tui", *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment(),
            timeout=90,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(
        self,
        model: str,
        *options: str,
        query: str | bytes = "hi",
        mode: str = "yolo",
        workspace: Path | None = None,
        before_exec: Callable[[], None] | None = None,
        stdout: int | None = None,
    ) -> Running:
        """`limi session run` with `--json`; a query in bytes goes through standard input."""
        self.runs += 1
        out, err = self.root / f"out-{self.runs}.jsonl", self.root / f"err-{self.runs}.txt"
        streams = [out.open("wb"), err.open("wb")]
        place = str(workspace or self.workspace)
        piped = isinstance(query, bytes)
        arguments = ["session", "run", "--model", model, "--query", "-" if piped else query, "--workspace", place]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "limi_tui", *arguments, "--mode", mode, "--json", *options],
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=streams[0] if stdout is None else stdout,
            stderr=streams[1],
            env=self.environment(),
            preexec_fn=before_exec,
        )
        if piped and process.stdin is not None:
            process.stdin.write(query)
            process.stdin.close()
        return Running(process, out, err, list(streams))

    def run(self, model: str, *options: str, **more: Any) -> Ended:
        return self.start(model, *options, **more).end()

    def journal(self, session_id: str) -> list[Line]:
        """The journal's lines in the form in which they are printed: the payload's kind stands beside it only."""
        lines = [json.loads(line) for line in self.home.session(session_id).journal.read_bytes().splitlines()]
        return [line | {"payload": {k: v for k, v in line["payload"].items() if k != "kind"}} for line in lines]

    def show(self, session_id: str) -> Line:
        return json.loads(self.limi("session", "show", session_id, "--json").out)


def resident_mb(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ProcessLookupError):
        return 0.0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if fields else 0.0


def processes_of(session_id: str) -> dict[int, str]:
    """Living processes that belong to a session: by their environment or their command line."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            line = (entry / "cmdline").read_bytes()
            environ = (entry / "environ").read_bytes()
        except OSError:
            continue
        marks = (f"LIMI_INSIDE={session_id}".encode() in environ, f"/sessions/{session_id}".encode() in line)
        if state not in "ZX" and any(marks):
            found[int(entry.name)] = line.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def files_with(root: Path, needles: Sequence[bytes]) -> list[Path]:
    """Files below a directory that hold one of these."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if any(needle in path.read_bytes() for needle in needles)]


def interrupt(running: Running) -> None:
    running.process.send_signal(signal.SIGINT)

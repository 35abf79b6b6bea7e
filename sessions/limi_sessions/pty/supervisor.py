"""The shell's keeper: a program that starts one shell on its terminal and lets nothing outlive the workstation.

Run as ``python -I -S supervisor.py CONTROL_FD COMMAND...`` on a fresh pty. It gives the terminal to the shell (own
session, so job control is untouched), becomes the subreaper of everything started there, and watches one socket:

    supervisor -> workstation   ``pid N`` | ``failed TEXT`` | ``exit CODE`` | ``signal N``, one a line
    workstation -> supervisor   nothing; its end of file (close, or death by any signal) means: end everything

Daemons, ``nohup`` and ``setsid`` children are found because an orphan is re-parented to its nearest subreaper. Knows
nothing of limi: imports the standard library only and runs without site-packages. macOS has no subreaper: there,
children that left the shell's session survive.

Source: prctl(2) PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG, tty_ioctl(4) TIOCNOTTY and TIOCSCTTY.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import signal
import socket
import sys
import termios
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 0.3
"""Between SIGHUP and SIGKILL."""
LIMIT_S = 5.0
"""How long SIGKILL is repeated; a process in uninterruptible sleep or of another user is given up."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _parents() -> dict[int, int]:
    """Parent of every live process, zombies left out."""
    parents: dict[int, int] = {}
    if not Path("/proc/self/stat").exists():
        import subprocess  # costs 10 ms that Linux need not pay

        listing = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=False).stdout
        for line in listing.splitlines():
            pid, parent, state = line.split()[:3]
            if not state.startswith("Z"):
                parents[int(pid)] = int(parent)
        return parents
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, parent = (process / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state not in (b"Z", b"X"):
                parents[int(process.name)] = int(parent)
    return parents


def descendants(root: int) -> list[int]:
    """Every live process below ``root``, in no order."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    below = list(children.get(root, ()))
    while below:
        pid = below.pop()
        found.append(pid)
        below.extend(children.get(pid, ()))
    return found


def _signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


class Keeper:
    """Watches the shell and the workstation until one of them is gone, then ends what is left."""

    def __init__(self, control: socket.socket, shell: int) -> None:
        self.control = control
        self.shell = shell
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def say(self, line: str) -> None:
        """Tell the workstation; it may be gone."""
        with contextlib.suppress(OSError):
            self.control.sendall(line.encode() + b"\n")

    def reap(self) -> None:
        """Collect every dead child; report the shell's end."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.shell:
                code = os.waitstatus_to_exitcode(status)
                self.say(f"exit {code}" if code >= 0 else f"signal {-code}")

    def watch(self) -> None:
        """Return when the workstation is gone."""
        while True:
            readable, _, _ = select.select([self.control, self.wake], [], [])
            if self.wake in readable:
                received = os.read(self.wake, 4096)
                if signal.SIGTERM in received:
                    return
                self.reap()
            if self.control in readable and not self._heard():
                return

    def _heard(self) -> bytes:
        """Nothing: the workstation is gone. A killed one that had not read our last word resets the connection."""
        try:
            return self.control.recv(64)
        except OSError:
            return b""

    def end_all(self) -> None:
        """Hang up on all descendants, then kill them until none is left."""
        me = os.getpid()
        _signal_all(left := descendants(me), signal.SIGHUP)
        _signal_all(left, signal.SIGCONT)
        started = time.monotonic()
        while left and (passed := time.monotonic() - started) < LIMIT_S:
            if passed >= GRACE_S:
                _signal_all(left, signal.SIGKILL)
            select.select([self.wake], [], [], 0.02)
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake, 4096)
            self.reap()
            left = descendants(me)


_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTTOU, signal.SIGTTIN, signal.SIGTSTP)


def _become_shell(failure: int, command: list[str], parent: int) -> None:
    """Take the terminal in a session of its own and exec; never returns. A problem is written to `failure`."""
    try:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in (*_IGNORED, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        os.execvp(command[0], command)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(failure, str(error.strerror or error).encode())
    os._exit(127)


def _noted(_number: int, _frame: object) -> None:
    """The wake-up pipe carries the news."""


def main(arguments: list[str]) -> int:
    """Start the shell and keep it; ``arguments`` are the control descriptor and the command."""
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    # Only a terminal without a session can become the shell's own.
    with contextlib.suppress(OSError):
        fcntl.ioctl(0, termios.TIOCNOTTY)
    me = os.getpid()
    failure, failure_end = os.pipe()
    shell = os.fork()
    if shell == 0:
        _become_shell(failure_end, arguments[1:], me)
    os.close(failure_end)
    # Closed by a successful exec.
    if problem := os.read(failure, 4096):
        control.sendall(b"failed " + problem + b"\n")
        return 1
    os.close(failure)
    # The terminal reads as closed only once nobody but the shell's processes holds it.
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    os.chdir("/")
    keeper = Keeper(control, shell)
    signal.signal(signal.SIGCHLD, _noted)
    signal.signal(signal.SIGTERM, _noted)
    try:
        keeper.say(f"pid {shell}")
        keeper.reap()
        keeper.watch()
    finally:
        keeper.end_all()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The shell's keeper: a program that starts one command and lets nothing outlive the workstation.

Run as ``python -I -S supervisor.py CONTROL_FD terminal|pipes MOST COMMAND...``: on a fresh pty it gives the terminal to
the command (own session, so job control is untouched), with pipes the command keeps the standard streams. It becomes
the subreaper of everything started there, and watches one socket:

    supervisor -> workstation   ``pid N`` | ``failed TEXT`` | ``exit CODE`` | ``signal N`` | ``bomb N``, one a line
    workstation -> supervisor   nothing; its end of file (close, or death by any signal) means: end everything

``bomb N``: N processes and threads ran at once, more than MOST (0: any number is allowed), and are being killed.
Daemons, ``nohup`` and ``setsid`` children are found because an orphan is re-parented to its nearest subreaper. Imports
the standard library and two neighbours that do the same: it runs without site-packages. macOS has no subreaper:
there, children that left the command's session survive, and bombs are not noticed.

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

if not __package__:
    # Run as a program, and isolated: the package that this file belongs to is not on the path.
    sys.path.append(str(Path(__file__).parents[2]))

from limi_sessions.pty.bombwatch import BombWatch, go_before_others, kill_frozen
from limi_sessions.pty.processcap import ProcessCap
from limi_sessions.pty.proctable import descendants, signal_all

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 0.3
"""Between SIGHUP and SIGKILL."""
REAP_S = 0.02
LIMIT_S = 5.0
"""How long SIGKILL is repeated; a process in uninterruptible sleep or of another user is given up."""
LONGEST_S = 30.0
"""The same while new processes appear."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


class Keeper:
    """Watches the command and the workstation until one of them is gone, then ends what is left."""

    def __init__(self, control: socket.socket, shell: int, bombs: BombWatch | None) -> None:
        self.control = control
        self.shell = shell
        self.bombs = bombs
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def say(self, line: str) -> None:
        """Tell the workstation; it may be gone."""
        with contextlib.suppress(OSError):
            self.control.sendall(line.encode() + b"\n")

    def reap(self) -> bool:
        """Collect dead children, for a short time only, and report the shell's end; True when nothing is left below.

        The kernel knows that for sure: an orphan becomes a child of ours at once. A look at the process table may
        miss all of what forks and ends quickly. Of a fork bomb more may die than can be collected, as each time the
        kernel looks through all children.
        """
        until = time.monotonic() + REAP_S
        while time.monotonic() < until:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            if pid == self.shell:
                code = os.waitstatus_to_exitcode(status)
                self.say(f"exit {code}" if code >= 0 else f"signal {-code}")
        return False

    def watch(self) -> None:
        """Return when the workstation is gone."""
        while True:
            patience = self.bombs.interval_s if self.bombs else None
            readable, _, _ = select.select([self.control, self.wake], [], [], patience)
            if self.bombs and (count := self.bombs.look()):
                self.say(f"bomb {count}")
                signal_all([self.shell], signal.SIGKILL)
                self.kill_all()
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
        # Nobody asks how anything ended any more: the kernel collects it.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        left = descendants(os.getpid())
        signal_all(left, signal.SIGHUP)
        signal_all(left, signal.SIGCONT)
        patience = time.monotonic() + GRACE_S
        while not self.reap() and time.monotonic() < patience:
            self._wait_a_little()
        self.kill_all()

    def kill_all(self) -> None:
        """Kill until nothing is left below, or nothing new appears there any more."""
        known: set[int] = set()
        started = time.monotonic()
        deadline = started + LIMIT_S
        while not self.reap() and time.monotonic() < min(deadline, started + LONGEST_S):
            killed = kill_frozen(os.getpid())
            if not killed <= known:
                # Something forks, and must not be left to it.
                deadline = time.monotonic() + LIMIT_S
            known |= killed
            self._wait_a_little()

    def _wait_a_little(self) -> None:
        select.select([self.wake], [], [], 0.02)
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 4096)


_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTTOU, signal.SIGTTIN, signal.SIGTSTP)


def _become_command(failure: int, command: list[str], parent: int, cap: ProcessCap | None, *, terminal: bool) -> None:
    """Begin a session, take the terminal and exec; never returns. A problem is written to `failure`."""
    try:
        os.setsid()
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in (*_IGNORED, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        if cap is not None:
            cap.join()
        os.execvp(command[0], command)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(failure, str(error.strerror or error).encode())
    os._exit(127)


def _noted(_number: int, _frame: object) -> None:
    """The wake-up pipe carries the news."""


def _started(command: list[str], cap: ProcessCap | None, *, terminal: bool) -> tuple[int, bytes]:
    """The command's pid, and why it could not be executed; empty when it was."""
    me = os.getpid()
    failure, failure_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_command(failure_end, command, me, cap, terminal=terminal)
    os.close(failure_end)
    # Closed by a successful exec.
    problem = os.read(failure, 4096)
    os.close(failure)
    return pid, problem


def main(arguments: list[str]) -> int:
    """Start the command and keep it; ``arguments`` are those of the program."""
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    terminal, most, command = arguments[1] == "terminal", int(arguments[2]), arguments[3:]
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    if terminal:
        # Only a terminal without a session can become the shell's own.
        with contextlib.suppress(OSError):
            fcntl.ioctl(0, termios.TIOCNOTTY)
    # Above what the watch ends: a bomb that stands at the ceiling must be noticed.
    cap = ProcessCap.make(most + most // 8 + 16) if most else None
    pid, problem = _started(command, cap, terminal=terminal)
    if problem:
        if cap is not None:
            cap.end()
        control.sendall(b"failed " + problem + b"\n")
        return 1
    # The terminal, or a pipe, reads as closed only once nobody but the command's processes holds it.
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    os.chdir("/")
    go_before_others()
    counted = cap.count if cap is not None else lambda: None
    keeper = Keeper(control, pid, BombWatch(os.getpid(), most=most, counted=counted) if most else None)
    signal.signal(signal.SIGCHLD, _noted)
    signal.signal(signal.SIGTERM, _noted)
    try:
        keeper.say(f"pid {pid}")
        keeper.reap()
        keeper.watch()
    finally:
        keeper.end_all()
        if cap is not None:
            cap.end()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""One child on one pty: spawned under its supervisor, read by a thread, ended whole.

The child is a shell, or a sandbox around it: then the shell is a process of its own group somewhere below, and perhaps
in a process namespace. Knows nothing of marks, screens and recordings. pexpect's ptyprocess only spawns; reading,
writing and ending are done here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ptyprocess

from limi_sessions.pty.errors import ShellStartFailed
from limi_sessions.pty.proctable import first_inside

READ_MAX = 256 * 1024
"""Bytes gathered before they are handed on."""
_READ = 64 * 1024
_START_S = 10.0
_END_S = 15.0
_IUTF8 = 0x4000
"""Linux's termios flag, which Python's termios does not name: erase whole characters."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the shell ended; both None when only its supervisor is known to be gone."""

    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    """Why it was ended by us; empty when it ended by itself."""


_SIGNALS_OF_A_SHELL = frozenset(
    (signal.SIGHUP, signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV,
     signal.SIGTERM)
)  # fmt: skip
"""Those that end an interactive shell."""


class PtyChild:
    """A running child; made by `spawn`."""

    def __init__(self, process: ptyprocess.PtyProcess, control: socket.socket, *, wrapped: bool, most: int) -> None:
        self._process = process
        self._control = control
        self._wrapped = wrapped
        self._most = most
        self._said = b""
        self._reason = ""
        self._inside: int | None = None
        self.pid = 0
        """Process id of what was spawned, which is also the session's: the shell, or the sandbox around it."""
        self.descriptor: int = process.fd
        self._supervisor: int = process.pid
        self._wake, self._wake_end = os.pipe()
        self._thread: threading.Thread | None = None
        self._closing = False

    @classmethod
    def spawn(
        cls,
        argv: list[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        cols: int,
        rows: int,
        wrapped: bool = False,
        most_processes: int | None = None,
    ) -> PtyChild:
        """Start a program on a fresh pty; blocks for some 40 ms.

        Args:
            argv: the shell, or what runs it in a sandbox.
            cwd: its directory.
            environment: all of it.
            cols: of the terminal.
            rows: of the terminal.
            wrapped: ``argv`` runs the shell in a sandbox.
            most_processes: with more processes and threads at once, everything is ended; None: any number may run.

        Raises:
            ShellStartFailed: the directory or the program cannot be used.
        """
        if not cwd.is_dir():
            raise ShellStartFailed(f"cannot start the shell in {cwd}: it is no directory. Choose another workspace.")
        ours, theirs = socket.socketpair()
        supervisor = str(Path(__file__).with_name("supervisor.py"))
        options = [str(theirs.fileno()), "terminal", str(most_processes or 0)]
        command = [sys.executable, "-I", "-S", supervisor, *options, *argv]
        try:
            theirs.set_inheritable(True)
            process = ptyprocess.PtyProcess.spawn(  # pyright: ignore[reportUnknownMemberType] - no type hints
                command, cwd=str(cwd), env=dict(environment), dimensions=(rows, cols), pass_fds=(theirs.fileno(),)
            )
        except Exception as error:  # ptyprocess raises whatever its child could not do
            ours.close()
            raise ShellStartFailed(f"cannot start {argv[0]} in {cwd}: {error}") from error
        finally:
            theirs.close()
        child = cls(process, ours, wrapped=wrapped, most=most_processes or 0)
        try:
            child.pid = child._started(argv[0])
        except ShellStartFailed:
            child.close()
            raise
        os.set_blocking(child.descriptor, False)
        child._erase_whole_characters()
        return child

    @property
    def shell(self) -> int:
        """The shell's process id as we see it, which is its process group's too; until it is known, that of `pid`."""
        return self._inside or self.pid

    def owns(self, group: int) -> bool:
        """Whether a process group of the terminal is the shell's own, and not a command's."""
        if self._wrapped and self._inside is None:
            # A sandbox that is still at work shares its group with what it will run.
            self._inside = first_inside(self.pid)
        return group in (self.pid, self.shell)

    def know_shell(self) -> None:
        """The shell has shown its prompt: whoever it is by now, it is not looked for any more."""
        self.owns(0)
        self._inside = self._inside or self.pid

    def _started(self, program: str) -> int:
        """The child's pid, as its supervisor says it."""
        self._control.settimeout(_START_S)
        try:
            said, _, self._said = self._control.recv(4096).partition(b"\n")
            word, _, rest = said.decode("utf-8", "replace").partition(" ")
        except OSError as error:
            raise ShellStartFailed(f"cannot start {program}: its supervisor said nothing ({error})") from error
        if word != "pid":
            raise ShellStartFailed(f"cannot start {program}: {rest or 'its supervisor ended'}")
        return int(rest)

    def read(self, output: Callable[[bytes], None], ended: Callable[[Ended], None]) -> None:
        """Start the reading thread: `output` gets every chunk, `ended` is called once, after the last one."""
        self._control.setblocking(False)
        self._thread = threading.Thread(target=self._run, args=(output, ended), name="limi-pty-in", daemon=True)
        self._thread.start()

    def resize(self, cols: int, rows: int) -> None:
        """Set the size; the kernel tells the child."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def signal_foreground(self, number: int) -> None:
        """Signal the foreground process group, past a queue that it does not read; the shell's own is left alone."""
        with contextlib.suppress(OSError):
            group = os.tcgetpgrp(self.descriptor)
            if group > 0 and not self.owns(group):
                os.killpg(group, number)

    def close(self) -> None:
        """Hang up, kill what stays, reap, close; blocks up to some seconds and may be called again."""
        if self._closing:
            return
        self._closing = True
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        self._reap_supervisor()
        os.close(self._wake_end)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        os.close(self._wake)
        self._control.close()
        # Its own close would sleep and kill; what is left to do is to free the descriptor.
        self._process.fileobj.close()
        self._process.closed = True

    def _reap_supervisor(self) -> None:
        """Wait until the supervisor has ended everything and is gone itself."""
        deadline = time.monotonic() + _END_S
        with contextlib.suppress(ChildProcessError):
            # Its end of the socket closes when it exits; then waiting is short.
            while (left := deadline - time.monotonic()) > 0:
                if not select.select([self._control], [], [], left)[0]:
                    break
                try:
                    if not self._control.recv(4096):
                        break
                except OSError:
                    break
            if time.monotonic() >= deadline:
                os.kill(self._supervisor, signal.SIGKILL)
            os.waitpid(self._supervisor, 0)

    def _erase_whole_characters(self) -> None:
        if sys.platform != "linux":
            return
        with contextlib.suppress(termios.error):
            attributes = termios.tcgetattr(self.descriptor)
            attributes[0] |= _IUTF8
            termios.tcsetattr(self.descriptor, termios.TCSANOW, attributes)

    def _run(self, output: Callable[[bytes], None], ended: Callable[[Ended], None]) -> None:
        how = self._told() if self._said else None
        try:
            while how is None:
                ready, _, _ = select.select([self.descriptor, self._control, self._wake], [], [])
                if self._wake in ready:
                    how = Ended()
                elif self.descriptor in ready:
                    closed = not self._gather(output)
                    if closed:
                        how = self._last_words()
                elif self._control in ready:
                    how = self._news()
                    self._gather(output)
        finally:
            ended(how or Ended())

    def _gather(self, output: Callable[[bytes], None]) -> bool:
        """Hand on what can be read now, up to `READ_MAX`; False when the child has closed the terminal."""
        chunks: list[bytes] = []
        size = 0
        open_still = True
        while size < READ_MAX:
            try:
                chunk = os.read(self.descriptor, _READ)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                chunk = b""
            if not chunk:
                open_still = False
                break
            chunks.append(chunk)
            size += len(chunk)
        if chunks:
            output(b"".join(chunks))
        return open_still

    def _news(self) -> Ended | None:
        """What the supervisor says; None when it is not the shell's end."""
        try:
            said = self._control.recv(4096)
        except BlockingIOError:
            return None
        except OSError:
            said = b""
        self._said += said
        return self._told() if said else Ended(reason=self._reason)

    def _told(self) -> Ended | None:
        """The shell's end, when it is among the lines that were said."""
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            word, _, number = line.decode("ascii", "replace").partition(" ")
            match word:
                case "bomb":
                    self._reason = (
                        f"{number} processes ran at once, and {self._most} are allowed: "
                        "everything that ran in the shell was ended, and the shell with it"
                    )
                case "exit":
                    return self._exited(int(number))
                case "signal":
                    return Ended(signal=int(number), reason=self._reason)
                case _:
                    pass
        return None

    def _exited(self, code: int) -> Ended:
        # A sandbox that stands around the shell says a signal as shells do.
        if self._inside not in (None, self.pid) and code - 128 in _SIGNALS_OF_A_SHELL:
            return Ended(signal=code - 128, reason=self._reason)
        return Ended(exit_code=code, reason=self._reason)

    def _last_words(self) -> Ended:
        """The terminal closed: the supervisor is about to say why."""
        ready, _, _ = select.select([self._control, self._wake], [], [], 1.0)
        return (self._news() if self._control in ready else None) or Ended()

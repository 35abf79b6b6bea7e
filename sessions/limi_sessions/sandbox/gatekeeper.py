"""Answers for the kernel what Landlock does not judge: connecting to unix sockets by path, and modes of files.

Part of the launcher: the standard library only. The launcher divides: one process becomes the command, the other stays
as its parent, outside of the confinement, and is asked by the kernel (seccomp's user notification) whenever something
inside connects or changes a mode. It never lets the asked call go on, whose arguments another thread could exchange: it
looks the path up itself, judges what it has found, and does the call on exactly that. It has no capabilities and ends
as the command ends.

Without it a command could have the service manager, a container daemon or tmux run programs outside, or lock the person
out of files by ``chmod``. Where another filter is asked already (in some containers) every connection is refused and
modes are not judged. Extended attributes, of which access lists are some, are refused everywhere; dates are not judged.

Source: seccomp_unotify(2).
"""

from __future__ import annotations

import _socket
import contextlib
import ctypes
import errno
import os
import signal
import stat
import struct

from limi_sessions.sandbox import gatecalls
from limi_sessions.sandbox.gatecalls import AT_FDCWD, Asked, libc
from limi_sessions.sandbox.landlocking import LandlockPlan, give_up_capabilities, reach_of, reaches_of

PROCESS_NAME = "limi-gate"
"""By which the shell's watcher (`limi_sessions.pty.proctable`) knows that the command is this process's child."""

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_AF_UNIX = 1
_AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = 0x100, 0x1000
_LONGEST_ADDRESS = 128
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def divide(plan: LandlockPlan) -> int | None:
    """Become two processes; only the command's returns.

    Returns:
        What `close_gate` takes; None where no filter is written for this machine and nothing has happened.

    Raises:
        OSError: there is no room for a process.
        LookupError: the plan lacks a part.
    """
    if not gatecalls.can_ask():
        return None
    answering = _Keeper(plan)
    link, theirs = (end.detach() for end in _socket.socketpair(_AF_UNIX, _socket.SOCK_STREAM, 0))
    keeper = os.getpid()
    # Known before there is a child that could be looked for; the child's own goes when it becomes the command.
    libc.prctl(_PR_SET_NAME, PROCESS_NAME.encode(), 0, 0, 0)
    child = os.fork()
    if child == 0:
        os.close(link)
        # Without its keeper the command could not be asked about.
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)
        return theirs
    os.close(theirs)
    status = 125 << 8
    try:
        status = answering.keep(link, child)
    finally:
        _end_as(status)


def close_gate(link: int) -> None:
    """Have the keeper asked about this process and all that it starts; the last thing before the command.

    Raises:
        OSError: the kernel takes no filter.
    """
    listener = gatecalls.listening()
    sender = _socket.socket(fileno=link)
    if listener is not None:
        sender.sendmsg([b"+"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=i", listener))])
        os.close(listener)
    sender.close()


def _received(link: int) -> int | None:
    """The descriptor of the questions; None when the command is not asked about, or has failed before."""
    receiver = _socket.socket(fileno=link)
    try:
        _, passed, _, _ = receiver.recvmsg(1, _socket.CMSG_SPACE(4))
    finally:
        receiver.close()
    return struct.unpack("=i", passed[0][2])[0] if passed else None


def _end_as(status: int) -> None:
    """Exit as the command did, by its signal where it died of one; never returns."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _reaped(command: int) -> int | None:
    """The command's wait status once it has ended."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in (0, command):
            return status if pid else None


def _noted(_number: int, _frame: object) -> None:
    """The wake-up pipe carries the news."""


def _real_path(place: int) -> str:
    return os.readlink(f"/proc/self/fd/{place}")  # noqa: PTH115 - pathlib loads slowly


def _refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class _Keeper:
    """The process outside."""

    def __init__(self, plan: LandlockPlan) -> None:
        self._reaches = reaches_of(plan)
        self._shared = tuple(f"{os.path.realpath(path)}/" for path in plan["shared"])

    def keep(self, link: int, command: int) -> int:
        """Answer until the command, a child, has ended; its wait status."""
        import select

        wake, wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _noted)
        self._settle()
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        if (listener := _received(link)) is not None:
            poll.register(listener, select.POLLIN)
        while (status := _reaped(command)) is None:
            for descriptor, event in poll.poll():
                if descriptor == wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake, 4096)
                elif event & select.POLLIN:
                    self._take(descriptor)
                else:
                    poll.unregister(descriptor)
        return status

    def _settle(self) -> None:
        """Hold nothing that the command's end should close, and no power."""
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        # Yama lets only forebears look into a process.
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        os.close(nothing)
        os.chdir("/")
        give_up_capabilities()

    def _take(self, listener: int) -> None:
        """Receive one question and answer it; a connection may take its time."""
        import _thread

        if (asked := gatecalls.question(listener)) is None:
            return
        if asked.name != "connect":
            self._answer(asked)
            return
        try:
            _thread.start_new_thread(self._answer, (asked,))
        except RuntimeError:
            asked.reply(errno.EAGAIN)

    def _answer(self, asked: Asked) -> None:
        problem = errno.EACCES
        try:
            if asked.name == "connect":
                self._connect(asked)
            else:
                self._change_mode(asked)
            problem = 0
        except OSError as error:
            problem = error.errno or errno.EACCES
        finally:
            asked.reply(problem)

    def _connect(self, asked: Asked) -> None:
        number, where, size = asked.arguments[0], asked.arguments[1], asked.arguments[2] & 0xFFFF_FFFF
        if not 2 <= size <= _LONGEST_ADDRESS:
            raise _refusal(errno.EINVAL)
        address = gatecalls.memory(asked.thread, where, size)
        opened = [gatecalls.descriptor(asked.thread, number)]
        try:
            if gatecalls.is_unix(opened[0]) and address[:2] == struct.pack("=H", _AF_UNIX):
                opened.append(self._reachable_socket(asked, address[2:].partition(b"\0")[0]))
                address = address[:2] + b"/proc/self/fd/%d\0" % opened[1]
            asked.still_waits()
            if libc.connect(opened[0], address, len(address)) != 0:
                raise _refusal(ctypes.get_errno())
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def _reachable_socket(self, asked: Asked, path: bytes) -> int:
        """A descriptor of a socket that may be connected to.

        Raises:
            OSError: it may not; an abstract one never, as its name does not tell whose it is.
        """
        if not path:
            raise _refusal(errno.EPERM)
        place = gatecalls.found(asked.thread, AT_FDCWD, path, follow=True)
        real = _real_path(place)
        reach = reach_of(real, self._reaches)
        if reach == "socket" or (reach == "writable" and not real.startswith(self._shared)):
            return place
        os.close(place)
        raise _refusal(errno.EACCES)

    def _change_mode(self, asked: Asked) -> None:
        arguments = asked.arguments
        if asked.name == "fchmod":
            place, mode = gatecalls.descriptor(asked.thread, arguments[0]), arguments[1]
        elif asked.name == "chmod":
            path, mode = gatecalls.text(asked.thread, arguments[0]), arguments[1]
            place = gatecalls.found(asked.thread, AT_FDCWD, path, follow=True)
        else:
            place, mode = self._named(asked, arguments[3] if asked.name == "fchmodat2" else 0), arguments[2]
        try:
            if stat.S_ISLNK(os.fstat(place).st_mode):
                raise _refusal(errno.EOPNOTSUPP)
            if reach_of(_real_path(place), self._reaches) != "writable":
                raise _refusal(errno.EACCES)
            asked.still_waits()
            os.chmod(f"/proc/self/fd/{place}", mode & 0o7777)  # noqa: PTH101 - pathlib loads slowly
        finally:
            os.close(place)

    def _named(self, asked: Asked, flags: int) -> int:
        """What a directory's descriptor and a path mean."""
        path = gatecalls.text(asked.thread, asked.arguments[1])
        directory = ctypes.c_int(asked.arguments[0] & 0xFFFF_FFFF).value
        if not path and flags & _AT_EMPTY_PATH:
            return gatecalls.descriptor(asked.thread, directory)
        return gatecalls.found(asked.thread, directory, path, follow=not flags & _AT_SYMLINK_NOFOLLOW)

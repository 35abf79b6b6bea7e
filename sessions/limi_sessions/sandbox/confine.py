r"""The launcher: a program that confines itself as it is told and becomes the command.

Run as ``python -I -S -X utf8 confine.py WORD... -- COMMAND...``; the words are made by `launching`:

    limits=PROCESSES,OPEN_FILES,FILE_BYTES   soft and hard limits, empty for none; core dumps are always off
    relay=PORT:PATH      a relay from 127.0.0.1 to the socket of the allow-list's proxy is started
    landlock=JSON        rules for `landlocking.restrict` and `gatekeeper`, which stays as the command's parent
    filter=internet      system calls are filtered, see `seccomp`; any other value refuses sockets of the internet too
    keep=internet        the command is bubblewrap; it is given that filter, so that its own process inside has it too
                         (else a debugger inside could make that process type on the terminal), and this process stays
                         as its parent

A failure prints one line on standard error and exits 125; so does a kept bubblewrap that never came to start the
command inside. A command that is not there exits 127, one that cannot be run 126, as a shell would. A kept one lets
Ctrl-C and Ctrl-\ pass to the command inside alone. Knows nothing of policies; runs without site-packages and loads
little.

Source: bwrap(1) --seccomp; credentials(7); setrlimit(2).
"""

from __future__ import annotations

import os
import signal
import sys

FAILED = 125
_NOTE = "LIMI_CONFINE"
"""Tells the launcher inside the descriptor on which it says that it runs, and the signals to set back."""
_PASSED = (signal.SIGINT, signal.SIGQUIT)
_KNOWN = frozenset(("keep", "limits", "relay", "landlock", "filter"))


def main(arguments: list[str]) -> int:
    """Confine this process and become the command; returns only upon failure or with a kept command's exit code."""
    try:
        end = arguments.index("--")
        command = arguments[end + 1 :]
        spec: dict[str, str] = {}
        for word in arguments[:end]:
            name, _, spec[name] = word.partition("=")
        if unknown := spec.keys() - _KNOWN:
            # Of another version of limi, say after an upgrade under a running one: never run unconfined.
            raise ValueError(f"unknown instruction {min(unknown)[:40]!r}; start limi anew")
        if "keep" in spec:
            return _kept(command, internet=spec["keep"] == "internet")
        _say_started()
        _close_others()
        if "limits" in spec:
            _limit(spec["limits"])
        if "relay" in spec:
            from limi_sessions.sandbox import relay

            port, _, proxy = spec["relay"].partition(":")
            relay.start(int(port), proxy)
        gate = _confine_by_landlock(spec["landlock"]) if "landlock" in spec else None
        if "filter" in spec:
            _filter(internet=spec["filter"] == "internet")
        if gate is not None:
            from limi_sessions.sandbox import gatekeeper

            gatekeeper.close_gate(gate)
    except (OSError, ValueError, LookupError) as error:
        return _failed(f"the sandbox cannot be set up: {error}")
    return _become(command)


def _become(command: list[str]) -> int:
    # Python ignores these from its start, and what is ignored stays so in the command.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        _failed(f"{command[0]}: not found inside the sandbox")
        return 127
    except (OSError, IndexError) as error:
        _failed(f"cannot run {command[:1]}: {error}")
        return 126


def _failed(why: str) -> int:
    line = " ".join(f"limi: {why}".splitlines())
    os.write(2, line.encode("utf-8", "backslashreplace") + b"\n")
    return FAILED


def _confine_by_landlock(written: str) -> int | None:
    """What `gatekeeper.close_gate` takes, where there is one for this machine."""
    import json  # takes 5 ms, which bubblewrap need not wait for

    from limi_sessions.sandbox import gatekeeper, landlocking

    plan = json.loads(written)
    gate = gatekeeper.divide(plan)
    landlocking.restrict(plan)
    return gate


def _close_others() -> None:
    """Close what was inherited beside the standard streams: an open directory would lead past every rule."""
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - pathlib takes 8 ms
    os.closerange(3, highest + 1)


def _limit(limits: str) -> None:
    """Set the limits, never above what the process may have.

    Raises:
        OSError, ValueError: the kernel refuses a limit.
    """
    import resource

    kinds = (resource.RLIMIT_CORE, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)
    for kind, wanted in zip(kinds, ("0", *limits.split(",")), strict=True):
        if wanted:
            hard = resource.getrlimit(kind)[1]
            most = int(wanted) if hard == resource.RLIM_INFINITY else min(int(wanted), hard)
            resource.setrlimit(kind, (most, most))


def _filter(*, internet: bool) -> None:
    from limi_sessions.sandbox import seccomp

    if program := seccomp.filter_program(internet=internet):
        seccomp.install(program)


def _filter_descriptor(*, internet: bool) -> int | None:
    """A descriptor from which bubblewrap can read the filter; None where none is written for this machine."""
    from limi_sessions.sandbox import seccomp

    program = seccomp.filter_program(internet=internet)
    if program is None:
        return None
    end, start = os.pipe()
    # Far less than a pipe holds.
    os.write(start, program)
    os.close(start)
    return end


def _kept(command: list[str], *, internet: bool) -> int:
    """Run bubblewrap with the filter as a child; its exit code, or 125 when it never came to the command.

    Raises:
        OSError: it cannot be started.
    """
    filtered = _filter_descriptor(internet=internet)
    started, started_end = os.pipe()
    passed = [number for number in _PASSED if signal.getsignal(number) != signal.SIG_IGN]
    for number in passed:
        signal.signal(number, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.set_inheritable(started_end, True)
        os.environ[_NOTE] = ",".join(str(int(number)) for number in (started_end, *passed))
        if filtered is not None:
            os.set_inheritable(filtered, True)
            command = [command[0], "--seccomp", str(filtered), *command[1:]]
        os._exit(_become(command))
    os.close(started_end)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not os.read(started, 1):
        return FAILED
    return code if code >= 0 else 128 - code


def _say_started() -> None:
    """Tell the keeping launcher, if there is one, that the command is about to run; undo its changes of signals."""
    if not (note := os.environ.pop(_NOTE, "")):
        return
    descriptor, *passed = (int(part) for part in note.split(","))
    for number in passed:
        signal.signal(number, signal.SIG_DFL)
    os.write(descriptor, b"+")
    os.close(descriptor)


if __name__ == "__main__":
    # Isolated mode leaves the program's own directory out; names of the standard library still come first.
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib loads slowly
    sys.path.append(os.path.dirname(package))  # noqa: PTH120
    sys.exit(main(sys.argv[1:]))

"""Confinement by bubblewrap: namespaces of the kernel, set up by the program ``bwrap``.

The command gets its own processes, file system, network, inter-process communication and host name; no capabilities,
for root neither; no setuid; the filter of `seccomp`, which bubblewrap's own process inside has too. `filesystem` says
what is seen and written. ``--new-session`` is not used, as it takes job control away; the filter is what keeps a
program from typing on the terminal. A process that is left when the command ends is killed, and all are when the
workstation dies.

Source: bwrap(1), https://github.com/containers/bubblewrap.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from limi_sessions.records.terms import SandboxName
from limi_sessions.sandbox.filesystem import PROXY_INSIDE, mount_arguments
from limi_sessions.sandbox.homes import home_is_writable
from limi_sessions.sandbox.launching import kept, launched, launcher_places
from limi_sessions.sandbox.own_program import own_program
from limi_sessions.sandbox.policy import RELAY_PORT, SandboxPolicy
from limi_sessions.sandbox.protocol import SandboxMissing
from limi_sessions.sandbox.seccomp import filter_program

NAMESPACES = (
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
)
_UNSET = (
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "SSH_AUTH_SOCK",
    "GPG_AGENT_INFO",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DOCKER_HOST",
    "TMUX",
    "TMUX_PANE",
)
"""They name what is not there inside."""
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
_OTHER_PROXIES = ("ftp_proxy", "FTP_PROXY")
_NO_PROXY = ("no_proxy", "NO_PROXY")


class Bubblewrap:
    """A sandbox of namespaces."""

    name: SandboxName = "bubblewrap"

    def __init__(self, program: Path) -> None:
        """Nothing is tried: `finding` does that.

        Args:
            program: the ``bwrap`` to run.
        """
        self.program = program

    def wrapped(self, argv: Sequence[str], policy: SandboxPolicy) -> list[str]:
        """The command that runs ``argv`` confined; reads the home and the host's sockets, blocks some milliseconds.

        Raises:
            SandboxMissing: the workspace is ``/``, a socket of the policy is not there, or no proxy is named.
            OSError: a directory of the policy cannot be made.
        """
        relay: tuple[int, Path] | None = None
        if policy.network == "allow-list":
            if policy.proxy is None:
                raise SandboxMissing("network allow-list needs a proxy. Start one, or choose network off.")
            relay = (RELAY_PORT, PROXY_INSIDE)
        network = [] if policy.network == "on" else ["--unshare-net"]
        for_fish = bool(argv) and Path(argv[0]).name == "fish"
        mounts = mount_arguments(
            policy, needed=(*launcher_places(), *own_program()), listening=listening_sockets(), for_fish=for_fish
        )
        inner = launched(argv, limits=policy.limits, relay=relay)
        return kept(
            [str(self.program), *NAMESPACES, *network, "--ro-bind", "/", "/", *mounts, "--", *inner], internet=True
        )

    def environment(self, policy: SandboxPolicy) -> dict[str, str | None]:
        """What names places that are not there inside goes; the proxies are ours, or none without network."""
        changed: dict[str, str | None] = dict.fromkeys(_UNSET)
        if not policy.home.is_dir() or policy.home == Path("/"):
            changed["HOME"] = str(policy.private_home)
        if policy.network == "on":
            return changed
        changed |= dict.fromkeys((*_PROXIES, *_OTHER_PROXIES, *_NO_PROXY))
        if policy.network == "allow-list":
            changed |= dict.fromkeys(_PROXIES, f"http://127.0.0.1:{RELAY_PORT}")
            changed |= dict.fromkeys(_NO_PROXY, "localhost,127.0.0.1")
        return changed

    def words(self, policy: SandboxPolicy) -> tuple[str, ...]:
        """What is allowed and what is not prevented, for people."""
        own_home = "a home of the session's own" if home_is_writable(policy) else "nothing in your home"
        said = [
            f"Files: all can be read but {len(policy.masked)} hidden places.",
            f"Written can be {policy.workspace}, /tmp, which is the session's own, and {own_home}.",
            _NETWORK_WORDS[policy.network],
            "Processes: nothing outside is seen, signalled or traced; what runs inside ends with the shell.",
            "Sockets of programs outside are covered when the shell starts; one that is made later, where files are "
            "seen, can be reached.",
            "Devices: null, zero, random and terminals only; no GPU. Programs that build sandboxes of their own and "
            "32-bit programs do not run.",
        ]
        if filter_program(internet=True) is None:
            said.append(
                f"No filter of system calls is written for {os.uname().machine}: a program may type on your terminal."
            )
        return tuple(said)


_NETWORK_WORDS = {
    "off": "Network: none.",
    "allow-list": "Network: by HTTP and HTTPS to the allowed hosts only.",
    "on": "Network: everything, also what listens on this machine, its abstract sockets included.",
}


def listening_sockets() -> list[Path]:
    """Paths that programs of this network namespace have bound unix sockets to; none where the kernel does not tell."""
    found: dict[Path, None] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/unix").read_bytes().splitlines()[1:]:
            fields = line.split(maxsplit=7)
            if len(fields) == 8 and fields[7].startswith(b"/"):
                found[Path(os.fsdecode(fields[7]))] = None
    return [path for path in found if _is_socket(path)]


def _is_socket(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return stat.S_ISSOCK(path.lstat().st_mode)
    return False

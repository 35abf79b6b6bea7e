"""The slash commands about what confines the shell, and about the person's own shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from limi_sessions.live import LiveSession
from limi_sessions.pty.errors import ShellError
from limi_sessions.records.payload import NetworkMode, SettingsChanged
from limi_sessions.sandbox.hosts import NoHost
from limi_sessions.sandbox.protocol import SandboxMissing
from limi_tui.screens.command_failed import CommandFailed

if TYPE_CHECKING:
    from limi_tui.screens.session import SessionScreen

_NETWORK = "/network off | allow-list | on takes a new shell; /network allow HOST adds a host to the list"


async def sandbox(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Say what the shell may reach and what nothing prevents."""
    confinement = live.shell.confinement
    words = confinement.sandbox.words(confinement.policy)
    screen.notice("note", "\n".join([f"The shell is confined by: {confinement.name}", *words, "F9: your own shell"]))


async def network(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Start a new shell with another network, or add a host to the list."""
    words = argument.split()
    if len(words) == 2 and words[0] == "allow":
        await _allow(screen, live, words[1])
        return
    if len(words) != 1 or words[0] not in get_args(NetworkMode):
        raise CommandFailed(f"{_NETWORK}; it is {live.shell.confinement.network} now")
    if live.is_working:
        raise CommandFailed("/network waits until the agent has stopped: press Escape, then /network")
    try:
        await live.shell.change_network(cast(NetworkMode, words[0]))
    except (SandboxMissing, ShellError) as error:
        raise CommandFailed(str(error)) from error
    screen.notify("A new shell was started; variables and jobs of the old one are gone.")


async def _allow(screen: SessionScreen, live: LiveSession, host: str) -> None:
    if live.shell.proxy is None or live.shell.confinement.network != "allow-list":
        raise CommandFailed("there is no list of hosts in force: /network allow-list first")
    try:
        live.shell.proxy.allow(host)
    except NoHost as error:
        raise CommandFailed(str(error)) from error
    await live.record.human(SettingsChanged(allowed_host=host))


async def record(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Record your own shell from now on, or no more."""
    if argument not in {"on", "off"}:
        raise CommandFailed("/record on | off: your own shell (F9) is recorded only while you want it")
    try:
        await screen.private.record(live.private, wanted=argument == "on")
    except (ShellError, OSError) as error:
        raise CommandFailed(str(error)) from error


def tell_of_sandbox(screen: SessionScreen, live: LiveSession) -> None:
    """Say once that nothing confines the shell, and from then on which hosts it wanted in vain."""
    live.shell.host_refused = lambda host, port: screen.notice(
        "note", f"the shell wanted {host}:{port}, which is not on the list; /network allow {host} adds it"
    )
    if live.shell.confinement.name == "none":
        screen.notice(
            "error",
            "NO SANDBOX: what runs in the shell may do all that you may do. "
            "`limi doctor` says why, and what to do about it.",
        )

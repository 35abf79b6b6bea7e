"""The shells of a live session: the shared one in its sandbox and its network, and the person's own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from confined_house import SANDBOXES, ConfinedHouse, sandbox_or_skip
from outside_tmp import directory_outside_tmp

from limi_sessions.live_shell import LiveShell
from limi_sessions.private_shell import PrivateShell
from limi_sessions.pty.errors import ShellBusy, ShellError
from limi_sessions.pty.shell import SharedShell
from limi_sessions.records.payload import HumanRan, Payload, SandboxName, ShellStarted
from limi_sessions.sandbox.protocol import Sandbox, SandboxMissing, Unconfined
from limi_sessions.unwatched import Unwatched


@pytest.fixture
def house() -> Iterator[ConfinedHouse]:
    # Below /tmp nothing outside would be seen at all, which would make every test of it pass.
    with directory_outside_tmp() as made:
        yield ConfinedHouse(Path(made))


@pytest.fixture
def listening() -> Iterator[int]:
    """A server of this machine: its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@asynccontextmanager
async def shared_shell(
    house: ConfinedHouse, sandbox: Sandbox, payloads: list[Payload], *, allowed_hosts: tuple[str, ...] = ()
) -> AsyncGenerator[LiveShell]:
    live = LiveShell(
        house.plan(sandbox, allowed_hosts=allowed_hosts),
        house.recording(payloads),
        watcher=Unwatched(),
        ran=lambda _command: None,
    )
    try:
        await live.start(house.workspace)
        yield live
    finally:
        await live.close()


async def run(live: LiveShell, command: str) -> int | None:
    assert live.shell is not None and await live.lease(asyncio.Event())
    outcome = await live.shell.run_command(command, epoch=live.epoch)
    live.give_up_lease()
    return outcome.exit_code


def connecting(port: int) -> str:
    return f"python3 -I -c \"import socket; socket.create_connection(('127.0.0.1', {port}), 3)\" 2>/dev/null"


@pytest.mark.parametrize("name", SANDBOXES)
async def test_the_network_is_changed_by_a_new_shell_and_each_says_what_confines_it(
    house: ConfinedHouse, name: SandboxName, listening: int
) -> None:
    payloads: list[Payload] = []
    async with shared_shell(house, sandbox_or_skip(name), payloads) as live:
        assert await run(live, connecting(listening)) == 1
        assert await run(live, "cd /usr; variable=1") == 0
        await live.change_network("on")
        assert live.shell is not None and live.shell.cwd == Path("/usr")
        assert await run(live, f'test -z "$variable" && {connecting(listening)}') == 0
        epoch = live.shell.lease.acquire_agent("test")
        await live.shell.run_command("cat", epoch=epoch, wait_s=5)
        with pytest.raises(ShellBusy, match="cat has the terminal"):
            await live.change_network("off")
        await live.shell.interrupt()
        await live.shell.wait_until("prompt")
        live.shell.lease.release(epoch)
        await live.change_network("off")
        assert await run(live, connecting(listening)) == 1
    started = [payload for payload in payloads if isinstance(payload, ShellStarted)]
    assert [(shell.sandbox, shell.network) for shell in started] == [(name, "off"), (name, "on"), (name, "off")]
    assert not house.session.scratch.exists()


async def test_an_allow_list_lets_named_hosts_through_and_tells_of_others(house: ConfinedHouse, listening: int) -> None:
    wanted: list[tuple[str, int]] = []
    payloads: list[Payload] = []
    allowed = (f"127.0.0.1:{listening}",)
    async with shared_shell(house, sandbox_or_skip("bubblewrap"), payloads, allowed_hosts=allowed) as live:
        live.host_refused = lambda host, port: wanted.append((host, port))
        await live.change_network("allow-list")
        tunnel = (
            "python3 -I -c \"import http.client as h, os; c = h.HTTPConnection('127.0.0.1', 3128); "
            "c.set_tunnel('{}', {}); c.connect()\" 2>/dev/null"
        )
        assert await run(live, tunnel.format("127.0.0.1", listening)) == 0
        assert await run(live, tunnel.format("example.com", 443)) == 1
        assert await run(live, connecting(listening)) == 1
        assert live.proxy is not None and live.proxy.place.exists()
        place = live.proxy.place
    assert wanted == [("example.com", 443)] and not place.exists()


@pytest.mark.parametrize("name", ["landlock", "none"])
async def test_a_network_that_the_sandbox_cannot_give_is_refused_and_the_shell_stays(
    house: ConfinedHouse, name: SandboxName
) -> None:
    payloads: list[Payload] = []
    sandbox = Unconfined() if name == "none" else sandbox_or_skip(name)
    async with shared_shell(house, sandbox, payloads) as live:
        before = live.shell
        with pytest.raises(SandboxMissing):
            await live.change_network("allow-list")
        assert live.shell is before and await run(live, "true") == 0


class Watching(Unwatched):
    """Keeps the shells that it was told to show."""

    def __init__(self) -> None:
        self.shown: list[SharedShell] = []

    def shell_attached(self, shell: SharedShell) -> None:
        self.shown.append(shell)


async def ran_by_hand(private: PrivateShell, line: str, *, until: Path) -> None:
    shell = await private.open()
    for key in f"{line}; touch {until}\r":
        shell.type_human(key.encode())
    async with asyncio.timeout(15):
        while not (until.exists() and shell.state == "prompt"):
            await asyncio.sleep(0.02)


async def test_the_persons_own_shell_is_free_and_leaves_nothing_unless_recorded(house: ConfinedHouse) -> None:
    payloads: list[Payload] = []
    watching = Watching()
    private = PrivateShell(house.plan(sandbox_or_skip("bubblewrap")), house.recording(payloads), watcher=watching)
    with pytest.raises(ShellError, match="open it first"):
        await private.record(wanted=True)
    try:
        shell = await private.open()
        assert (await private.open()) is shell and watching.shown == [shell]
        assert shell.cwd == house.workspace and shell.lease.owner == "human"
        await ran_by_hand(private, "echo unseen", until=house.outside)
        assert payloads == [] and not list(house.session.root.glob("*.cast"))
        await private.record(wanted=True)
        await ran_by_hand(private, "echo recorded", until=house.root / "second")
        await private.record(wanted=False)
        await ran_by_hand(private, "echo unseen again", until=house.root / "third")
    finally:
        await private.close()
    started, ran = payloads
    assert isinstance(started, ShellStarted) and (started.private, started.sandbox) == (True, "none")
    assert isinstance(ran, HumanRan) and (ran.output, ran.reached_model) == ("recorded", False)
    cast = (house.session.root / started.cast).read_text()
    assert "recorded" in cast and "unseen" not in cast
    assert [path.name for path in house.session.root.iterdir()] == [started.cast]


async def test_the_persons_own_shell_starts_again_after_its_end(house: ConfinedHouse) -> None:
    private = PrivateShell(house.plan(Unconfined()), house.recording([]), watcher=Unwatched())
    try:
        first = await private.open()
        for key in "exit 3\r":
            first.type_human(key.encode())
        async with asyncio.timeout(15):
            while first.state != "lost":
                await asyncio.sleep(0.02)
        second = await private.open()
        assert second is not first and second.state == "prompt"
    finally:
        await private.close()

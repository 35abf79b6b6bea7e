"""`limi` as it is typed in the shell of a running session: reads for both hands, changes for the person alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from confined_house import sandbox_or_skip
from headless_house import Headless, command
from http_site import site
from test_headless_kill import Nobody

from limi_sessions.journal import Journal
from limi_sessions.live import LiveSession
from limi_sessions.pty.shell import SharedShell
from limi_sessions.records.identity import uuid7
from limi_sessions.records.payload import (
    HumanRan,
    SandboxName,
    SessionDeleted,
    SessionStarted,
    ToolFinished,
    UserMessage,
)
from limi_store import StorePort, open_store
from limi_tui.verbs.opening import open_new
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.store_guard import StoreGuard

SANDBOXES: tuple[SandboxName, ...] = ("bubblewrap", "landlock", "none")


def earlier_session(house: Headless) -> str:
    session_id = uuid7()
    journal = Journal(house.home.session(session_id).journal, session_id)
    started = SessionStarted(
        limi_version="0.1.0", query="an earlier one", workspace="/w", model="m", system_prompt="", tools=(),
        tool_set_sha256="0" * 64,
    )  # fmt: skip
    journal.append_all([(started, "ada"), (UserMessage(content="an earlier one"), "ada")])
    journal.close()
    return session_id


@dataclass
class Inside:
    """A live session in which a person takes over after the agent's work."""

    house: Headless
    session: LiveSession
    nobody: Nobody
    store: StorePort

    @property
    def shell(self) -> SharedShell:
        shell = self.session.shell.shell
        assert shell is not None
        return shell

    async def works(self) -> str:
        """Let the agent work; the result of its last call."""
        work = await self.session.say("go")
        assert (await work).status == "done"
        results = [event.payload for event in self.nobody.events if isinstance(event.payload, ToolFinished)]
        return results[-1].result

    async def types(self, line: str) -> HumanRan:
        """Take over and type a command; what became of it."""
        before = len(self.ran)
        self.shell.lease.take_over()
        await self.until(lambda: self.shell.lease.without_agent_s > 0.05)
        for unit in (line.encode(), b"\r"):
            assert self.shell.type_human(unit) == "typed"
        await self.until(lambda: len(self.ran) > before)
        return self.ran[-1]

    @property
    def ran(self) -> list[HumanRan]:
        return [event.payload for event in self.nobody.events if isinstance(event.payload, HumanRan)]

    async def until(self, fact: object) -> None:
        assert callable(fact)
        async with asyncio.timeout(30):
            while not fact():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def inside(house: Headless, monkeypatch: pytest.MonkeyPatch, line: str, **more: object) -> AsyncGenerator[Inside]:
    for name, text in house.environment().items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("LIMI_AS", raising=False)
    nobody, store = Nobody(), open_store(house.home)
    guard = StoreGuard(lambda: store)
    request = OpeningRequest(
        home=house.home, actor="ada", workspace=house.workspace, shell="bash", mode="yolo",
        **more,  # pyright: ignore[reportArgumentType] - a test's free choice of fields
    )  # fmt: skip
    model = house.script(command(line, wait_s=60), "done")
    try:
        session = await open_new(request, nobody.company(), model=model, cols=200, rows=50, guard=guard)
        try:
            yield Inside(house, session, nobody, store)
        finally:
            await session.finish()
            await guard.close()
    finally:
        store.close()
    assert session.plan.store_socket is not None and not session.plan.store_socket.exists()
    assert not list(session.plan.paths.sockets.glob("*"))


@pytest.mark.parametrize("name", SANDBOXES)
async def test_verbs_that_read_work_and_those_that_change_are_refused_while_the_agent_holds_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: SandboxName
) -> None:
    sandbox_or_skip(name)
    house = Headless(tmp_path)
    earlier = earlier_session(house)
    verbs = (
        "limi session list --json > list.json",
        f"limi session show {earlier} --json > show.json",
        f"limi export {earlier} -o out.json",
        f"limi session delete {earlier} -y",
        f"limi session rename {earlier} mine",
        f"limi session tag {earlier} +good",
        "limi session empty-bin -y",
        "limi store rebuild",
        "limi store check",
        "limi session run --model demo --query more",
        "limi whoami mallory",
        "limi whoami",
        "limi session new",
    )
    line = "; ".join(f"echo = {number}; {verb}" for number, verb in enumerate(verbs))
    async with inside(house, monkeypatch, line, sandbox=name) as live:
        said = (await live.works()).split("= ")[1:]
        listed = {one["session_id"]: one["status"] for one in json.loads((house.workspace / "list.json").read_bytes())}
        assert listed[live.session.plan.session_id] == "running" and earlier in listed
        shown = json.loads((house.workspace / "show.json").read_bytes())
        assert [event["kind"] for event in shown["events"]] == ["session_started", "user_message"]
        assert "in out.json" in said[2] and (house.workspace / "out.json").exists()
        changes = ((3, "session delete"), (4, "session rename"), (5, "session tag"), (7, "store rebuild"))
        for number, verb in (*changes, (8, "store check")):
            assert f"limi: `limi {verb}` is for people: the agent holds the shell. Take it over with F8" in said[number]
        assert "no other session can be recorded" in said[9]
        assert "not set from the shell of a session" in said[10]
        assert said[11].startswith("11\nada (")
        assert "already open around this shell" in said[12]
        summary = live.store.summary(earlier)
        assert (summary.title, summary.tags) == ("an earlier one", ())
        assert live.store.sessions(deleted=True) == []


@pytest.mark.parametrize("name", SANDBOXES)
async def test_only_the_person_deletes_and_in_the_foreground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: SandboxName
) -> None:
    sandbox_or_skip(name)
    house = Headless(tmp_path)
    earlier = earlier_session(house)
    delete = f"limi session delete {earlier} -y"
    waiting = f"while ! test -e go; do sleep 0.05; done; {delete} >said.part 2>&1; mv said.part said"
    async with inside(house, monkeypatch, f"nohup sh -c '{waiting}' >/dev/null 2>&1 &", sandbox=name) as live:
        await live.works()
        await live.types("touch go; while ! test -e said; do sleep 0.05; done; cat said")
        assert "is for people: it was asked for in the background" in live.ran[-1].output
        assert live.store.sessions(deleted=True) == []
        ran = await live.types(delete)
        assert ran.exit_code == 0 and f"{earlier} is in the bin" in ran.output, ran
        assert [one.session_id for one in live.store.sessions(deleted=True)] == [earlier]
        event = live.store.events("desk")[-1]
        assert isinstance(event.payload, SessionDeleted) and event.actor == "ada"


@pytest.mark.parametrize("name", ["bubblewrap", "landlock"])
async def test_the_owner_s_socket_is_out_of_reach_of_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: SandboxName
) -> None:
    sandbox_or_skip(name)
    house = Headless(tmp_path)
    earlier = earlier_session(house)
    (house.workspace / "ask.py").write_text(
        "import json, socket\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        f"s.connect({str(house.home.socket)!r})\n"
        f"s.sendall(json.dumps({{'ask': 'delete', 'session_id': {earlier!r}, 'actor': 'x'}}).encode() + b'\\n')\n"
        "print('answered:', s.makefile().readline())\n"
    )
    line = f"env -u LIMI_STORE_SOCKET limi session delete {earlier} -y; python3 ask.py; cat $LIMI_HOME/store.lock"
    async with inside(house, monkeypatch, line, sandbox=name) as live:
        said = await live.works()
        assert "is in the bin" not in said and '"secret"' not in said, said
        assert "Error: " in said.replace("answered: ", "Error: "), said
        assert [one.session_id for one in live.store.sessions(deleted=True)] == []
        assert live.store.summary(earlier).title == "an earlier one"


async def test_an_allowed_host_is_reached_from_a_sandbox_without_network_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox_or_skip("bubblewrap")
    house = Headless(tmp_path)
    (house.workspace / "fetch.py").write_text(
        "import sys, urllib.request\n"
        "proxies = {} if sys.argv[1] == 'direct' else None\n"
        "opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))\n"
        "try:\n"
        "    print(opener.open(sys.argv[2], timeout=20).read().decode())\n"
        "except OSError as error:\n"
        "    print(error, error.read().decode() if hasattr(error, 'read') else '')\n"
    )
    with site() as web, site() as other:
        # Inside, no_proxy names 127.0.0.1, which is the sandbox's own machine there.
        allowed, forbidden = (f"http://127.0.0.1:{one.port}/x" for one in (web, other))
        asked = (f"proxy {allowed}", f"proxy {forbidden}", "proxy http://example.org/", f"direct {allowed}")
        line = "unset no_proxy NO_PROXY; " + "; ".join(f"echo = {one}; python3 fetch.py {one}" for one in asked)
        more = {"network": "allow-list", "allowed_hosts": (f"127.0.0.1:{web.port}",)}
        async with inside(house, monkeypatch, line, sandbox="bubblewrap", **more) as live:
            said = (await live.works()).split("= ")[1:]
            assert f"/x of 127.0.0.1:{web.port}" in said[0]
            assert f"limi: 127.0.0.1:{other.port} is not on this session's allow-list" in said[1]
            assert "limi: example.org is not on this session's allow-list" in said[2]
            assert "refused" in said[3]
            assert web.asked == [f"GET /x 127.0.0.1:{web.port}"] and other.asked == []

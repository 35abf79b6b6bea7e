"""The allow-list's proxy over real sockets: through the sandbox's relay with real clients, and spoken to by hand."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from http_site import Site, free_port, site

from limi_sessions.sandbox.proxy import AllowListProxy
from limi_sessions.sandbox.proxy_request import LONGEST_HEAD

RELAY = """
import ctypes, os, signal, sys
sys.path.append(sys.argv[1])
from limi_sessions.sandbox import relay
# A sandbox ends its relay with itself; here the relay, an orphan, becomes this process's child to be ended by it.
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
relay.start(int(sys.argv[2]), sys.argv[3])
import subprocess
code = subprocess.run(sys.argv[4:]).returncode
with open(f"/proc/self/task/{os.getpid()}/children") as children:
    for pid in children.read().split():
        os.kill(int(pid), signal.SIGKILL)
sys.exit(code)
"""
PACKAGE = Path(__file__).resolve().parents[2] / "sessions"


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as server:
        yield server


@dataclass
class Wall:
    """A running proxy, and what it said it refused."""

    proxy: AllowListProxy
    refused: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    async def say(self, sent: bytes, *, end: bool = False) -> bytes:
        """Send this, and all that comes back."""
        reader, writer = await asyncio.open_unix_connection(str(self.proxy.place))
        with suppress(ConnectionError):
            writer.write(sent)
            if end:
                writer.write_eof()
            await writer.drain()
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()

    async def through_relay(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A client's run that has no other way out than the relay."""
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        kept = {name: value for name, value in os.environ.items() if not re.search("proxy|^PIP_", name, re.I)}
        environment = {**kept, **dict.fromkeys(names, address), **environ}
        launched = [sys.executable, "-I", "-S", "-c", RELAY, str(PACKAGE), str(port), str(self.proxy.place), *command]
        return await asyncio.to_thread(
            subprocess.run, launched, env=environment, capture_output=True, text=True, timeout=60, check=False
        )


@asynccontextmanager
async def wall(place: Path, *allowed: str) -> AsyncGenerator[Wall]:
    refused: list[tuple[str, int]] = []
    proxy = AllowListProxy(place / "proxy.sock", allowed, refused=lambda host, port: refused.append((host, port)))
    await proxy.start()
    try:
        yield Wall(proxy, refused)
    finally:
        await proxy.close()


def get(host: str, path: str = "/", *headers: str) -> bytes:
    return "\r\n".join((f"GET http://{host}{path} HTTP/1.1", *headers, "", "")).encode("latin-1")


# Real clients, through the relay.


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_reaches_what_is_allowed_and_is_told_what_is_not(tmp_path: Path, web: Site) -> None:
    async with wall(tmp_path, f"127.0.0.1:{web.port}") as limi:
        ran = await limi.through_relay("curl", "-sS", f"http://127.0.0.1:{web.port}/a", "http://example.org/secret")
        assert ran.stdout.startswith(f"/a of 127.0.0.1:{web.port}")
        assert "limi: example.org is not on this session's allow-list" in ran.stdout
        assert "/network allow example.org" in ran.stdout
        tunnel = await limi.through_relay("curl", "-sS", "-p", f"http://127.0.0.1:{web.port}/b")
        assert tunnel.stdout == f"/b of 127.0.0.1:{web.port}"
        ran = await limi.through_relay("curl", "-sS", "https://example.org/")
        assert ran.returncode != 0 and "403" in ran.stderr
        large = await limi.through_relay("curl", "-sS", f"http://127.0.0.1:{web.port}/large")
        assert len(large.stdout) == 5_000_000
        posted = await limi.through_relay("curl", "-sS", "-d", "x" * 100_000, f"http://127.0.0.1:{web.port}/p")
        assert posted.stdout == "100000 bytes posted"
        chunked = ("-H", "Transfer-Encoding: chunked", "-d", "y" * 70_000)
        posted = await limi.through_relay("curl", "-sS", *chunked, f"http://127.0.0.1:{web.port}/p")
        assert posted.stdout == "70000 bytes posted"
        assert limi.refused == [("example.org", 80), ("example.org", 443)]


async def test_urllib_speaks_tls_through_a_tunnel_and_shows_why_it_is_refused(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    fetch = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
    with site(context) as web:
        async with wall(tmp_path, f"localhost:{web.port}") as limi:
            url = f"https://localhost:{web.port}/x"
            ran = await limi.through_relay(sys.executable, "-c", fetch, url, SSL_CERT_FILE=str(certificate))
            assert ran.stdout == f"/x of localhost:{web.port}\n", ran
            ran = await limi.through_relay(sys.executable, "-c", fetch, "https://pypi.org/simple/")
            assert "403 limi: pypi.org is not on this session's allow-list" in ran.stderr
    assert limi.proxy.counts.passed == 1 and limi.proxy.counts.refused == 1


async def test_pip_says_who_refused_it(tmp_path: Path) -> None:
    async with wall(tmp_path, "example.org") as limi:
        ran = await limi.through_relay(
            sys.executable, "-m", "pip", "download", "--no-cache-dir", "--retries", "1", "--disable-pip-version-check",
            "-d", str(tmp_path), "limi-no-such-package", PIP_INDEX_URL="https://pypi.org/simple",
            PIP_CONFIG_FILE=os.devnull,
        )  # fmt: skip
        assert ran.returncode != 0
        assert "limi: pypi.org is not on this session's allow-list" in ran.stdout + ran.stderr
        assert limi.refused == [("pypi.org", 443)]


# What nobody but an attacker sends.


async def test_the_host_header_is_that_of_the_target(tmp_path: Path, web: Site) -> None:
    async with wall(tmp_path, f"127.0.0.1:{web.port}") as limi:
        said = await limi.say(get(f"127.0.0.1:{web.port}", "/h", "Host: evil.example"))
        assert said.endswith(f"/h of 127.0.0.1:{web.port}".encode())


async def test_a_second_request_behind_the_first_is_not_passed_on(tmp_path: Path, web: Site) -> None:
    async with wall(tmp_path, f"127.0.0.1:{web.port}") as limi:
        here = f"127.0.0.1:{web.port}"
        second = b"GET /second HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        await limi.say(get(here, "/first") + second)
        post = f"POST http://{here}/p HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc".encode()
        await limi.say(post + second)
        chunked = f"POST http://{here}/c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode()
        await limi.say(chunked + second)
        assert web.asked == [f"GET /first {here}", f"POST /p {here}", f"POST /c {here}"]


@pytest.mark.parametrize(
    "target",
    [
        "CONNECT 2130706433:{port}",
        "CONNECT 0x7f000001:{port}",
        "CONNECT 0177.0.0.1:{port}",
        "CONNECT 127.1:{port}",
        "CONNECT [::ffff:127.0.0.1]:{port}",
        "CONNECT [::]:{port}",
        "CONNECT 0.0.0.0:{port}",
        "CONNECT 127.0.0.1:{port}",
        "CONNECT localhost:{port}",
        "CONNECT LOCALHOST.:{port}",
        "CONNECT allowed.example@localhost:{port}",
        "CONNECT localhost:{port}:443",
        "CONNECT allowed.example.localhost:{port}",
        "GET http://localhost:{port}/",
        "GET http://allowed.example@localhost:{port}/",
        "GET http://localhost:{port}#@allowed.example/",
        "GET http://localhost:{port}?@allowed.example/",
        "GET http://allowed.example\\@localhost:{port}/",
        "GET http://2130706433:{port}/",
        "GET http://ⅼocalhost:{port}/",
        "GET http://ⓛocalhost:{port}/",
    ],
)
async def test_what_is_not_on_the_list_is_not_reached_by_another_spelling(
    tmp_path: Path, web: Site, target: str
) -> None:
    async with wall(tmp_path, "allowed.example", "*.allowed.example", f"allowed.example:{web.port}") as limi:
        said = await limi.say(target.format(port=web.port).encode() + b" HTTP/1.1\r\n\r\n", end=True)
        assert said.split(b" ")[1] in (b"400", b"403"), said
        assert web.asked == [] and limi.proxy.counts.passed == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"GET http://allowed.example/\r\nX: http://localhost HTTP/1.1\r\n\r\n",
        b"GET http://allowed.example/ HTTP/1.1\r\nX: a\nHost: b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n\r\n",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: allowed.example\r\n\r\n",
    ],
)
async def test_rubbish_is_answered_in_words(tmp_path: Path, sent: bytes) -> None:
    async with wall(tmp_path, "allowed.example") as limi:
        assert b"400 limi: this request is not passed on" in await limi.say(sent, end=True)


async def test_a_head_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    async with wall(tmp_path, "allowed.example") as limi:
        said = await limi.say(get("allowed.example", "/", "X: " + "a" * 1_000_000))
        assert said.startswith(b"HTTP/1.1 431 ") and str(LONGEST_HEAD).encode() in said


async def test_a_client_that_says_nothing_whole_in_time_is_sent_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limi_sessions.sandbox.proxy._HEAD_WITHIN_S", 0.2)
    async with wall(tmp_path, "allowed.example") as limi:
        assert (await limi.say(b"GET http://allowed.example/ HTTP/1.1\r\nX: slow")).startswith(b"HTTP/1.1 408 ")


async def test_more_connections_than_it_takes_are_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limi_sessions.sandbox.proxy.MOST_CONNECTIONS", 3)
    async with wall(tmp_path, "allowed.example") as limi:
        held = [await asyncio.open_unix_connection(str(limi.proxy.place)) for _ in range(3)]
        assert (await limi.say(b"")).startswith(b"HTTP/1.1 503 ")
        for _, writer in held:
            writer.close()


async def test_an_allowed_name_with_a_private_address_is_refused_until_the_address_is_allowed(
    tmp_path: Path, web: Site
) -> None:
    # Every name below localhost is the machine's own; here it stands for a name that somebody else's server answers.
    name = socket.gethostname()
    try:
        found = {place[0] for *_, place in socket.getaddrinfo(name, web.port, type=socket.SOCK_STREAM)}
    except OSError:
        pytest.skip("this machine's name has no address")
    if any(address.count(".") != 3 for address in found) or len(found) != 1:
        pytest.skip("this machine's name has several addresses")
    (address,) = found
    async with wall(tmp_path, f"{name}:{web.port}") as limi:
        said = await limi.say(get(f"{name}:{web.port}"))
        assert b"403" in said and f"/network allow {address}:{web.port}".encode() in said
        assert limi.refused == [(address, web.port)]
        limi.proxy.allow(f"{address}:{web.port}")
        assert not (await limi.say(get(f"{name}:{web.port}"))).startswith(b"HTTP/1.1 403")


async def test_a_host_that_is_not_there_is_named(tmp_path: Path) -> None:
    port = free_port()
    async with wall(tmp_path, f"127.0.0.1:{port}", "nowhere.invalid") as limi:
        assert b"502 limi: 127.0.0.1 cannot be reached: " in await limi.say(get(f"127.0.0.1:{port}"))
        assert b"502 limi: nowhere.invalid cannot be reached: " in await limi.say(get("nowhere.invalid"))
        assert limi.proxy.counts.failed == 2


async def test_a_host_is_allowed_at_run_time_and_each_refusal_is_told_once(tmp_path: Path, web: Site) -> None:
    async with wall(tmp_path) as limi:
        here = f"127.0.0.1:{web.port}"
        for _ in range(3):
            assert b"403" in await limi.say(get(here))
        assert limi.refused == [("127.0.0.1", web.port)]
        limi.proxy.allow(here)
        assert (await limi.say(get(here, "/now"))).endswith(f"/now of {here}".encode())
        assert (limi.proxy.counts.passed, limi.proxy.counts.refused) == (1, 3)


async def test_closing_ends_every_connection_and_removes_the_socket(tmp_path: Path, web: Site) -> None:
    async with wall(tmp_path, f"127.0.0.1:{web.port}") as limi:
        assert stat.S_IMODE(limi.proxy.place.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(str(limi.proxy.place))
        writer.write(f"CONNECT 127.0.0.1:{web.port} HTTP/1.1\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
        await limi.proxy.close()
        assert await reader.read() == b""
        assert not limi.proxy.place.exists()
        writer.close()

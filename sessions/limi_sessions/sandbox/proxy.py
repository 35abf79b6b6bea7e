"""The allow-list's proxy: the only way out of a sandbox whose network is ``allow-list``. Runs outside, in limi itself.

Passes HTTP requests and tunnels (CONNECT) to allowed hosts, from a unix socket. It resolves names itself and connects
to the address that it has judged, so that a name which changes its mind in between gains nothing. It does not look
into tunnels: who runs an allowed host, or shares its address, decides what is reached behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from limi_sessions.caller import caller_of
from limi_sessions.paths import private_socket, remove_socket
from limi_sessions.sandbox.hosts import Address, AllowList, Host
from limi_sessions.sandbox.passing import BodyBroken, pass_body, pass_both_ways, pass_bytes
from limi_sessions.sandbox.proxy_request import LONGEST_HEAD, BadRequest, ProxyRequest, parse_head

MOST_CONNECTIONS = 256
_HEAD_WITHIN_S = 15.0
_CONNECT_WITHIN_S = 20.0
_MOST_ADDRESSES = 4
_LINGER_S = 2.0
_MOST_DISCARDED = 4 << 20
_MOST_TOLD = 10_000


@dataclass
class ProxyCounts:
    """What a proxy has done."""

    passed: int = 0
    """Requests and tunnels that reached their host."""
    refused: int = 0
    """Those to hosts that are not allowed."""
    failed: int = 0
    """Those that were malformed, or whose host was not reached."""


class _Answered(Exception):
    """The client gets an answer of ours."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class AllowListProxy:
    """The proxy of one session. All methods are called on the event loop."""

    def __init__(
        self, place: Path, allowed: Sequence[str], *, refused: Callable[[str, int], None] = lambda _host, _port: None
    ) -> None:
        """Nothing listens yet.

        Args:
            place: where the socket is wanted; another is taken when that path is too long. See `place`.
            allowed: rules as `limi_sessions.sandbox.hosts` takes them.
            refused: told once of each host, or address of a host, and port that the list lacks.

        Raises:
            NoHost: a rule names no host.
        """
        self.place = place
        """Of the socket, once it listens."""
        self.counts = ProxyCounts()
        self._allowed = AllowList(allowed)
        self._refused = refused
        self._told: set[tuple[str, int]] = set()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the socket cannot be made.
        """
        self.place = private_socket(self.place)
        self.place.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The file has this mode from its first moment.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(self.place))
        self.place.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._meet, sock=listener, limit=LONGEST_HEAD)

    def allow(self, host: str) -> None:
        """Allow a host from now on.

        Raises:
            NoHost: it is none.
        """
        self._allowed.add(host)
        self._told.clear()

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
            remove_socket(self.place)
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.current_task()
        assert client is not None
        self._clients.add(client)
        try:
            await self._serve(reader, writer)
        except _Answered as answer:
            with contextlib.suppress(OSError):
                await _answer(reader, writer, answer)
        except (OSError, EOFError, BodyBroken):
            pass  # one of the two hung up or spoke nonsense
        finally:
            writer.close()
            self._clients.discard(client)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if caller_of(writer.get_extra_info("socket")).uid != os.getuid():
            return
        if len(self._clients) > MOST_CONNECTIONS:
            self.counts.failed += 1
            raise _Answered(503, f"{MOST_CONNECTIONS} connections are open already")
        request = await self._requested(reader)
        far_reader, far_writer = await self._reached(request)
        self.counts.passed += 1
        try:
            if request.is_tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await pass_both_ways((reader, writer), (far_reader, far_writer))
            else:
                far_writer.write(request.head)
                await _exchange(request, (reader, writer), (far_reader, far_writer))
        finally:
            far_writer.close()

    async def _requested(self, reader: asyncio.StreamReader) -> ProxyRequest:
        """The request, from a host that is allowed."""
        try:
            async with asyncio.timeout(_HEAD_WITHIN_S):
                request = parse_head(await reader.readuntil(b"\r\n\r\n"))
        except (BadRequest, asyncio.LimitOverrunError, TimeoutError) as error:
            self.counts.failed += 1
            if isinstance(error, TimeoutError):
                raise _Answered(408, f"no whole request came within {_HEAD_WITHIN_S:.0f} s") from error
            if isinstance(error, asyncio.LimitOverrunError):
                raise _Answered(431, f"the request's head is longer than {LONGEST_HEAD} bytes") from error
            raise _Answered(400, f"this request is not passed on: {error}") from error
        if not self._allowed.covers(request.host, request.port):
            named = request.host.with_port(request.port)
            raise self._not_allowed(request.host, request.port, f"{named} is not on this session's allow-list")
        return request

    def _not_allowed(self, missing: Host, port: int, words: str) -> _Answered:
        self.counts.refused += 1
        key = (missing.name, port)
        # Names that are made up one after the other must not fill the memory.
        if key not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(key)
            self._refused(*key)
        return _Answered(403, f"{words}; the expert adds it with /network allow {missing.with_port(port)}")

    async def _reached(self, request: ProxyRequest) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to an address of the host that may be reached."""
        try:
            async with asyncio.timeout(_CONNECT_WITHIN_S):
                found = await _addresses(request.host, request.port)
                admitted = [a for a in found if self._allowed.admits(request.host, a, request.port)]
                if not admitted:
                    own = Host(str(found[0]), found[0])
                    words = f"{request.host.name} has the address {own.name}, which is not public and not on the list"
                    raise self._not_allowed(own, request.port, words)
                return await _connected(admitted[:_MOST_ADDRESSES], request.port)
        except (OSError, UnicodeError) as error:
            self.counts.failed += 1
            raise _Answered(502, f"{request.host.name} cannot be reached: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


async def _addresses(host: Host, port: int) -> list[Address]:
    if host.address is not None:
        return [host.address]
    found = await asyncio.get_running_loop().getaddrinfo(host.name, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(ipaddress.ip_address(place[0]) for *_, place in found)
    if not addresses:
        raise OSError("it has no address")
    return list(addresses)


async def _connected(addresses: Sequence[Address], port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for number, address in enumerate(addresses, 1):
        try:
            return await asyncio.open_connection(str(address), port)
        except OSError:
            if number == len(addresses):
                raise
    raise OSError("it has no address")


async def _exchange(
    request: ProxyRequest,
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Pass one request's body there and all that comes back; the host was told to close after its answer."""
    body = asyncio.create_task(pass_body(near[0], far[1], length=request.length, chunked=request.chunked))
    try:
        await pass_bytes(far[0], near[1])
    finally:
        # An answer may come before the body is read; then nobody wants the rest.
        body.cancel()
        await asyncio.gather(body, return_exceptions=True)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: _Answered) -> None:
    # In the first line too: of a refused CONNECT most programs show nothing else.
    words = f"limi: {answer.words}".encode("ascii", "replace")
    head = b"HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    writer.write(head % (answer.status, words, len(words) + 1) + words + b"\n")
    await writer.drain()
    writer.write_eof()
    # Hung up on while it still sends, a client may never read the answer.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            left = _MOST_DISCARDED
            while left > 0 and (chunk := await reader.read(64 * 1024)):
                left -= len(chunk)

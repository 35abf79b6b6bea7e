"""The head of a request to an HTTP proxy, read strictly: what can be read in two ways is refused.

Source: RFC 9112 (message syntax, request smuggling in section 11.2), RFC 9110 section 7.6.1 (headers of one hop).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from limi_sessions.sandbox.hosts import Host, NoHost, parse_host, split_port

LONGEST_HEAD = 32 * 1024
"""Bytes of the request line and the headers."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"[!-~]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_ONE_HOP = frozenset(
    ("connection", "proxy-connection", "keep-alive", "proxy-authorization", "proxy-authenticate", "te", "upgrade")
)


class BadRequest(ValueError):
    """What was sent cannot be passed on; the message says why."""


@dataclass(frozen=True)
class ProxyRequest:
    """What a client asks a proxy for."""

    method: str
    host: Host
    port: int
    head: bytes
    """What is sent to the host before the body; empty for CONNECT."""
    length: int
    """Bytes of the body; 0 where it is chunked."""
    chunked: bool

    @property
    def is_tunnel(self) -> bool:
        """Whether bytes pass both ways, whatever they are."""
        return self.method == "CONNECT"


def parse_head(head: bytes) -> ProxyRequest:
    """The request of a head, up to and with its empty line.

    Raises:
        BadRequest: it is no request to a proxy, or one that somebody else could read differently.
    """
    text = head.decode("latin-1")
    if not text.endswith("\r\n\r\n") or re.search(r"\r(?!\n)|(?<!\r)\n|\0", text):
        raise BadRequest("its lines do not end in CR LF")
    first, *lines = text[:-4].split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("its first line is not METHOD TARGET HTTP/1.1")
    method, target, _ = parts
    if not _TARGET.fullmatch(target):
        raise BadRequest("its target is not in visible ASCII")
    headers = [_header(line) for line in lines]
    if [name for name, _ in headers].count("host") > 1:
        raise BadRequest("it has several Host headers")
    if method == "CONNECT":
        host, port = _authority(target, default=None)
        return ProxyRequest(method, host, port, b"", 0, chunked=False)
    host, port, path = _absolute(target)
    length, chunked = _body(headers)
    return ProxyRequest(method, host, port, _passed_head(method, host, port, path, headers), length, chunked)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise BadRequest("a header is not NAME: VALUE on one line")
    return name.lower(), value.strip(" \t")


def _absolute(target: str) -> tuple[Host, int, str]:
    scheme, marks, rest = target.partition("://")
    if not marks or scheme.lower() != "http":
        raise BadRequest("a proxy is asked for http://HOST/PATH, or for anything else by CONNECT")
    authority, path = re.fullmatch(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # pyright: ignore[reportOptionalMemberAccess] - it always matches
    if "#" in path:
        raise BadRequest("its target has a fragment")
    host, port = _authority(authority, default=80)
    return host, port, path if path.startswith("/") else f"/{path}"


def _authority(text: str, *, default: int | None) -> tuple[Host, int]:
    if "@" in text or "\\" in text or "%" in text:
        raise BadRequest("its host has a user, a backslash or a percent sign")
    try:
        name, port = split_port(text)
        host = parse_host(name)
    except NoHost as error:
        raise BadRequest(str(error)) from error
    port = default if port is None else port
    if port is None:
        raise BadRequest("CONNECT needs HOST:PORT")
    return host, port


def _body(headers: list[tuple[str, str]]) -> tuple[int, bool]:
    lengths = [value for name, value in headers if name == "content-length"]
    encodings = [value.lower() for name, value in headers if name == "transfer-encoding"]
    if encodings:
        if lengths or encodings != ["chunked"]:
            raise BadRequest("the length of its body is not clear")
        return 0, True
    if not lengths:
        return 0, False
    if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
        raise BadRequest("the length of its body is not clear")
    return int(lengths[0]), False


def _passed_head(method: str, host: Host, port: int, path: str, headers: list[tuple[str, str]]) -> bytes:
    """The head for the host: its Host header is what was asked for, whatever the client wrote there."""
    named = {part.strip().lower() for name, value in headers if name == "connection" for part in value.split(",")}
    if named & {"content-length", "transfer-encoding", "host"}:
        raise BadRequest("its Connection header names what belongs to the message")
    authority = host.name if host.address is None or host.address.version == 4 else f"[{host.name}]"
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority}" if port == 80 else f"Host: {authority}:{port}"]
    lines += [f"{name}: {value}" for name, value in headers if name not in _ONE_HOP | named | {"host"}]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")

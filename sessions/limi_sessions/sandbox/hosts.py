"""Which hosts an allow-list names, and which addresses nobody reaches by a name. Knows nothing of HTTP.

A rule is ``example.org``, ``*.example.org`` (every name below it, not itself), an address, or ``localhost``, each with
``:PORT`` or for ports 80 and 443. A name reaches public addresses only: who runs a name server could else point an
allowed name at the machine or its network. An address that is not public is reached when it is on the list itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

WEB_PORTS = frozenset((80, 443))
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
_EMBEDDING = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as NAT64 writes them; RFC 6052."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NoHost(ValueError):
    """A text names no host; the message says why and what to write."""


@dataclass(frozen=True)
class Host:
    """A host as a client or a person names it, in one form only."""

    name: str
    """Lower case, without a dot at its end; an address as `ipaddress` writes it."""
    address: Address | None
    """None: it is a name."""

    def with_port(self, port: int) -> str:
        """Host and port as a rule names them; the web's ports are left out."""
        name = f"[{self.name}]" if isinstance(self.address, ipaddress.IPv6Address) else self.name
        return name if port in WEB_PORTS else f"{name}:{port}"


@dataclass(frozen=True)
class HostRule:
    """What one line of an allow-list allows."""

    host: Host
    below: bool
    """Every name below the host instead of itself."""
    ports: frozenset[int]

    def covers(self, host: Host, port: int) -> bool:
        """Whether the rule allows it."""
        if port not in self.ports:
            return False
        if self.below:
            return host.address is None and host.name.endswith(f".{self.host.name}")
        return host == self.host


def parse_host(text: str) -> Host:
    """A host of a request or a rule: a name in ASCII, an IPv4 address in four numbers, or an IPv6 address in brackets.

    Raises:
        NoHost: it is none of these.
    """
    try:
        if text.startswith("[") and text.endswith("]") and "%" not in text:
            return _of_address(ipaddress.IPv6Address(text[1:-1]))
        name = text.lower().removesuffix(".")
        labels = name.split(".")
        # What resolvers take for an address in other notations: 2130706433, 0x7f.1, 0177.0.0.1.
        if _NUMBER.fullmatch(labels[-1]):
            return _of_address(ipaddress.IPv4Address(name))
    except ValueError as error:
        raise NoHost(f"{text[:80]!r} is no address: write 192.0.2.1 or [2001:db8::1]") from error
    if not text.isascii():
        raise NoHost(f"{text[:80]!r} is not in ASCII: write the name as DNS has it (xn--...)")
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise NoHost(f"{text[:80]!r} is no host name")
    return Host(name, None)


def parse_rule(text: str) -> HostRule:
    """A line of an allow-list.

    Raises:
        NoHost: it names no host or no port.
    """
    name, port = split_port(text.strip())
    below = name.startswith("*.")
    host = parse_host(name[2:] if below else name)
    if below and (host.address is not None or "." not in host.name):
        raise NoHost(f"{text[:80]!r} allows too much: name a domain, as in *.example.org")
    return HostRule(host, below, WEB_PORTS if port is None else frozenset((port,)))


def split_port(text: str) -> tuple[str, int | None]:
    """Host and port of ``HOST:PORT``; the port is None where none is given.

    Raises:
        NoHost: the port is no number from 1 to 65535.
    """
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?", text)
    if found is None or (found[2] is not None and not 0 < int(found[2]) < 65536):
        raise NoHost(f"{text[:80]!r} is no host with a port: write example.org:8443")
    return found[1], None if found[2] is None else int(found[2])


class AllowList:
    """The rules of one session; they only ever become more."""

    def __init__(self, rules: Iterable[str]) -> None:
        """Raises: NoHost."""
        self._rules = [parse_rule(rule) for rule in rules]

    def add(self, rule: str) -> None:
        """Allow more.

        Raises:
            NoHost: the rule names no host.
        """
        self._rules.append(parse_rule(rule))

    def covers(self, host: Host, port: int) -> bool:
        """Whether a rule allows the host."""
        return any(rule.covers(host, port) for rule in self._rules)

    def admits(self, host: Host, address: Address, port: int) -> bool:
        """Whether an allowed host may be reached at this address."""
        if host.name == "localhost" and address.is_loopback:
            return True
        return is_public(address) or self.covers(_of_address(address), port)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, in whatever address it is wrapped."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _EMBEDDING:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        wrapped = (address.sixtofour, *(address.teredo or ()))
        if address.ipv4_mapped is not None or address.is_site_local or address.scope_id is not None:
            return False
        if not all(is_public(inner) for inner in wrapped if inner is not None):
            return False
    return address.is_global and not (
        address.is_multicast
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_reserved
    )


def _of_address(address: Address) -> Host:
    return Host(str(address), address)

from __future__ import annotations

import ipaddress

import pytest

from limi_sessions.sandbox.hosts import AllowList, NoHost, is_public, parse_host, parse_rule
from limi_sessions.sandbox.proxy_request import BadRequest, parse_head


def covered(rules: list[str], host: str, port: int = 443) -> bool:
    return AllowList(rules).covers(parse_host(host), port)


@pytest.mark.parametrize(
    ("rule", "host", "port", "allowed"),
    [
        ("pypi.org", "pypi.org", 443, True),
        ("pypi.org", "PyPI.org.", 80, True),
        ("PyPI.ORG.", "pypi.org", 443, True),
        ("pypi.org", "pypi.org", 22, False),
        ("pypi.org:8443", "pypi.org", 8443, True),
        ("pypi.org:8443", "pypi.org", 443, False),
        ("pypi.org", "a.pypi.org", 443, False),
        ("pypi.org", "pypi.org.evil.example", 443, False),
        ("pypi.org", "xpypi.org", 443, False),
        ("*.pypi.org", "a.b.pypi.org", 443, True),
        ("*.pypi.org", "pypi.org", 443, False),
        ("*.pypi.org", "xpypi.org", 443, False),
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1", "[::ffff:127.0.0.1]", 80, False),
        ("[::1]:8080", "[0:0::1]", 8080, True),
        ("xn--bcher-kva.example", "XN--BCHER-KVA.example", 443, True),
    ],
)
def test_a_rule_allows_what_it_names_and_nothing_else(rule: str, host: str, port: int, allowed: bool) -> None:
    assert covered([rule], host, port) is allowed


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "*.org", "*.127.0.0.1", "a b", "a..b", "-a.org", "a.org:0", "a.org:70000", "a.org:x", "a.org/x",
     "http://a.org", "user@a.org", "bücher.example", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1",
     "1.2.3.4.5", "[::1", "[fe80::1%eth0]", "[127.0.0.1]", "::1", "a." + "b" * 64, "a" * 260, "a\r\nb", "a\0b",
     "a%2eorg", "*a.org"],
)  # fmt: skip
def test_what_is_no_host_is_no_rule(text: str) -> None:
    with pytest.raises(NoHost):
        parse_rule(text)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "240.0.0.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "fec0::1",
     "::ffff:127.0.0.1", "::ffff:8.8.8.8", "2002:7f00:1::", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
     "2001:0:7f00:1::", "2001:db8::1"],
)  # fmt: skip
def test_an_address_of_the_machine_or_its_network_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_a_name_reaches_an_address_that_is_not_public_only_when_that_is_allowed_itself() -> None:
    allowed = AllowList(["inside.example", "localhost"])
    inside, private = parse_host("inside.example"), ipaddress.ip_address("10.0.0.5")
    assert allowed.admits(inside, ipaddress.ip_address("8.8.8.8"), 443)
    assert not allowed.admits(inside, private, 443)
    assert allowed.admits(parse_host("localhost"), ipaddress.ip_address("127.0.0.1"), 80)
    assert not allowed.admits(parse_host("localhost"), private, 80)
    allowed.add("10.0.0.5")
    assert allowed.admits(inside, private, 443)
    assert not allowed.admits(inside, private, 8443)


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET https://a.org/ HTTP/1.1\r\n\r\n",
        "GET ftp://a.org/ HTTP/1.1\r\n\r\n",
        "GET http://user@a.org/ HTTP/1.1\r\n\r\n",
        "GET http://a.org@b.org/ HTTP/1.1\r\n\r\n",
        "GET http://a.org\\@b.org/ HTTP/1.1\r\n\r\n",
        "GET http://a.org%2e/ HTTP/1.1\r\n\r\n",
        "GET http://2130706433/ HTTP/1.1\r\n\r\n",
        "GET http://0x7f.1/ HTTP/1.1\r\n\r\n",
        "GET http://a.org:/x HTTP/1.1\r\n\r\n",
        "GET http://a.org:080808/ HTTP/1.1\r\n\r\n",
        "GET http://a.org/#x HTTP/1.1\r\n\r\n",
        "GET http://a.org/ HTTP/2\r\n\r\n",
        "GET http://a.org/ x HTTP/1.1\r\n\r\n",
        "GET  http://a.org/ HTTP/1.1\r\n\r\n",
        "GET http://a.org/\x7f HTTP/1.1\r\n\r\n",
        "GET http://a.org/ HTTP/1.1\nHost: b.org\r\n\r\n",
        "GET http://a.org/ HTTP/1.1\r\nX: a\rHost: b\r\n\r\n",
        "GET http://a.org/ HTTP/1.1\r\nX: a\0\r\n\r\n",
        "GET http://a.org/ HTTP/1.1\r\nHost: a.org\r\nHost: b.org\r\n\r\n",
        "GET http://a.org/ HTTP/1.1\r\nHost : a.org\r\n\r\n",
        "GET http://a.org/ HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        "GET http://a.org/ HTTP/1.1\r\nno colon\r\n\r\n",
        "POST http://a.org/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST http://a.org/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        "POST http://a.org/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST http://a.org/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST http://a.org/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST http://a.org/ HTTP/1.1\r\nConnection: content-length\r\nContent-Length: 4\r\n\r\n",
        "CONNECT a.org HTTP/1.1\r\n\r\n",
        "CONNECT a.org:0 HTTP/1.1\r\n\r\n",
        "CONNECT http://a.org:443 HTTP/1.1\r\n\r\n",
        "CONNECT user@a.org:443 HTTP/1.1\r\n\r\n",
        "CONNECT 2130706433:443 HTTP/1.1\r\n\r\n",
        "CONNECT 0x7f000001:443 HTTP/1.1\r\n\r\n",
        "CONNECT ::1:443 HTTP/1.1\r\n\r\n",
        "CONNECT a.org:443:22 HTTP/1.1\r\n\r\n",
        "CONNECT b\xfccher.org:443 HTTP/1.1\r\n\r\n",
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_refused(head: str) -> None:
    with pytest.raises(BadRequest):
        parse_head(head.encode("latin-1"))


def test_the_head_that_is_passed_on_names_the_host_that_was_judged() -> None:
    request = parse_head(
        b"POST http://A.org.:8080?q=1 HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: Basic eA==\r\n"
        b"Proxy-Connection: keep-alive\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nX-Kept: \xe9\r\n"
        b"Content-Length: 3\r\n\r\n"
    )
    assert (request.host.name, request.port, request.length, request.chunked) == ("a.org", 8080, 3, False)
    assert request.head == (
        b"POST /?q=1 HTTP/1.1\r\nHost: a.org:8080\r\nx-kept: \xe9\r\ncontent-length: 3\r\nConnection: close\r\n\r\n"
    )

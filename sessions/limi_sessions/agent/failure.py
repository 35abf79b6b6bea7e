"""What an exception of litellm means; runs in the model process only.

litellm gives a refused connection, a cut stream and broken JSON the same class and status 500, so the chain of causes
is read. Knows the names of exceptions, not their classes: it imports none of the libraries that define them.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from limi_sessions.agent.stream import ErrorKind

_CONNECTION = frozenset(
    {
        "ConnectError",
        "ReadError",
        "WriteError",
        "RemoteProtocolError",
        "ClientConnectionError",
        "ClientConnectorError",
        "ServerDisconnectedError",
        "ClientOSError",
        "ClientPayloadError",
        "ConnectionRefusedError",
        "ConnectionResetError",
        "BrokenPipeError",
        "ClientConnectorDNSError",
        "gaierror",
    }
)
_TIMEOUT = frozenset({"ReadTimeout", "ConnectTimeout", "PoolTimeout", "WriteTimeout", "APITimeoutError", "Timeout"})
_QUOTED = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.)+)"')
"""The message of an error body that litellm shows as it came."""
_RETRIABLE_STATUS = frozenset({429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request in our words."""

    kind: ErrorKind
    message: str
    status_code: int | None
    retry_after_s: float | None
    retriable: bool
    cut: bool
    """The connection ended in the middle of an answer, or the provider broke it off."""


def failure_of(error: Exception) -> Failure:
    """The meaning of an exception that a request raised."""
    chain = list(_chain(error))
    names = {type(link).__name__ for link in chain}
    cut = "MidStreamFallbackError" in names
    status = _status(chain)
    malformed = "JSONDecodeError" in names and not names & _CONNECTION
    retry_after = _retry_after(chain)
    message = _message(chain)
    if malformed:
        return Failure("malformed", f"the provider's answer is no valid JSON: {message}", status, None, False, False)
    if names & _CONNECTION or (status is None and "APIConnectionError" in names):
        return Failure("connection", message, None, retry_after, True, cut)
    if names & _TIMEOUT:
        return Failure("timeout", message, status, retry_after, False, cut)
    kind = _kind(status)
    retriable = status in _RETRIABLE_STATUS and "insufficient_quota" not in message
    return Failure(kind, message, status, retry_after, retriable, cut)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    rest: list[BaseException] = [error]
    while rest:
        link = rest.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        following = (link.__cause__, link.__context__, cast(object, getattr(link, "original_exception", None)))
        rest.extend(cause for cause in following if isinstance(cause, BaseException))


def _status(chain: list[BaseException]) -> int | None:
    """The HTTP status that the provider sent: only a link with a real response knows it."""
    for link in reversed(chain):
        response = getattr(link, "response", None)
        code = getattr(response, "status_code", None)
        if type(link).__name__ in ("HTTPStatusError", "ClientResponseError") and isinstance(code, int):
            return code
    first = getattr(chain[0], "status_code", None)
    if "APIConnectionError" in {type(link).__name__ for link in chain}:
        return None
    return first if isinstance(first, int) else None


def _kind(status: int | None) -> ErrorKind:
    match status:
        case 401 | 403:
            return "auth"
        case 429:
            return "rate_limit"
        case int() if 400 <= status < 500:
            return "bad_request"
        case _:
            return "server"


def _retry_after(chain: list[BaseException]) -> float | None:
    for link in chain:
        for headers in (
            getattr(link, "litellm_response_headers", None),
            getattr(getattr(link, "response", None), "headers", None),
        ):
            if isinstance(headers, Mapping):
                value = cast(Mapping[str, object], headers).get("retry-after")
                if isinstance(value, str) and (seconds := _seconds(value)) is not None:
                    return seconds
    return None


def _seconds(value: str) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date (RFC 9110, 10.2.3)."""
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _message(chain: list[BaseException]) -> str:
    """The first line that says something, without litellm's own prefixes."""
    text = str(chain[0]).strip() or type(chain[-1]).__name__
    for marker in ("Exception - ", "litellm.", "Error: "):
        head, found, tail = text.partition(marker)
        if found and len(head) < 80 and tail:
            text = tail
    first = text.partition("\n")[0].partition(" Original exception:")[0]
    if (quoted := _QUOTED.search(first)) is not None:
        first = quoted[1].replace('\\"', '"')
    return first.strip()[:1000]

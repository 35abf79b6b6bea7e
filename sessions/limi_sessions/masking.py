"""Known secret values, kept out of everything that is written.

The values in use (keys of providers, tokens of the environment) are replaced by placeholders that stay the same
within a session. Finding unknown secrets is the business of curation, not of this module.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import os
import re
import stat
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar, cast, get_args

from limi_sessions.paths import write_private
from limi_sessions.records.payload import Payload, ShellName
from limi_sessions.records.value import JsonObject, storable

SHORTEST = 6
"""Shorter values are left alone: they would match ordinary text."""
MOST_HISTORY = 16 * 1024 * 1024
"""Bytes of a shell's history."""

_P = TypeVar("_P", bound=Payload)


class Masker:
    """Replaces known secret values, also in their JSON-escaped, URL-quoted and base64 forms."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets: tuple[str, ...] = ()
        """The values themselves, in order of first appearance."""
        self._placeholder: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._in_json: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Mask these values too; earlier placeholders stay as they are."""
        self.secrets = tuple(dict.fromkeys((*self.secrets, *(s for s in secrets if len(s) >= SHORTEST))))
        for number, secret in enumerate(self.secrets, 1):
            for form in secret_forms(secret):
                self._placeholder.setdefault(form, f"[secret {number}]")
        longest_first = sorted(self._placeholder, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        serialised = [json.dumps(form, ensure_ascii=False)[1:-1] for form in longest_first]
        self._in_json = re.compile("|".join(map(re.escape, serialised))) if serialised else None

    @property
    def forms(self) -> Mapping[str, str]:
        """Every masked text and its placeholder."""
        return self._placeholder

    def text(self, text: str) -> str:
        """The text with every known value replaced."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._placeholder[match.group()], text)

    def payload(self, payload: _P) -> _P:
        """The payload with every known value replaced, in all its strings, and fit to be stored."""
        payload, serialised = storable(payload)
        # One search over the serialised payload decides; nearly all payloads hold no secret.
        if self._in_json is None or self._in_json.search(serialised) is None:
            return payload
        masked = self._walk(cast(JsonObject, json.loads(serialised)))
        return type(payload).model_validate(masked)

    def _walk(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._walk(v) for v in cast("list[object]", value)]
        if isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            return {self.text(k): self._walk(v) for k, v in fields.items()}
        return value


def secret_forms(secret: str) -> tuple[str, ...]:
    """The spellings under which a value may appear in text."""
    raw = secret.encode("utf-8", "surrogateescape")
    return tuple(
        dict.fromkeys(
            form
            for form in (
                secret,
                json.dumps(secret)[1:-1],
                json.dumps(secret, ensure_ascii=False)[1:-1],
                urllib.parse.quote(raw, safe=""),
                base64.b64encode(raw).decode().rstrip("="),
            )
            if len(form) >= SHORTEST
        )
    )


def mask_histories(directory: Path, masker: Masker) -> None:
    """Mask the known secrets that somebody typed: a shell writes its history down as it was.

    Commands can write here too: only the regular files that shells keep are read, and no link is followed. One that is
    too large for what people type is removed.
    """
    for shell in get_args(ShellName):
        path = directory / f"{shell}_history"
        with contextlib.suppress(OSError):
            typed = _regular_content(path)
            if typed is None:
                path.unlink()
            elif (masked := masker.text(typed)) != typed:
                write_private(path, masked.encode("utf-8", "surrogateescape"))


def _regular_content(path: Path) -> str | None:
    """The text of a regular file; None when it is something else, or too large.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    try:
        # A pipe without a writer must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            return None
        raise
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_HISTORY:
            return None
        return stream.read(MOST_HISTORY).decode("utf-8", "surrogateescape")

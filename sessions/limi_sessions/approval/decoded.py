"""What a command says in a disguise, and which parts of it deserve a second look. Only for drawing, never for deciding.

`decoded` names what is certain: a text that an escape, an encoding or quotes inside a word stand for. `remarks` names
parts that are known to do harm, to reach out, or to run something else. Neither finds everything: a command without
remarks is not thereby harmless.

Knows nothing of who approves.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from limi_sessions.approval.remarks import Remark, remarks
from limi_sessions.pty.quoting import unquoted_word

__all__ = ["Decoded", "Remark", "decoded", "remarks"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A part of a command that stands for another text."""

    start: int
    """In code points from the command's start."""
    end: int
    text: str
    """What it stands for; may hold control characters, so it is drawn as any foreign text."""


_ANSI_QUOTED = re.compile(r"\$'(?:[^'\\]|\\.)*'", re.DOTALL)
_ESCAPES = re.compile(r"(?:\\x[0-9a-fA-F]{2}|\\0?[0-3][0-7]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}){2,}")
_PERCENT = re.compile(r"(?<![\w./:-])(?:[\w./:-]*%[0-9a-fA-F]{2}){3,}[\w./:-]*", re.ASCII)
_FIELD_SEPARATOR = re.compile(r"\$\{IFS[^}]*\}|\$IFS(?:\$\d|(?!\w))")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{8,}={0,2}(?![\w+/=-])")
_BASE64_DECODER = re.compile(r"\bbase64\b.*\s(?:-\w*[dD]|--decode)|\bb(?:ase)?64_?decode|\batob\b", re.DOTALL)
_HEX = re.compile(r"(?<![\w+/-])(?:0x)?((?:[0-9a-fA-F]{2}){4,})(?![\w+/-])")
_HEX_DECODER = re.compile(r"\bxxd\b.*\s-\w*r|\bunhexlify\b|\bfromhex\b", re.DOTALL)
_BROKEN_WORD = re.compile(r"""(?<![\w./'"\\$=-])(?:[\w./-]|\\\n|\\[\w./-]|'[\w./-]*'|"[\w./-]*")+(?![\w./'"\\$=-])""")
_QUOTING = re.compile(r"""\\\n|['"\\]""")
_MOST_EXAMINED = 20_000
_WHOLLY_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")


def decoded(command: str) -> tuple[Decoded, ...]:
    """What parts of the first 20,000 code points of a command stand for, by start; no two overlap."""
    found = sorted(_found(command[:_MOST_EXAMINED]), key=lambda part: (part.start, -part.end))
    kept: list[Decoded] = []
    for part in found:
        if not kept or part.start >= kept[-1].end:
            kept.append(part)
    return tuple(kept)


def _found(command: str) -> Iterator[Decoded]:
    yield from _each(_ANSI_QUOTED, command, lambda text: _ansi(text) if "\\" in text else None)
    yield from _each(_ESCAPES, command, _escaped)
    yield from _each(_PERCENT, command, urllib.parse.unquote)
    yield from _each(_FIELD_SEPARATOR, command, lambda _: " ")
    if _BASE64_DECODER.search(command):
        yield from _each(_BASE64, command, _base64)
    if _HEX_DECODER.search(command):
        yield from _each(_HEX, command, lambda text: _readable(bytes.fromhex(text.removeprefix("0x"))))
    yield from _each(_BROKEN_WORD, command, _joined)


def _each(pattern: re.Pattern[str], command: str, decode: Callable[[str], str | None]) -> Iterator[Decoded]:
    for found in pattern.finditer(command):
        text = decode(found.group())
        if text is not None and text != found.group():
            yield Decoded(found.start(), found.end(), text)


def _ansi(text: str) -> str:
    return unquoted_word(text.encode("utf-8", "replace"))


def _escaped(text: str) -> str | None:
    # `echo -e` writes an octal escape with a leading zero.
    return _ansi("$'" + re.sub(r"\\0(?=[0-3][0-7]{2})", r"\\", text) + "'")


def _base64(text: str) -> str | None:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _readable(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except binascii.Error:
        return None


def _readable(content: bytes) -> str | None:
    """UTF-8 text without control characters but line ends and tabs; else nothing can be said for certain."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if text and all(character.isprintable() or character in "\n\r\t" for character in text) else None


def _joined(text: str) -> str | None:
    """A word whose quotes hide how it reads, as in ``c''at``."""
    if _WHOLLY_QUOTED.fullmatch(text) or not _QUOTING.search(text):
        return None
    plain = _QUOTING.sub("", text)
    return plain if re.search(r"[A-Za-z]", plain) else None

"""Shell words read back, as ``${x@Q}`` of bash, ``${(qqqq)x}`` of zsh and ``string escape`` of fish print them.

Source: ANSI-C quoting, bash reference manual section 3.1.2.4; zshexpn(1), flag q.
"""

from __future__ import annotations

import re
import urllib.parse

_PIECE = re.compile(rb"\$'((?:[^'\\]|\\.)*)'|'([^']*)'|\\(.)|([^'\\$]+)|(\$)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|c.|.)", re.DOTALL)
_SINGLE = {
    b"a": b"\a", b"b": b"\b", b"e": b"\x1b", b"E": b"\x1b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t",
    b"v": b"\v",
}  # fmt: skip


def unquoted_word(word: bytes) -> str:
    """The text of one quoted shell word; bytes that are no UTF-8 become U+FFFD."""
    pieces: list[bytes] = []
    for found in _PIECE.finditer(word):
        ansi, single, escaped, plain, dollar = found.groups()
        if ansi is not None:
            pieces.append(_ESCAPE.sub(_unescaped, ansi))
        else:
            pieces.append(next(p for p in (single, escaped, plain, dollar) if p is not None))
    return b"".join(pieces).decode("utf-8", "replace")


def unquoted_url(text: bytes) -> str:
    """The text of a percent-encoded string; bytes that are no UTF-8 become U+FFFD."""
    return urllib.parse.unquote_to_bytes(text).decode("utf-8", "replace")


def single_quoted(text: str) -> str:
    """The text as one word of bash, zsh or sh."""
    return "'" + text.replace("'", "'\\''") + "'"


def fish_quoted(text: str) -> str:
    """The text as one word of fish, whose single quotes know two escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found.group(1)
    if code in _SINGLE:
        return _SINGLE[code]
    first = code[:1]
    if first in b"01234567":
        return bytes([int(code, 8) & 0xFF])
    if first == b"x" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    if first in b"uU" and len(code) > 1:
        point = int(code[1:], 16)
        return chr(point).encode("utf-8", "replace") if point <= 0x10FFFF else b"\xef\xbf\xbd"
    if first == b"c" and len(code) == 2:
        return bytes([code[1] & 0x1F])
    return code

"""Bytes of a file as text, with what a reader must know about them; binary files named by their kind.

Source: magic numbers, file(1)'s magic database, https://github.com/file/file/tree/master/magic/Magdir.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import PurePosixPath

from limi_sessions.tools.refusal import ToolRefused

_MAGIC = (
    (b"\x7fELF", "ELF program or library"),
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"%PDF-", "PDF document"),
    (b"PK\x03\x04", "ZIP archive (also docx, xlsx, jar, whl)"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"GGUF", "GGUF model"),
    (b"PAR1", "Parquet file"),
    (b"\0asm", "WebAssembly module"),
    (codecs.BOM_UTF32_LE, "UTF-32 text; convert it with iconv -f UTF-32 -t UTF-8"),
    (codecs.BOM_UTF16_LE, "UTF-16 text; convert it with iconv -f UTF-16 -t UTF-8"),
    (codecs.BOM_UTF16_BE, "UTF-16 text; convert it with iconv -f UTF-16 -t UTF-8"),
)
_MOST_BAD = 0.1
"""Share of undecodable characters above which a file without NUL still is no text."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text of a file, line ends and all."""

    text: str
    note: str = ""
    """What was not plain UTF-8, empty when nothing."""


def text_file(path: PurePosixPath, content: bytes) -> TextFile:
    """The text of a file's content: UTF-8, its byte order mark dropped, bad bytes as U+FFFD, both noted.

    Raises:
        ToolRefused: the content is binary; the message gives size and kind.
    """
    marked = content.startswith(codecs.BOM_UTF8)
    note = "UTF-8 with byte order mark" if marked else ""
    if b"\0" in content:
        raise ToolRefused(f"{path} is binary: {len(content):,} bytes, {kind_of(content)}")
    try:
        return TextFile(content.decode("utf-8-sig"), note)
    except UnicodeDecodeError:
        text = content.decode("utf-8-sig", "replace")
    bad = text.count("\ufffd")
    if bad > _MOST_BAD * len(text) + 10:
        raise ToolRefused(f"{path} is binary: {len(content):,} bytes, {kind_of(content)}")
    return TextFile(text, f"not UTF-8: {bad} places with other bytes read U+FFFD")


def kind_of(content: bytes) -> str:
    """What a binary file is by its first bytes."""
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), "of unknown type")

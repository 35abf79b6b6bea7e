"""Writing git objects: one pack with its index for each set of new objects, on disk before it is named.

A pack is the cheapest way to many durable objects: three flushes for all of them instead of one each. Packs hold
whole objects, no deltas, in a repository whose ids are SHA-256.

Source: https://git-scm.com/docs/gitformat-pack (pack version 2, index version 2).
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from limi_sessions.checkpoints.gitprogram import flush

BLOB: Final = 3
TREE: Final = 2
ID_BYTES = 32
_HEADS = {BLOB: b"blob %d\0", TREE: b"tree %d\0"}
_SAMPLE = 1 << 16
_PIECE = 1 << 20
_LARGE_OFFSET = 1 << 31
_INDEX_HEAD = b"\xfftOc" + struct.pack(">I", 2)
INDEX_START = len(_INDEX_HEAD) + 4 * 256
"""Where the ids begin in an index; the number of objects stands just before."""
_TEMPORARY = "tmp_limi_"


def object_id(kind: int, content: bytes) -> bytes:
    """The id git gives to a content, 32 bytes."""
    digest = hashlib.sha256(_HEADS[kind] % len(content))
    digest.update(content)
    return digest.digest()


@dataclass(slots=True)
class PackWriter:
    """One pack in the making. Nothing of it exists for git until `finish`."""

    directory: Path
    """``objects/pack`` of the repository."""
    _stream: BinaryIO | None = None
    _temporary: Path | None = None
    _entries: dict[bytes, tuple[int, int]] = field(default_factory=dict[bytes, tuple[int, int]])
    """id -> (offset, crc32 of the entry)."""
    _offset: int = 12

    @property
    def size_bytes(self) -> int:
        """Of the pack without its index."""
        return self._offset + ID_BYTES if self._entries else 0

    def __contains__(self, identity: bytes) -> bool:
        return identity in self._entries

    def add(self, kind: int, content: bytes, identity: bytes) -> None:
        """Append an object that is not in it yet.

        Raises:
            OSError: it cannot be written; `abandon` the pack.
        """
        self.append_raw(_entry_head(kind, len(content)) + _deflated(content), identity)

    def append_raw(self, entry: bytes, identity: bytes) -> None:
        """Append an entry in the form it has in a pack.

        Raises:
            OSError: it cannot be written; `abandon` the pack.
        """
        if self._stream is None:
            self._temporary = self.directory / f"{_TEMPORARY}{os.urandom(8).hex()}"
            self._stream = self._temporary.open("x+b", buffering=_PIECE)
            self._stream.write(b"PACK" + struct.pack(">II", 2, 0))
        self._stream.write(entry)
        self._entries[identity] = (self._offset, zlib.crc32(entry))
        self._offset += len(entry)

    @property
    def ids(self) -> frozenset[bytes]:
        """Of the objects in it."""
        return frozenset(self._entries)

    def finish(self) -> Path | None:
        """Make the pack whole and durable.

        Returns:
            Where it is; None when there is nothing in it.

        Raises:
            OSError: it cannot be written; `abandon` the pack.
        """
        if self._stream is None or self._temporary is None:
            return None
        stream, temporary = self._stream, self._temporary
        stream.seek(8)
        stream.write(struct.pack(">I", len(self._entries)))
        stream.seek(0)
        digest = hashlib.sha256()
        while piece := stream.read(_PIECE):
            digest.update(piece)
        stream.seek(0, os.SEEK_END)
        stream.write(digest.digest())
        _flush(stream)
        stream.close()
        self._stream = None
        name = self.directory / f"pack-{digest.hexdigest()}"
        index = temporary.with_name(temporary.name + "i")
        with index.open("xb") as index_stream:
            index_stream.write(_index(self._entries, digest.digest()))
            _flush(index_stream)
        # The index comes last: git takes a pack without one for no pack.
        temporary.replace(name.with_suffix(".pack"))
        index.replace(name.with_suffix(".idx"))
        flush(self.directory)
        return name.with_suffix(".pack")

    def abandon(self) -> None:
        """Remove what was written; nothing after `finish`."""
        if self._stream is not None:
            try:
                self._stream.close()
            except OSError:
                pass  # the buffered rest meets the same full disk again
            self._stream = None
        remove_unfinished(self.directory)


def remove_unfinished(directory: Path) -> None:
    """Remove what a process that was killed had not finished."""
    for path in directory.glob(f"{_TEMPORARY}*"):
        path.unlink(missing_ok=True)
    for path in directory.glob("pack-*.pack"):
        if not path.with_suffix(".idx").exists():
            path.unlink(missing_ok=True)


def index_content(index: Path) -> bytes:
    """The bytes of a pack's index.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    content = index.read_bytes()
    if content[:8] != _INDEX_HEAD or len(content) < INDEX_START + 2 * ID_BYTES:
        raise ValueError(f"{index} is no index of a pack")
    if hashlib.sha256(content[:-ID_BYTES]).digest() != content[-ID_BYTES:]:
        raise ValueError(f"{index} is damaged")
    return content


def stored_ids(index: Path) -> frozenset[bytes]:
    """The ids in a pack's index; raises as `index_content`."""
    content = index_content(index)
    (count,) = struct.unpack_from(">I", content, INDEX_START - 4)
    end = INDEX_START + count * ID_BYTES
    return frozenset(content[at : at + ID_BYTES] for at in range(INDEX_START, end, ID_BYTES))


def _entry_head(kind: int, size: int) -> bytes:
    first = kind << 4 | size & 0x0F
    size >>= 4
    head = bytearray()
    while size:
        head.append(first | 0x80)
        first = size & 0x7F
        size >>= 7
    head.append(first)
    return bytes(head)


def _deflated(content: bytes) -> bytes:
    """Compressed at the fastest level; not compressed where a sample does not get smaller."""
    if len(content) > _SAMPLE and len(zlib.compress(content[:_SAMPLE], 1)) > _SAMPLE * 0.95:
        return zlib.compress(content, 0)
    return zlib.compress(content, 1)


def _index(entries: dict[bytes, tuple[int, int]], pack_digest: bytes) -> bytes:
    ids = sorted(entries)
    fanout = [0] * 256
    for identity in ids:
        fanout[identity[0]] += 1
    for at in range(1, 256):
        fanout[at] += fanout[at - 1]
    offsets: list[int] = []
    large: list[int] = []
    for identity in ids:
        offset = entries[identity][0]
        if offset >= _LARGE_OFFSET:
            large.append(offset)
            offset = _LARGE_OFFSET | len(large) - 1
        offsets.append(offset)
    body = b"".join(
        (
            _INDEX_HEAD,
            struct.pack(">256I", *fanout),
            *ids,
            struct.pack(f">{len(ids)}I", *(entries[identity][1] for identity in ids)),
            struct.pack(f">{len(ids)}I", *offsets),
            struct.pack(f">{len(large)}Q", *large),
            pack_digest,
        )
    )
    return body + hashlib.sha256(body).digest()


def _flush(stream: BinaryIO) -> None:
    stream.flush()
    os.fchmod(stream.fileno(), 0o400)
    os.fsync(stream.fileno())

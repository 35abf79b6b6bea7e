"""Many small packs become one: git looks through all of them for every object.

Entries are copied as they are. The new pack is durable before an old one is removed, and an old one is removed index
first, so a process that is killed leaves every object in some pack.

Source: https://git-scm.com/docs/gitformat-pack
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from limi_sessions.checkpoints.pack import ID_BYTES, INDEX_START, PackWriter, index_content

MOST_PACKS = 64
"""Small packs that are left side by side."""
SMALL_BYTES = 16_000_000
"""A pack of this size is not copied any more."""


def merge_small_packs(directory: Path) -> bool:
    """Put small packs together when they are many; whether there were.

    Raises:
        OSError: the new pack cannot be written; the old ones are untouched.
    """
    small = [path for path in directory.glob("pack-*.pack") if path.stat().st_size < SMALL_BYTES]
    if len(small) <= MOST_PACKS:
        return False
    writer = PackWriter(directory)
    merged: list[Path] = []
    try:
        for pack in sorted(small):
            try:
                entries = list(_entries(pack))
            except (ValueError, FileNotFoundError):
                continue  # damaged: it stays for git to tell
            for identity, entry in entries:
                if identity not in writer:
                    writer.append_raw(entry, identity)
            merged.append(pack)
        kept = writer.finish()
    except BaseException:
        writer.abandon()
        raise
    for pack in merged:
        if pack != kept:
            pack.with_suffix(".idx").unlink()
            pack.unlink()
    return True


def _entries(pack: Path) -> Iterator[tuple[bytes, bytes]]:
    """(id, entry as it stands there) of each object.

    Raises:
        ValueError: the pack or its index is damaged.
        OSError: it cannot be read.
    """
    index = index_content(pack.with_suffix(".idx"))
    (count,) = struct.unpack_from(">I", index, INDEX_START - 4)
    checksums = INDEX_START + count * ID_BYTES
    crcs = struct.unpack_from(f">{count}I", index, checksums)
    offsets = struct.unpack_from(f">{count}I", index, checksums + 4 * count)
    content = pack.read_bytes()
    order = sorted(range(count), key=offsets.__getitem__)
    ends = [*(offsets[at] for at in order[1:]), len(content) - ID_BYTES]
    for at, end in zip(order, ends, strict=True):
        entry = content[offsets[at] : end]
        if zlib.crc32(entry) != crcs[at]:
            raise ValueError(f"{pack} is damaged")
        start = INDEX_START + at * ID_BYTES
        yield index[start : start + ID_BYTES], entry

"""The envelope of a snapshot: whose state it is and whether it is whole. Knows no engine.

A line ``limi-snapshot {"bytes":N,"crc32":N,"engine":"ghostty/0.1.3"}``, then N bytes of the engine's own.
"""

from __future__ import annotations

import json
import zlib
from typing import cast

from limi_sessions.terminal.engine import SnapshotUnreadable

MAGIC = b"limi-snapshot "
_LONGEST_HEADER = 512


def seal(engine: str, state: bytes) -> bytes:
    """A snapshot of an engine's state."""
    header = {"bytes": len(state), "crc32": zlib.crc32(state), "engine": engine}
    return MAGIC + json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n" + state


def unseal(engine: str, blob: bytes) -> bytes:
    """The state in a snapshot of this very engine.

    Raises:
        SnapshotUnreadable: no snapshot, damaged, or made by another engine or version.
    """
    end = blob.find(b"\n", 0, _LONGEST_HEADER)
    if not blob.startswith(MAGIC) or end < 0:
        raise SnapshotUnreadable("these bytes are no terminal snapshot; rebuild the screen from the recording")
    try:
        parsed = json.loads(blob[len(MAGIC) : end])
    except ValueError as error:
        raise SnapshotUnreadable("the snapshot's header is damaged; rebuild the screen from the recording") from error
    header = cast("dict[str, object]", parsed if isinstance(parsed, dict) else {})
    state = blob[end + 1 :]
    if header.get("engine") != engine:
        raise SnapshotUnreadable(f"the snapshot is of {header.get('engine')}, this engine is {engine}")
    if header.get("bytes") != len(state) or header.get("crc32") != zlib.crc32(state):
        raise SnapshotUnreadable("the snapshot is damaged; rebuild the screen from the recording")
    return state

"""Identifiers and clocks of records.

Source: UUIDv7, RFC 9562 section 5.7.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime

_LOCK = threading.Lock()
_last_ms = 0
_counter = 0


def uuid7() -> str:
    """A UUIDv7 in its canonical text form, strictly increasing within this process.

    The 12 bits after the version are a counter within one millisecond, so that ids made in one process
    sort in the order they were made.
    """
    global _last_ms, _counter
    with _LOCK:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, 0
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms, _counter = _last_ms + 1, 0
        ms, counter = _last_ms, _counter
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (ms << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | random_bits
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def utc_now() -> str:
    """The wall clock as ISO 8601 in UTC with microseconds, ending in ``Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

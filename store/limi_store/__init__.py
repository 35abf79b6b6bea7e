"""The DuckDB query model of every journal. Nothing else in the product knows SQL.

Importing this is cheap: duckdb is imported when a store is opened.
"""

from __future__ import annotations

from limi_store.errors import (
    SessionAmbiguous,
    SessionRunning,
    SessionUnknown,
    StoreBusy,
    StoreDegraded,
    StoreError,
    StoreGone,
    StoreNewer,
    StoreRefused,
)
from limi_store.port import CheckReport, RebuildReport, SearchHit, StorePort, open_store

__all__ = [
    "CheckReport",
    "RebuildReport",
    "SearchHit",
    "SessionAmbiguous",
    "SessionRunning",
    "SessionUnknown",
    "StoreBusy",
    "StoreDegraded",
    "StoreError",
    "StoreGone",
    "StoreNewer",
    "StorePort",
    "StoreRefused",
    "open_store",
]

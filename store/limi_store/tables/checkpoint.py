"""The states in which a session's workspace was kept, and why it was not."""

from __future__ import annotations

from limi_sessions.records.event import Event
from limi_sessions.records.payload import WorkspaceSnapshotTaken
from limi_store.tables.table import Cells, Table, columns

CHECKPOINT = Table(
    "checkpoint",
    columns("session_id seq:BIGINT ts checkpoint tree cause call_id files:BIGINT size_bytes:BIGINT skipped"),
    order="seq",
)


def checkpoint_row(event: Event, taken: WorkspaceSnapshotTaken) -> Cells:
    """A row of `CHECKPOINT`."""
    return (
        event.session_id,
        event.seq,
        event.ts,
        taken.checkpoint,
        taken.tree,
        taken.cause,
        taken.call_id,
        taken.files,
        taken.size_bytes,
        taken.skipped,
    )

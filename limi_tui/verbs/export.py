"""Sessions of the store become a file of training samples: the one place where store and exporters meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from limi_dataset.exporters.limi import limi_rows
from limi_dataset.exporters.manifest import ExportReport, write_export
from limi_dataset.exporters.preference import preference_rows
from limi_dataset.exporters.result import ArgumentForm, ExportFormat, Loss
from limi_sessions.records.turn import Trajectory
from limi_store import StorePort


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What to export, and how."""

    format: ExportFormat
    path: Path | str
    """``-`` for standard output."""
    session_ids: Sequence[str] | None
    """Ids, first letters of ids, or ``latest``; None: every session that is not in the bin."""
    arguments: ArgumentForm = "object"
    include_demo: bool = False
    include_human: bool = True
    whole: bool = False
    """Of format ``preference``: compare all that followed a rewind instead of the first answers."""


@dataclass(frozen=True)
class Exported:
    """What was written and what it lacks."""

    report: ExportReport
    session_ids: tuple[str, ...]
    """One a row."""
    losses: tuple[Loss, ...]


def export_sessions(store: StorePort, request: ExportRequest) -> Exported:
    """Write sessions as training samples.

    Raises:
        SessionUnknown, SessionAmbiguous: a session cannot be told; nothing was written.
        ExportError: the file cannot be written.
    """
    if request.session_ids is None:
        session_ids = [summary.session_id for summary in store.sessions()]
    else:
        session_ids = [store.find(text) for text in request.session_ids]

    def trajectories() -> Iterator[Trajectory]:
        for session_id in dict.fromkeys(session_ids):
            yield store.trajectory(session_id)

    make_rows = partial(preference_rows, whole=request.whole) if request.format == "preference" else limi_rows
    result = make_rows(
        trajectories(),
        arguments=request.arguments,
        include_demo=request.include_demo,
        include_human=request.include_human,
    )
    return Exported(write_export(result, request.format, request.path), result.session_ids, result.losses)

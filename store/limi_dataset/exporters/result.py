"""An export as values: its rows, what was left out of them and why."""

from __future__ import annotations

from typing import Literal

from limi_sessions.records.value import JsonObject, Value

ExportFormat = Literal["limi", "trl"]
ArgumentForm = Literal["object", "string"]
LossKind = Literal[
    "session_without_agent",
    "demo_session",
    "demo_turn",
    "shell_turn",
    "empty_turn",
    "cut_off_turn",
    "call_without_result",
    "result_without_call",
    "broken_arguments",
    "provider_fields",
]


class Loss(Value):
    """Something that the export does not say, or says otherwise than the session did."""

    kind: LossKind
    session_id: str
    turn_no: int | None = None
    """None: it concerns the whole session."""
    what: str
    """One sentence for a person."""


class Filters(Value):
    """How the rows were chosen and formed."""

    arguments: ArgumentForm
    include_demo: bool
    include_human: bool


class ExportResult(Value):
    """Rows in the order of their sessions' starts, with the report on what they lack."""

    rows: tuple[JsonObject, ...]
    losses: tuple[Loss, ...]
    session_ids: tuple[str, ...]
    """One a row."""
    filters: Filters

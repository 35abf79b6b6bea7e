"""What was fixed when a session began, and the recordings of its shells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from pydantic import TypeAdapter

from limi_sessions.records.event import Event
from limi_sessions.records.message import ToolSchema
from limi_sessions.records.payload import SessionStarted, ShellStarted
from limi_store.tables.table import Cells, Table, columns

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SESSION = Table(
    "session",
    columns(
        "session_id ts actor limi_version query workspace model provider demo:BOOLEAN profile shell mode sampling"
        " limits system_prompt tools tool_set_sha256 sandbox source parent_session_id hostname platform network"
    ),
    order="ts",
)
CAST_FILE = Table(
    "cast_file",
    columns(
        "session_id seq:BIGINT ts file shell version cols:BIGINT rows:BIGINT marks sandbox network private:BOOLEAN"
    ),
    order="seq",
)
_TOOLS = TypeAdapter(tuple[ToolSchema, ...])


def session_row(event: Event, started: SessionStarted) -> Cells:
    """A row of `SESSION`; settings and tools are JSON text."""
    return (
        event.session_id,
        event.ts,
        event.actor,
        started.limi_version,
        started.query,
        started.workspace,
        started.model,
        json.dumps(started.provider, ensure_ascii=False),
        started.demo,
        started.profile,
        started.shell,
        started.mode,
        started.sampling.model_dump_json(exclude_none=True),
        json.dumps(started.limits, ensure_ascii=False),
        started.system_prompt,
        _TOOLS.dump_json(started.tools).decode(),
        started.tool_set_sha256,
        started.sandbox,
        started.source,
        started.parent_session_id,
        started.hostname,
        started.platform,
        started.network,
    )


def cast_file_row(event: Event, started: ShellStarted) -> Cells:
    """A row of `CAST_FILE`: one recording."""
    return (
        event.session_id,
        event.seq,
        event.ts,
        started.cast,
        started.shell,
        started.version,
        started.cols,
        started.rows,
        started.marks,
        started.sandbox,
        started.network,
        started.private,
    )


def tools_of_session(cursor: DuckDBPyConnection, session_id: str) -> tuple[tuple[ToolSchema, ...], str]:
    """The tools that the session's agent was given, and the hash of that set; empty when it never started."""
    rows = cast(
        "list[tuple[str, str]]",
        cursor.execute("SELECT tools, tool_set_sha256 FROM session WHERE session_id = ?", [session_id]).fetchall(),
    )
    return (_TOOLS.validate_json(rows[0][0]), rows[0][1]) if rows else ((), "")

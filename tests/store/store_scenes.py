"""Sessions to project: real journals written by the real `Journal`, and a look at every table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb

from limi_sessions.journal import Journal
from limi_sessions.paths import Home
from limi_sessions.records.event import Event
from limi_sessions.records.identity import uuid7
from limi_sessions.records.message import Completion, Sampling, TokenCount, ToolCall, ToolSchema
from limi_sessions.records.payload import (
    HumanRan,
    ModelMessage,
    ModelRequest,
    Payload,
    SessionFinished,
    SessionStarted,
    ShellStarted,
    ToolDecided,
    ToolFinished,
    ToolProposed,
    UserMessage,
)

READ = ToolSchema(name="read_file", description="Reads.", parameters={"type": "object", "properties": {}})


def started(query: str = "mend the parser", **changes: object) -> SessionStarted:
    fields: dict[str, object] = {
        "limi_version": "0.1.0",
        "query": query,
        "workspace": "/w",
        "model": "scripted/one",
        "system_prompt": "You are an agent.",
        "tools": (READ,),
        "tool_set_sha256": "ab" * 32,
    }
    return SessionStarted.model_validate(fields | changes)


def answered(content: str, *calls: ToolCall, request_id: str = "r1", **changes: object) -> ModelMessage:
    completion = Completion(
        content=content,
        tool_calls=calls,
        finish_reason="tool_calls" if calls else "stop",
        usage=TokenCount(prompt=100, completion=7, method="exact"),
        cost_usd=0.25,
        latency_ms=12.5,
    )
    return ModelMessage.model_validate({"request_id": request_id, "completion": completion} | changes)


def one_call(call_id: str = "c1", arguments: str = '{"path": "a.py"}', result: str = "print(1)") -> list[Payload]:
    call = ToolCall(call_id=call_id, name="read_file", arguments=arguments)
    return [
        ModelRequest(request_id="r1", model="scripted/one", messages=(), tools=None, sampling=Sampling()),
        answered("I read it.", call),
        ToolProposed(request_id="r1", call=call),
        ToolDecided(call_id=call_id, decision="accept", by="human"),
        ToolFinished(call_id=call_id, name="read_file", status="done", result=result, exit_code=0, cwd="/w"),
    ]


def whole_session(query: str = "mend the parser", **changes: object) -> list[Payload]:
    return [
        started(query, **changes),
        ShellStarted(shell="bash", version="5.2", pid=7, cols=80, rows=24, cast="shell-000.cast", marks="osc133"),
        UserMessage(content=query),
        *one_call(),
        HumanRan(command="make test", output="ok\n", exit_code=0, cwd="/w", duration_ms=3.5),
        answered("It is mended.", request_id="r2"),
        SessionFinished(status="done", outcome="success"),
    ]


def write_session(
    home: Home,
    payloads: Iterable[Payload],
    *,
    session_id: str | None = None,
    sink: Callable[[Event], None] | None = None,
) -> str:
    """Append payloads to a session's journal and let it go; the session's id."""
    session_id = session_id or uuid7()
    journal = Journal(home.session(session_id).journal, session_id)
    for payload in payloads:
        event = journal.append(payload, actor="expert")
        if sink is not None:
            sink(event)
    journal.close()
    return session_id


def tables_of(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a closed database but the record of migrations, sorted."""
    connection = duckdb.connect(str(database), read_only=True)
    try:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for name in names
            if name != "migration"
        }
    finally:
        connection.close()


def flip(path: Path, offset: int, length: int = 1) -> None:
    with path.open("r+b") as stream:
        stream.seek(offset)
        old = stream.read(length)
        stream.seek(offset)
        stream.write(bytes(byte ^ 0xFF for byte in old))

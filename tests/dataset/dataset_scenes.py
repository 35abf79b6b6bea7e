"""Sessions with edited calls and rewinds, made of real events."""

from __future__ import annotations

from collections.abc import Sequence

from limi_sessions.records.event import GENESIS, Event, seal
from limi_sessions.records.message import Completion, FinishReason, ToolCall, ToolSchema
from limi_sessions.records.payload import (
    HumanRan,
    ModelMessage,
    Payload,
    Rewound,
    SessionStarted,
    ToolDecided,
    ToolFinished,
    UserMessage,
)
from limi_sessions.records.turn import Trajectory
from limi_sessions.summary import trajectory_of

SHELL = ToolSchema(
    name="run_shell_command",
    description="Runs.",
    parameters={
        "type": "object",
        "properties": {"command": {"type": "string"}, "wait_s": {"type": "number"}},
        "required": ["command"],
        "additionalProperties": False,
    },
)
READ = ToolSchema(
    name="read_file",
    description="Reads.",
    parameters={
        "type": "object",
        "properties": {"file_path": {"type": "string"}, "start_line": {"type": "integer"}},
        "required": ["file_path"],
        "additionalProperties": False,
    },
)
STARTED = SessionStarted(
    limi_version="0",
    query="clean up",
    workspace="/w",
    model="m",
    system_prompt="You are an agent.",
    tools=(SHELL, READ),
)


def shell_call(call_id: str, command: str) -> ToolCall:
    return ToolCall(call_id=call_id, name="run_shell_command", arguments=f'{{"command": "{command}"}}')


def said(content: str) -> UserMessage:
    return UserMessage(content=content)


def answered(
    content: str = "", *calls: ToolCall, finish: FinishReason | None = None, demo: bool = False, reasoning: str = ""
) -> ModelMessage:
    completion = Completion(
        content=content,
        tool_calls=calls,
        reasoning=reasoning,
        finish_reason=finish or ("tool_calls" if calls else "stop"),
    )
    return ModelMessage(request_id="r", completion=completion, demo=demo)


def ran(call: ToolCall, *, edited: ToolCall | None = None, output: str = "ok") -> list[Payload]:
    return [
        ToolDecided(call_id=call.call_id, decision="accept", by="human", edited=edited),
        ToolFinished(call_id=call.call_id, name=call.name, status="done", result=output, exit_code=0),
    ]


def typed(command: str) -> HumanRan:
    return HumanRan(command=command, output="", exit_code=0, cwd="/w", duration_ms=1)


def rewound(branch: str, to_turn: int, to_branch: str = "main") -> Rewound:
    return Rewound(branch=branch, from_branch="main", from_turn=0, to_branch=to_branch, to_turn=to_turn)


def session_of(*payloads: Payload | Sequence[Payload], session_id: str = "s", day: int = 1) -> Trajectory:
    """The trajectory of a session that started and in which this happened."""
    flat = [p for payload in (STARTED, *payloads) for p in (payload if isinstance(payload, Sequence) else [payload])]
    events: list[Event] = []
    for number, payload in enumerate(flat):
        event, _ = seal(
            payload,
            event_id=f"{session_id}-{number}",
            session_id=session_id,
            seq=number,
            ts=f"2026-01-{day:02d}T00:00:00.{number:06d}Z",
            mono_ns=number,
            actor="ada",
            prev_sha256=events[-1].sha256 if events else GENESIS,
        )
        events.append(event)
    return trajectory_of(events)


PROPOSED, CHANGED = shell_call("c1", "rm -rf build"), shell_call("c1", "rm -rf build/tmp")
READ_CALL = ToolCall(call_id="c2", name="read_file", arguments='{"file_path": "a.py", "start_line": 3}')
EDITED = session_of(
    said("clean up"),
    answered("I clean.", PROPOSED, READ_CALL, reasoning="too much is there"),
    ran(PROPOSED, edited=CHANGED),
    ran(READ_CALL),
    answered("Done."),
)
RETRIED = session_of(
    said("clean up"),
    answered("I will not."),
    rewound("b1", 2),
    answered("I clean.", PROPOSED),
    ran(PROPOSED),
    answered("It is clean."),
    session_id="retried",
    day=2,
)

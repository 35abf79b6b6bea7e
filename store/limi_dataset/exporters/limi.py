"""Sessions as rows ``{"messages": [...], "tools": [...]}``: the LIMI release's shape, which TRL takes as it is.

Source: the published ``limi.json`` (arguments of calls are objects) and TRL's conversational format with tools,
https://huggingface.co/docs/trl/dataset_formats. Unlike the release, the final answer of the assistant is there,
reasoning is kept as ``reasoning_content``, and commands that the expert ran stay as user messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import cast

from pydantic import JsonValue

from limi_dataset.exporters.result import ArgumentForm, ExportResult, Filters, Loss, LossKind
from limi_sessions.records.message import ToolCall, ToolSchema
from limi_sessions.records.turn import Trajectory, Turn
from limi_sessions.records.value import JsonObject

BROKEN_ARGUMENTS = "_raw"
"""The key under which arguments stand that are no JSON object, as the model wrote them."""


def limi_rows(
    trajectories: Iterable[Trajectory],
    *,
    arguments: ArgumentForm = "object",
    include_demo: bool = False,
    include_human: bool = True,
) -> ExportResult:
    """One row a session, in the order in which the sessions started.

    Args:
        trajectories: each with all its turns; one given twice counts once.
        arguments: of calls: parsed objects, or the JSON text exactly as the model wrote it.
        include_demo: keep what the demo model said.
        include_human: keep commands that the expert ran in the shared shell.
    """
    filters = Filters(arguments=arguments, include_demo=include_demo, include_human=include_human)
    rows: list[JsonObject] = []
    session_ids: list[str] = []
    losses: list[Loss] = []
    distinct = {trajectory.summary.session_id: trajectory for trajectory in trajectories}
    for trajectory in sorted(distinct.values(), key=lambda t: (t.summary.started_at, t.summary.session_id)):
        maker = _RowMaker(trajectory, filters)
        row = maker.row()
        losses += maker.losses
        if row is not None:
            rows.append(row)
            session_ids.append(trajectory.summary.session_id)
    return ExportResult(rows=tuple(rows), losses=tuple(losses), session_ids=tuple(session_ids), filters=filters)


class _RowMaker:
    def __init__(self, trajectory: Trajectory, filters: Filters) -> None:
        self._trajectory = trajectory
        self._filters = filters
        self.losses: list[Loss] = []

    def row(self) -> JsonObject | None:
        turns = self._trajectory.turns
        agent_turns = [turn for turn in turns if turn.source == "agent"]
        if not agent_turns:
            self._lose("session_without_agent", None, "left out: the agent never answered")
            return None
        if not self._filters.include_demo and all(turn.demo for turn in agent_turns):
            self._lose("demo_session", None, "left out: every answer came from the demo model")
            return None
        kept = self._paired([turn for turn in turns if self._is_wanted(turn)])
        if not any(turn.source == "agent" for turn in kept):
            self._lose("session_without_agent", None, "left out: nothing that the agent said can be kept")
            return None
        lossy = sum(1 for turn in kept if turn.extra)
        if lossy:
            self._lose("provider_fields", None, f"provider fields of {lossy} turn(s) have no place")
        return {
            "messages": [self._message(turn) for turn in kept],
            "tools": [_tool(schema) for schema in self._trajectory.tools],
        }

    def _is_wanted(self, turn: Turn) -> bool:
        if turn.demo and turn.source in ("agent", "tool") and not self._filters.include_demo:
            self._lose("demo_turn", turn, f"left out: {turn.role} turn of the demo model")
            return False
        if turn.source == "shell" and not self._filters.include_human:
            self._lose("shell_turn", turn, "left out: a command that the expert ran")
            return False
        if not turn.content and not turn.tool_calls and turn.role != "tool":
            self._lose("empty_turn", turn, f"left out: the {turn.role} turn has no content")
            return False
        return True

    def _paired(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns without calls that have no result and without results that have no call."""
        kept: list[Turn] = []
        expected: set[str] = set()
        for position, turn in enumerate(turns):
            if turn.role == "assistant":
                turn, expected = self._answered(turn, turns[position + 1 :])
                if turn.content or turn.tool_calls:
                    kept.append(turn)
            elif turn.role != "tool":
                kept.append(turn)
            elif turn.tool_call_id in expected:
                expected.discard(turn.tool_call_id)
                kept.append(turn)
            else:
                self._lose("result_without_call", turn, f"left out: no call {turn.tool_call_id} stands before it")
        return kept

    def _answered(self, turn: Turn, later: Sequence[Turn]) -> tuple[Turn, set[str]]:
        """An assistant turn with only its answered calls, and their ids; ids are unique within a turn only."""
        results: set[str] = set()
        for following in later:
            if following.role == "assistant":
                break
            if following.role == "tool" and following.tool_call_id is not None:
                results.add(following.tool_call_id)
        if turn.finish_reason in ("truncated", "cancelled", "length"):
            self._lose("cut_off_turn", turn, f"kept, but that it was cut off ({turn.finish_reason}) is not said")
        calls = tuple(call for call in turn.tool_calls if call.call_id in results)
        for call in turn.tool_calls:
            if call.call_id not in results:
                self._lose("call_without_result", turn, f"left out: call {call.call_id} of {call.name} has no result")
        return turn.model_copy(update={"tool_calls": calls}), {call.call_id for call in calls}

    def _message(self, turn: Turn) -> JsonValue:
        message: JsonObject = {"role": turn.role, "content": turn.content}
        if turn.role == "tool":
            message["tool_call_id"] = turn.tool_call_id
        if turn.reasoning:
            message["reasoning_content"] = turn.reasoning
        if turn.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": self._arguments(turn, call)},
                }
                for call in turn.tool_calls
            ]
        return message

    def _arguments(self, turn: Turn, call: ToolCall) -> JsonValue:
        if self._filters.arguments == "string":
            return call.arguments
        if not call.arguments.strip():
            return {}
        parsed = _json_object(call.arguments)
        if parsed is None:
            what = f'arguments of call {call.call_id} are no JSON object; kept as {{"{BROKEN_ARGUMENTS}": text}}'
            self._lose("broken_arguments", turn, what)
            return {BROKEN_ARGUMENTS: call.arguments}
        return parsed

    def _lose(self, kind: LossKind, turn: Turn | None, what: str) -> None:
        self.losses.append(
            Loss(
                kind=kind,
                session_id=self._trajectory.summary.session_id,
                turn_no=None if turn is None else turn.turn_no,
                what=what,
            )
        )


def _json_object(text: str) -> JsonObject | None:
    try:
        parsed = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return cast(JsonObject, parsed) if isinstance(parsed, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _tool(schema: ToolSchema) -> JsonValue:
    return {
        "type": "function",
        "function": {"name": schema.name, "description": schema.description, "parameters": schema.parameters},
    }

"""Proposals as the gate makes them, for the tests of the approval's widgets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import PurePosixPath

from limi_sessions.agent.ports import Proposal
from limi_sessions.records.message import ToolCall
from limi_sessions.records.visible import suspicious_characters
from limi_sessions.tools.diff import unified_diff
from limi_sessions.tools.tool import FileEdit, Preview


def _no_problem(_call: ToolCall) -> str:
    return ""


def command_proposal(
    command: str,
    *,
    demo: bool = False,
    rememberable: str = "",
    not_rememberable: str = "",
    problem_of: Callable[[ToolCall], str] = _no_problem,
    title: str = "run in the shell: count the rows",
) -> Proposal:
    arguments = json.dumps({"command": command, "wait_s": 5})
    return Proposal(
        request_id="r1",
        call=ToolCall(call_id="c1", name="run_shell_command", arguments=arguments),
        preview=Preview(title=title, body=command, form="command", suspicious=suspicious_characters(command)),
        demo=demo,
        rememberable=rememberable,
        not_rememberable=not_rememberable,
        problem_of=problem_of,
    )


def edit_proposal(path: str, before: str | None, after: str) -> Proposal:
    known = frozenset(before or "")
    return Proposal(
        request_id="r1",
        call=ToolCall(call_id="c1", name="write_file", arguments=json.dumps({"file_path": path, "content": after})),
        preview=Preview(
            title=f"{'create' if before is None else 'overwrite'} {path}",
            body=unified_diff(PurePosixPath(path), before, after),
            form="diff",
            suspicious=tuple(each for each in suspicious_characters(after) if chr(each.code_point) not in known),
            edit=FileEdit(path=path, before=before, after=after, base_sha256=None),
        ),
        demo=False,
    )

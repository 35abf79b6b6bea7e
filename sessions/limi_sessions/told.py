"""What the agent is told of the expert's acts, in the words that it reads.

These texts are part of the recorded conversation; changing one changes what later sessions are trained on.
"""

from __future__ import annotations

from limi_sessions.records.message import ToolCall
from limi_sessions.records.payload import HumanRan, WorkspaceRestored

_MOST_PATHS = 50
_DID = {"undo": "undid changes to", "redo": "redid changes to", "rewind": "took back changes to"}


def told_of_command(ran: HumanRan) -> str:
    """A command that the expert ran in the shared shell, and what it printed."""
    exit_text = "unknown" if ran.exit_code is None else str(ran.exit_code)
    status = (
        f"[status=done exit={exit_text} cwd={ran.cwd or 'unknown'} dur={ran.duration_ms / 1000:.1f}s "
        f"truncated={ran.truncated_chars} by=human]"
    )
    output = f"{ran.output}\n" if ran.output and not ran.output.endswith("\n") else ran.output
    return f"[The expert ran a command in the shared shell]\n$ {ran.command}\n{output}{status}"


def told_of_edit(edited: ToolCall) -> str:
    """That a call ran with other arguments than the agent proposed; stands before its result."""
    return f"[The expert changed this call before it ran; it ran with the arguments {edited.arguments}]"


def told_of_restoration(restored: WorkspaceRestored) -> str:
    """That files of the workspace were brought back to another state."""
    paths = restored.paths[:_MOST_PATHS]
    files = "1 file" if restored.changed == 1 else f"{restored.changed} files"
    more = restored.changed - len(paths)
    lines = [f"[The expert {_DID[restored.cause]} {files} of the workspace]", *paths]
    return "\n".join([*lines, f"[and {more} more]"] if more > 0 else lines)

"""The part of a proposed call that an expert edits, as text, and what comes of it. Knows nothing of widgets."""

from __future__ import annotations

import json
import re

from limi_sessions.records.message import ToolCall
from limi_sessions.tools.arguments import parsed_arguments

_EDITED_ARGUMENT = {"run_shell_command": "command", "write_file": "content", "replace": "new_string"}
"""The argument that is edited by itself; of other calls all are, as JSON."""


def edited_argument(call: ToolCall) -> str:
    """The name of the argument that is edited; empty: all of them, as JSON."""
    name = _EDITED_ARGUMENT.get(call.name, "")
    return name if isinstance(parsed_arguments(call.arguments).get(name), str) else ""


def editable_text(call: ToolCall) -> str:
    """What of a call is edited."""
    arguments = parsed_arguments(call.arguments)
    if name := edited_argument(call):
        return str(arguments[name])
    return json.dumps(arguments, ensure_ascii=False, indent=2)


def edited_call(call: ToolCall, text: str) -> ToolCall:
    """The call with what was edited, under the same id.

    Raises:
        ArgumentsUnreadable: the text should be a JSON object and is none.
    """
    name = edited_argument(call)
    arguments = {**parsed_arguments(call.arguments), name: text} if name else parsed_arguments(text)
    return call.model_copy(update={"arguments": json.dumps(arguments, ensure_ascii=not _encodable(text))})


def _encodable(text: str) -> bool:
    """Whether it holds no half of a surrogate pair, which JSON must escape."""
    return not re.search("[\ud800-\udfff]", text)

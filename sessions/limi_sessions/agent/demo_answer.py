"""How the 135M demonstration model is asked and read: its whole world is one short question at a time.

It cannot follow a system prompt or tool schemas, so it gets neither. A request for something to be done in the shell is
answered under a JSON schema, which becomes a call of run_shell_command; a question or a command's output is answered in
plain text. Knows nothing of processes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import cast

from limi_sessions.agent.stream import CompletionRequest
from limi_sessions.records.identity import uuid7
from limi_sessions.records.message import Completion, Message, ToolCall
from limi_sessions.records.value import JsonObject

SHELL_TOOL = "run_shell_command"
MAX_TOKENS = 200
_MAX_CHARS = 3_000
"""Of all messages together; the context is 4,096 tokens."""
_MAX_RESULT = 1_200

_ASK_COMMAND = (
    'You turn a request into one bash command. Answer with a JSON object: "say" tells in one sentence what the command '
    'does, "command" is the command.'
)
_EXAMPLES = (
    ("List the files in this directory.", "I list the files.", "ls -la"),
    ("Which Python version is installed?", "I ask Python for its version.", "python3 --version"),
    ("Create a file notes.txt with the text abc", "I write abc to notes.txt.", "echo abc > notes.txt"),
    ("What is the free disk space?", "I show the disk space.", "df -h"),
    ("Run echo hello world", "I run echo.", "echo hello world"),
)
_ASK_RESULT = "A command printed this:\n{output}\nSay in one sentence what it shows."
_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "say": {"type": "string", "maxLength": 160},
        "command": {"type": "string", "minLength": 1, "maxLength": 120},
    },
    "required": ["say", "command"],
    "additionalProperties": False,
}
_DOING = re.compile(
    r"\b(run|execute|list|ls|print|echo|cat|pwd|cd|grep|find|count|create|make|mkdir|write|touch|delete|remove|rm|copy|move|"
    r"rename|install|download|start|stop|kill|build|compile|test|open|edit|change|fix|check|clone|commit|search|sort|"
    r"files?|director(?:y|ies)|folders?|disk|process(?:es)?|command|terminal|version)\b",
    re.IGNORECASE,
)
_SAY = re.compile(r'"say"\s*:\s*"((?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*)')


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What is really sent for a request."""

    messages: tuple[Message, ...]
    constrained: bool
    """Whether the answer is a JSON object with a command."""

    def arguments(self) -> JsonObject:
        """Further arguments of the request."""
        if not self.constrained:
            return {"extra_body": {"repeat_penalty": 1.1}}
        schema: JsonObject = {"name": "answer", "strict": True, "schema": _SCHEMA}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}


def plan_of(request: CompletionRequest) -> DemoPlan:
    """The short question that stands for a request."""
    said = [message for message in request.messages if message.role != "system"]
    last = said[-1] if said else Message(role="user", content="Hello!")
    if last.role == "tool":
        output = last.content.strip()[:_MAX_RESULT]
        return DemoPlan((Message(role="user", content=_ASK_RESULT.format(output=output)),), constrained=False)
    offered = any(tool.name == SHELL_TOOL for tool in request.tools)
    if offered and last.role == "user" and _DOING.search(last.content):
        return DemoPlan((*_examples(), _cut(last)), constrained=True)
    return DemoPlan(_recent([message for message in said if message.role in ("user", "assistant")]), constrained=False)


def _examples() -> tuple[Message, ...]:
    messages = [Message(role="system", content=_ASK_COMMAND)]
    for query, say, command in _EXAMPLES:
        messages.append(Message(role="user", content=query))
        messages.append(Message(role="assistant", content=json.dumps({"say": say, "command": command})))
    return tuple(messages)


def _recent(messages: list[Message]) -> tuple[Message, ...]:
    kept: list[Message] = []
    room = _MAX_CHARS
    for message in reversed(messages):
        if kept and len(message.content) > room:
            break
        if message.content:
            kept.append(_cut(message))
            room -= len(message.content)
    return tuple(reversed(kept)) or (Message(role="user", content="Hello!"),)


def _cut(message: Message) -> Message:
    """The plain words of a message, without what only a larger model can use."""
    return Message(role=message.role, content=message.content[-_MAX_CHARS:])


class SayReader:
    """Picks the value of ``say`` out of a JSON object while it is still being written."""

    def __init__(self) -> None:
        self._raw = ""
        self._shown = 0

    def feed(self, text: str) -> str:
        """Take more of the object; returns what is new of the sentence."""
        self._raw += text
        found = _SAY.search(self._raw)
        if found is None:
            return ""
        said = _unescaped(found[1])
        new = said[self._shown :]
        self._shown = len(said)
        return new


def _unescaped(text: str) -> str:
    try:
        said = cast(str, json.loads(f'"{text}"', strict=False))
    except ValueError:
        return ""
    # The first half of a surrogate pair waits for the second.
    return said[:-1] if said and "\ud800" <= said[-1] <= "\udbff" else said


def read_answer(completion: Completion) -> Completion:
    """The answer to a constrained request: its sentence as content, its command as a call; the JSON text is in ``raw``.

    An object that was cut off gives what there is of the sentence, and no call.
    """
    raw: JsonObject = {**completion.raw, "answer": completion.content}
    say, command = SayReader().feed(completion.content), ""
    try:
        parsed = cast(object, json.loads(completion.content))
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and completion.finish_reason in ("stop", "tool_calls"):
        command = str(cast(dict[str, object], parsed).get("command") or "").strip()
    if not command:
        return completion.model_copy(update={"content": say, "raw": raw})
    call = ToolCall(call_id=f"call_{uuid7()}", name=SHELL_TOOL, arguments=json.dumps({"command": command}))
    return completion.model_copy(
        update={"content": say, "tool_calls": (call,), "finish_reason": "tool_calls", "raw": raw}
    )

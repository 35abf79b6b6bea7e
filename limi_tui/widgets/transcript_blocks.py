"""What a transcript shows: one frozen value a block, each with a key that stays the same while the block changes.

Plain values: the session screen makes them from events and deltas. They know nothing of widths, styles and widgets, and
hold foreign text as it came; the layout makes it visible.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, cast

from limi_sessions.records.payload import ToolStatus

ToolState = ToolStatus | Literal["writing", "waiting", "started"]
"""Beyond the ends of a call: its arguments are still arriving, it waits for the expert, it is being run."""
NoticeKind = Literal["note", "retry", "error", "limit", "lease"]

_TELLING = ("command", "file_path", "path", "pattern", "text", "question", "keys", "paths", "query", "url")


@dataclass(frozen=True, slots=True)
class UserBlock:
    """The expert said something to the agent."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class AgentBlock:
    """The agent said something, in Markdown."""

    key: str
    text: str
    live: bool = False
    """More is to come."""
    note: str = ""
    """What ended it early, in words (``cut off``, ``stopped``); empty when it ended by itself."""


@dataclass(frozen=True, slots=True)
class ReasoningBlock:
    """What the agent thought before it spoke."""

    key: str
    text: str
    live: bool = False
    seconds: float | None = None
    """None: unknown."""


@dataclass(frozen=True, slots=True)
class ToolBlock:
    """A call of a tool, from its first fragment to its result."""

    key: str
    name: str
    arguments: str
    """The JSON text as the model wrote it; may be broken."""
    state: ToolState = "started"
    brief: str = ""
    """What the one-line form shows; empty: the argument that tells most."""
    decided: str = ""
    """How it came to run where that is worth a word: ``mode yolo``, ``edited``; empty when it was simply accepted."""
    exit_code: int | None = None
    duration_ms: float | None = None
    diff: str = ""
    """Unified diff of what the call changes, empty when it changes no file."""
    output: str = ""
    """The result as the model sees it."""
    remark: str = ""
    """Why it was rejected or cannot run; shown under the line, folded or not."""
    artifact: str = ""
    """Where the whole output lies, when it was cut."""


@dataclass(frozen=True, slots=True)
class HumanCommandBlock:
    """The expert ran a command in the shared shell."""

    key: str
    command: str
    exit_code: int | None
    output: str = ""
    duration_ms: float | None = None
    told: bool = True
    """Whether the agent is told of it."""


@dataclass(frozen=True, slots=True)
class ObservationBlock:
    """What the agent was told of the shell without having asked."""

    key: str
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class NoticeBlock:
    """Something about the session itself: a retry, an error, a limit, a change of the lease."""

    key: str
    kind: NoticeKind
    text: str


Block = UserBlock | AgentBlock | ReasoningBlock | ToolBlock | HumanCommandBlock | ObservationBlock | NoticeBlock


def source_text(block: Block) -> str:
    """The block as a person would copy it: its whole text, folded parts included."""
    match block:
        case UserBlock() | AgentBlock() | ReasoningBlock() | NoticeBlock():
            return block.text
        case ToolBlock():
            parts = (f"{block.name} {told_arguments(block)}", block.remark, block.diff, block.output)
        case HumanCommandBlock():
            parts = (f"$ {block.command}", block.output)
        case ObservationBlock():
            parts = (block.title, block.text)
    return "\n".join(part for part in parts if part)


def told_arguments(block: ToolBlock) -> str:
    """What the one-line form of a call shows of its arguments."""
    if block.brief:
        return block.brief
    named = named_arguments(block.arguments)
    if named is None:
        return block.arguments
    for name in _TELLING:
        if named.get(name):
            return named[name]
    return next(iter(named.values()), "")


def named_arguments(arguments: str) -> dict[str, str] | None:
    """Arguments by name, each as text (strings as they are, the rest as JSON); None when the JSON is broken."""
    try:
        parsed: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    named = cast(dict[str, object], parsed)
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in named.items()
    }


def duration_words(milliseconds: float) -> str:
    """A duration in the unit that suits it: ``12 ms``, ``1.2 s``, ``3 m 05 s``."""
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} m {whole % 60:02d} s"

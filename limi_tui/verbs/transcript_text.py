"""Events as plain text for people who read a pipe or a terminal: one paragraph an event, nothing hidden in it."""

from __future__ import annotations

from limi_sessions.records.event import Event
from limi_sessions.records.message import ToolCall
from limi_sessions.records.payload import (
    DegradedMode,
    HumanRan,
    ModelFailed,
    ModelMessage,
    ModelRetried,
    Rewound,
    SessionFinished,
    SessionForked,
    SessionResumed,
    SessionStarted,
    SettingsChanged,
    ShellLost,
    ToolDecided,
    ToolFinished,
    ToolProposed,
    UserMessage,
    WorkspaceRestored,
)
from limi_sessions.records.turn import Turn
from limi_sessions.records.visible import visible_text
from limi_sessions.told import told_of_restoration


def event_text(event: Event) -> str:
    """What a person should read of an event, every control character made visible; empty when it is nothing to them."""
    return visible_text(_text(event))


def _text(event: Event) -> str:
    match event.payload:
        case SessionStarted() as started:
            demo = " (DEMO)" if started.demo else ""
            return (
                f"session {event.session_id}\nmodel {started.model}{demo} · {started.shell} · mode {started.mode} · "
                f"sandbox: {started.sandbox} · {started.workspace}"
            )
        case SessionResumed(cwd=cwd):
            return f"resumed in {cwd}"
        case UserMessage(content=content):
            return f"\n{event.actor}> {content}"
        case ModelMessage(completion=completion):
            return f"\nagent> {completion.content}" if completion.content else ""
        case ModelRetried() as retried:
            return f"[attempt {retried.attempt} failed: {retried.error}; again in {retried.wait_s:.1f} s]"
        case ModelFailed(error=error):
            return f"[the model failed: {error}]"
        case ToolProposed(call=call):
            return f"\n* {call.name} {call.arguments}"
        case ToolDecided(decision="reject", reason=reason):
            return f"  rejected: {reason}"
        case ToolDecided(edited=ToolCall() as edited):
            return f"  changed before it ran: {edited.arguments}"
        case ToolFinished(result=result):
            return "\n".join(f"  {line}" for line in result.split("\n"))
        case HumanRan() as ran:
            return f"\n{event.actor}$ {ran.command}\n{ran.output}[exit {ran.exit_code}]"
        case Rewound() as rewound:
            kept = f"turn {rewound.to_turn - 1} of {rewound.to_branch}" if rewound.to_turn else "the beginning"
            return (
                f"\n[rewound to {kept}: {rewound.from_branch} was left after {rewound.from_turn} turns, "
                f"{rewound.branch} begins]"
            )
        case SessionForked() as forked:
            return f"\n[forked from {forked.parent_branch} of session {forked.parent_session_id}: the above is a copy]"
        case WorkspaceRestored() as restored:
            return told_of_restoration(restored)
        case SettingsChanged() as changed:
            return f"[changed: {changed.model_dump(mode='json', exclude_none=True, exclude={'kind'})}]"
        case ShellLost(reason=reason) if reason:
            return f"[{reason}]"
        case ShellLost(exit_code=exit_code, signal=signal):
            return f"[the shell died: exit {exit_code}, signal {signal}]"
        case DegradedMode(part=part, reason=reason):
            return f"[{part}: {reason}]"
        case SessionFinished(status=status, reason=reason):
            return f"\n[{status}{': ' + reason if reason else ''}]"
        case _:
            return ""


def turn_text(turn: Turn) -> str:
    """What a person should read of a turn, every control character made visible."""
    parts = [f"{turn.turn_no} {turn.source}> {turn.content}" if turn.content or not turn.tool_calls else ""]
    parts += [f"{turn.turn_no} {turn.source}* {call.name} {call.arguments}" for call in turn.tool_calls]
    if turn.edited is not None:
        parts.insert(0, f"changed before it ran: {turn.edited.arguments}")
    return visible_text("\n".join(part for part in parts if part))

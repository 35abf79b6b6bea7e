"""The slash commands of the composer, each a few lines over the live session."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast, get_args

from limi_sessions.agent.spec import UnknownModel, parse_model
from limi_sessions.live import LiveSession
from limi_sessions.records.message import Sampling
from limi_sessions.records.payload import ApprovalMode, SessionRenamed, SessionTagged

if TYPE_CHECKING:
    from limi_tui.screens.session import SessionScreen


class CommandFailed(Exception):
    """A slash command could not be done; the message says why and what to do."""


_Command = Callable[["SessionScreen", LiveSession, str], Awaitable[None]]


async def _model(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    if not argument:
        raise CommandFailed("/model NAME, such as zai/glm-4.5, openai/NAME, ollama/NAME, demo")
    try:
        spec = parse_model(argument, api_base=screen.request.api_base, environ=os.environ)
    except UnknownModel as error:
        raise CommandFailed(str(error)) from error
    await live.change_model(spec)


async def _mode(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    if argument not in get_args(ApprovalMode):
        raise CommandFailed(f"/mode {' | '.join(get_args(ApprovalMode))}; it is {live.mode} now")
    await live.change_mode(cast(ApprovalMode, argument))


async def _effort(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    if argument not in {"low", "medium", "high", "default"}:
        raise CommandFailed("/effort low | medium | high | default")
    effort = None if argument == "default" else argument
    await live.change_sampling(Sampling.model_validate({**live.sampling.model_dump(), "effort": effort}))


async def _temperature(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    await _number(live, "temperature", argument, most=2.0)


async def _top_p(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    await _number(live, "top_p", argument, most=1.0)


async def _number(live: LiveSession, name: str, argument: str, *, most: float) -> None:
    command = name.replace("_", "-")
    try:
        value = None if argument == "default" else float(argument)
    except ValueError as error:
        raise CommandFailed(f"/{command} NUMBER | default") from error
    if value is not None and not 0 <= value <= most:
        raise CommandFailed(f"/{command} takes 0 to {most:g}")
    await live.change_sampling(live.sampling.model_copy(update={name: value}))


async def _title(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    if not argument:
        raise CommandFailed("/title TEXT")
    store = await asyncio.to_thread(screen.limi.store_gate.store)
    renamed = SessionRenamed(target=live.plan.session_id, title=argument)
    await asyncio.to_thread(lambda: store.append_desk(renamed, actor=screen.request.actor))
    screen.notify("Renamed.")


async def _tag(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    words = argument.split()
    add = tuple(w.lstrip("+") for w in words if not w.startswith("-"))
    remove = tuple(w[1:] for w in words if w.startswith("-"))
    if not words:
        raise CommandFailed("/tag NAME to add, /tag -NAME to remove")
    store = await asyncio.to_thread(screen.limi.store_gate.store)
    tagged = SessionTagged(target=live.plan.session_id, add=add, remove=remove)
    await asyncio.to_thread(lambda: store.append_desk(tagged, actor=screen.request.actor))
    screen.notify("Tagged.")


async def _stop(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    await screen.action_stop_agent()


async def _finish(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    screen.end()


async def _sessions(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    screen.action_sessions()


async def _help(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    screen.action_help()


_TABLE: dict[str, tuple[_Command, str]] = {
    "model": (_model, "use another model from now on"),
    "mode": (_mode, "ask before calls, or yolo"),
    "effort": (_effort, "reasoning effort: low, medium, high, default"),
    "temperature": (_temperature, "sampling temperature, or default"),
    "top-p": (_top_p, "nucleus sampling, or default"),
    "title": (_title, "name this session"),
    "tag": (_tag, "add a tag, -NAME removes it"),
    "stop": (_stop, "stop the agent"),
    "sessions": (_sessions, "all sessions"),
    "help": (_help, "every key"),
    "finish": (_finish, "end this session"),
    "quit": (_finish, "end this session and leave"),
}
COMMANDS: tuple[tuple[str, str], ...] = tuple((name, words) for name, (_, words) in _TABLE.items())
"""Names and helps, for completion."""


async def run_command(screen: SessionScreen, name: str, arguments: str) -> None:
    """Do what a slash command says.

    Raises:
        CommandFailed: it is unknown, misused, or could not be done.
    """
    found = _TABLE.get(name)
    if found is None:
        raise CommandFailed(f"/{name} is no command; / lists them")
    if name in {"finish", "quit"}:
        screen.end()
        return
    if screen.live is None:
        raise CommandFailed("the session is not open yet")
    await found[0](screen, screen.live, arguments.strip())

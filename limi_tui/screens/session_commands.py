"""The slash commands of the composer, each a few lines over the live session."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast, get_args

from limi_sessions.agent.spec import ModelSpec, UnknownModel, parse_model
from limi_sessions.journal import JournalError
from limi_sessions.live import LiveSession
from limi_sessions.records.message import Sampling
from limi_sessions.records.payload import ApprovalMode, SessionRenamed, SessionTagged
from limi_store import StoreError
from limi_tui.screens import session_going_back as going_back
from limi_tui.screens import session_guarding as guarding
from limi_tui.screens.command_failed import CommandFailed
from limi_tui.screens.failure_words import failure_words

if TYPE_CHECKING:
    from limi_tui.screens.session import SessionScreen


_Command = Callable[["SessionScreen", LiveSession, str], Awaitable[None]]


async def _model(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    await live.change_model(_model_spec(screen, argument, in_use=live.settings.model.name))


def _model_spec(screen: SessionScreen, argument: str, *, in_use: str) -> ModelSpec:
    name, _, api_base = argument.partition(" ")
    if not name:
        raise CommandFailed("/model NAME [URL]: zai/glm-4.5, openai/NAME URL, ollama/NAME, demo; `limi model list`")
    # The endpoint that limi was started with belongs to the provider that it was given with.
    same_provider = name.partition("/")[0] == in_use.partition("/")[0]
    base = api_base.strip() or (screen.request.api_base if same_provider else None)
    try:
        return parse_model(name, api_base=base, environ=os.environ)
    except UnknownModel as error:
        raise CommandFailed(str(error)) from error


async def _mode(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    if argument not in get_args(ApprovalMode):
        raise CommandFailed(f"/mode {' | '.join(get_args(ApprovalMode))}; it is {live.settings.mode} now")
    await live.settings.change_mode(cast(ApprovalMode, argument))


async def _effort(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    if argument not in {"low", "medium", "high", "default"}:
        raise CommandFailed("/effort low | medium | high | default")
    effort = None if argument == "default" else argument
    sampling = live.settings.sampling
    await live.settings.change_sampling(Sampling.model_validate({**sampling.model_dump(), "effort": effort}))


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
    await live.settings.change_sampling(live.settings.sampling.model_copy(update={name: value}))


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


async def _shell(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    shell = live.shell.shell
    if shell is not None and shell.state != "lost":
        raise CommandFailed("/shell starts a new shell after the last one has ended; this one runs")
    live.shell.forgive_losses()
    await screen.life.new_shell()


async def _stop(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    await screen.action_stop_agent()


_ON_A_SESSION: dict[str, tuple[_Command, str]] = {
    "model": (_model, "use another model from now on"),
    "mode": (_mode, "plan, ask, auto-edit or yolo"),
    "effort": (_effort, "reasoning effort: low, medium, high, default"),
    "temperature": (_temperature, "sampling temperature, or default"),
    "top-p": (_top_p, "nucleus sampling, or default"),
    "title": (_title, "name this session"),
    "tag": (_tag, "add a tag, -NAME removes it"),
    "undo": (going_back.undo, "take the last change of the workspace back"),
    "redo": (going_back.redo, "bring back what was undone"),
    "rewind": (going_back.rewind, "go back to a turn: both, conversation or files"),
    "retry": (going_back.retry, "have the agent's last turn done again on a new branch"),
    "branch": (going_back.branches, "list the branches, NAME goes on with one"),
    "compare": (going_back.compare, "two branches side by side, with their files"),
    "fork": (going_back.fork, "a new session of the turns up to one"),
    "sandbox": (guarding.sandbox, "what confines the shell, in words"),
    "network": (guarding.network, "off, allow-list or on for the confined shell; allow HOST"),
    "record": (guarding.record, "on or off: record your own shell (F9)"),
    "stop": (_stop, "stop the agent"),
    "shell": (_shell, "start a new shell after one has ended"),
}
_AT_ONCE: dict[str, tuple[Callable[[SessionScreen], None], str]] = {
    "sessions": (lambda screen: screen.action_sessions(), "all sessions"),
    "help": (lambda screen: screen.action_help(), "every key"),
    "finish": (lambda screen: screen.end(), "end this session"),
    "quit": (lambda screen: screen.end(), "end this session and leave"),
}
COMMANDS: tuple[tuple[str, str], ...] = tuple(
    (name, words) for table in (_ON_A_SESSION, _AT_ONCE) for name, (_, words) in table.items()
)
"""Names and helps, for completion."""


async def run_command(screen: SessionScreen, name: str, arguments: str) -> None:
    """Do what a slash command says; what needs an open session waits until it is open.

    Raises:
        CommandFailed: it is unknown, misused, or could not be done.
    """
    if name in _AT_ONCE:
        _AT_ONCE[name][0](screen)
        return
    found = _ON_A_SESSION.get(name)
    if found is None:
        raise CommandFailed(f"/{name} is no command; / lists them")
    if screen.live is not None:
        await _run(found[0], screen, screen.live, arguments.strip())
    elif screen.life.phase == "opening":
        screen.run_command_when_open(name, arguments)
    elif name == "model" and screen.life.phase == "failed":
        _model_spec(screen, arguments.strip(), in_use=screen.request.model or "")
        screen.life.use_model(arguments.strip())
        screen.open_session()
    else:
        raise CommandFailed(f"/{name} needs an open session")


async def _run(command: _Command, screen: SessionScreen, live: LiveSession, arguments: str) -> None:
    try:
        await command(screen, live, arguments)
    except (StoreError, JournalError, OSError) as error:
        raise CommandFailed(failure_words(error)) from error

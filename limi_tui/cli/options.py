"""Options that several verbs share, and what their values may be.

Imports nothing but click, so that the help stays cheap; the names of shells, modes and profiles are those of
`limi_sessions.records.payload`, which a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Never, Self, TypeVar, cast

import click
from click.core import ParameterSource

from limi_tui.verbs.handle import ALLOWED, is_handle

Shell = Literal["bash", "zsh", "fish"]
Mode = Literal["plan", "ask", "auto-edit", "yolo"]
Profile = Literal["limi", "bash-only", "none"]
Effort = Literal["low", "medium", "high"]
SandboxChoice = Literal["auto", "bubblewrap", "landlock", "none"]
Network = Literal["off", "allow-list", "on"]

SHELLS: tuple[Shell, ...] = ("bash", "zsh", "fish")
MODES: tuple[Mode, ...] = ("plan", "ask", "auto-edit", "yolo")
PROFILES: tuple[Profile, ...] = ("limi", "bash-only", "none")
EFFORTS: tuple[Effort, ...] = ("low", "medium", "high")
SANDBOXES: tuple[SandboxChoice, ...] = ("auto", "bubblewrap", "landlock", "none")
NETWORKS: tuple[Network, ...] = ("off", "allow-list", "on")

_HANDLE_KEY = "limi.handle"

_F = TypeVar("_F", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class ConfinementOptions:
    """What was said on the command line about the sandbox of a session's shell; None is not said."""

    sandbox: SandboxChoice | None
    network: Network | None
    allow_host: tuple[str, ...]
    """Empty: not said."""

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """The values that click gave a verb decorated with these options; click has checked their types."""
        return cls(**cast("Mapping[str, Never]", {name: options[name] for name in cls.__dataclass_fields__}))


@dataclass(frozen=True, kw_only=True)
class OpeningOptions(ConfinementOptions):
    """What was said on the command line about a session to open; None is not said."""

    model: str | None
    api_base: str | None
    query: str | None
    workspace: Path | None
    profile: Profile
    mode: Mode
    shell: Shell | None
    max_turns: int | None
    max_cost: float | None
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    max_completion_tokens: int | None
    effort: Effort | None


def chosen_handle(context: click.Context) -> str | None:
    """What ``--as`` said on this command line; None when it was not given."""
    handle = context.meta.get(_HANDLE_KEY)
    return handle if isinstance(handle, str) else None


def acting_as(verb: _F) -> _F:
    """Give a verb the option ``--as HANDLE``."""

    def remember(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is None:
            return
        if not is_handle(value):
            raise click.BadParameter(f"{value!r} is no handle: it takes {ALLOWED}.", context)
        context.meta[_HANDLE_KEY] = value

    option = click.option(
        "--as",
        "acting_handle",
        metavar="HANDLE",
        callback=remember,
        expose_value=False,
        help="Act under this handle instead of your own.",
    )
    return option(verb)


def json_output(verb: _F) -> _F:
    """Give a verb the flag ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(verb)


def version_option(verb: _F) -> _F:
    """Give a group the flag ``--version``."""

    def show(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            from limi_tui.cli.version import print_version

            print_version(as_json=False)
            context.exit()

    option = click.option(
        "--version", is_flag=True, is_eager=True, expose_value=False, callback=show, help="Show the version and exit."
    )
    return option(verb)


def opening_options(verb: _F) -> _F:
    """Give a verb the options of a session to open."""
    for option in reversed(_OPENING):
        verb = option(verb)
    return verb


def confinement_options(verb: _F) -> _F:
    """Give a verb the options of the sandbox of a session's shell."""
    for option in reversed(_CONFINEMENT):
        verb = option(verb)
    return verb


def given_names(context: click.Context) -> list[str]:
    """The options given on the command line of this verb itself, as they are written."""
    return [
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name in context.params
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


_CONFINEMENT = (
    click.option(
        "--sandbox",
        type=click.Choice(SANDBOXES),
        help="What confines the shared shell.  [default: auto, the best that works here]",
    ),
    click.option("--network", type=click.Choice(NETWORKS), help="What the shared shell may reach.  [default: off]"),
    click.option(
        "--allow-host", metavar="HOST", multiple=True, help="A host for --network allow-list; may be given again."
    ),
)
_OPENING = (
    click.option(
        "--model", "-m", metavar="NAME", help="zai/glm-4.5, openai/NAME, ollama/NAME, scripted:FILE, demo, ..."
    ),
    click.option("--api-base", metavar="URL", help="Endpoint of an OpenAI-compatible server, for openai/NAME."),
    click.option("--query", "-q", metavar="TEXT", help="The task; - reads it from standard input."),
    click.option(
        "--workspace",
        "-w",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
        help="Where shell and file tools work.  [default: the current directory]",
    ),
    click.option(
        "--profile", type=click.Choice(PROFILES), default="limi", show_default=True, help="The agent's tools."
    ),
    click.option(
        "--mode",
        type=click.Choice(MODES),
        default="ask",
        show_default=True,
        help="Which calls run unasked: none and nothing changes, none, edits, all.",
    ),
    click.option("--shell", type=click.Choice(SHELLS), help="The shared shell.  [default: yours, else bash]"),
    *_CONFINEMENT,
    click.option("--max-turns", type=click.IntRange(min=1), metavar="N", help="Stop after N answers of the model."),
    click.option("--max-cost", type=click.FloatRange(min=0), metavar="USD", help="Stop when this much is spent."),
    click.option(
        "--max-tokens", type=click.IntRange(min=1), metavar="N", help="Stop when the session has used N tokens."
    ),
    click.option("--temperature", type=click.FloatRange(0, 2), metavar="F", help="Sampling temperature, 0 to 2."),
    click.option("--top-p", type=click.FloatRange(0, 1), metavar="F", help="Nucleus sampling, 0 to 1."),
    click.option("--max-completion-tokens", type=click.IntRange(min=1), metavar="N", help="Most tokens of one answer."),
    click.option("--effort", type=click.Choice(EFFORTS), help="Reasoning effort."),
)

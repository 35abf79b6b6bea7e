"""``limi session``: the verbs of the Session room, loaded when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from limi_tui.cli.lazy import LazyGroup, LazyVerb
from limi_tui.cli.options import acting_as


class _SessionVerbs(LazyGroup):
    verbs: ClassVar[Mapping[str, LazyVerb]] = {
        "new": LazyVerb("limi_tui.cli.opening:new", "Open the workstation on a new session and send the query."),
        "resume": LazyVerb("limi_tui.cli.opening:resume", "Open the workstation on an earlier session."),
        "run": LazyVerb("limi_tui.cli.opening:run", "Run one query to its end, without a screen."),
        "list": LazyVerb("limi_tui.cli.reading:list_sessions", "List sessions, newest first."),
        "show": LazyVerb("limi_tui.cli.reading:show", "Print a session: its turns and events."),
        "fork": LazyVerb("limi_tui.cli.branching:fork", "Begin a new session from a turn of another one."),
        "compare": LazyVerb("limi_tui.cli.branching:compare", "Show where two branches or forks part."),
        "rename": LazyVerb("limi_tui.cli.desk:rename", "Give a session a title."),
        "tag": LazyVerb("limi_tui.cli.desk:tag", "Add and remove tags of a session."),
        "delete": LazyVerb("limi_tui.cli.desk:delete", "Move sessions to the bin; `restore` takes it back."),
        "restore": LazyVerb("limi_tui.cli.desk:restore", "Take sessions out of the bin."),
        "empty-bin": LazyVerb("limi_tui.cli.desk:empty_bin", "Delete the sessions in the bin for good."),
    }


@click.group(cls=_SessionVerbs, invoke_without_command=True, subcommand_metavar="[VERB] ...")
@acting_as
@click.pass_context
def session(context: click.Context) -> int | None:
    """Work with sessions. Without a verb the workstation opens on a new one.

    Where a verb takes an ID, the first letters of one do, or the word latest.
    """
    if context.invoked_subcommand is not None:
        return None
    from limi_tui.cli.opening import open_new, opening_defaults

    return open_new(opening_defaults(), context)

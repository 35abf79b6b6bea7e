"""Command groups that load a verb only when it is called.

The help of a group shows each verb's one line from the group's own table, so that `limi --help` imports no verb and
nothing that verbs need.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import click


@dataclass(frozen=True)
class LazyVerb:
    """Where a verb is found, and its line in the group's help."""

    target: str
    """``module:attribute`` of a `click.Command`."""
    summary: str


class LazyGroup(click.Group):
    """A group whose verbs are imported when they are called."""

    verbs: ClassVar[Mapping[str, LazyVerb]] = {}
    """In the order of the help; each group is a subclass with its own table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the verbs in the order of the table."""
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of a name, imported now; None when there is no such verb."""
        verb = self.verbs.get(cmd_name)
        if verb is None:
            return None
        module, _, attribute = verb.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{verb.target} is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the arguments name; a name that does not exist is answered with close ones.

        Raises:
            click.UsageError: there is no such verb.
        """
        name = args[0]
        if name not in self.verbs and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.verbs, n=2)
            hint = f" Did you mean {' or '.join(close)}?" if close else f" There are: {', '.join(self.verbs)}."
            raise click.UsageError(f"there is no verb {name!r} in {ctx.command_path!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs' lines without importing any of them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.summary) for name, verb in self.verbs.items()])

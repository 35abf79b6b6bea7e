"""``limi store``: the health of the database of sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from limi_sessions.paths import Home
from limi_tui.cli.failures import PROBLEM_FOUND
from limi_tui.cli.lazy import LazyGroup, LazyVerb
from limi_tui.cli.options import acting_as, json_output
from limi_tui.cli.output import counted, print_json, print_line, shown
from limi_tui.cli.store_access import opened_store


class _StoreVerbs(LazyGroup):
    verbs: ClassVar[Mapping[str, LazyVerb]] = {
        "check": LazyVerb("limi_tui.cli.store:check", "Verify journals and tables, and mend what can be mended."),
        "rebuild": LazyVerb("limi_tui.cli.store:rebuild", "Make the database anew from the journals."),
        "path": LazyVerb("limi_tui.cli.store:path", "Print where everything lies."),
    }


@click.group(cls=_StoreVerbs, subcommand_metavar="VERB ...")
@acting_as
def store() -> None:
    """Look after the database. The journals are the truth: the database can always be made anew from them."""


@click.command("check")
@json_output
@acting_as
def check(as_json: bool) -> int:
    """Verify every journal and compare the tables with it; mend what can be mended.

    Exit code: 0 when all is well or was mended, 1 when something cannot be mended.
    """
    with opened_store() as opened:
        report = opened.check()
    if as_json:
        print_json({"healthy": report.healthy, **report.model_dump(mode="json")})
        return 0 if report.healthy else PROBLEM_FOUND
    for word, lines in (("mended", report.repaired), ("note", report.notes), ("problem", report.problems)):
        for line in lines:
            print_line(f"{word}: {shown(line)}")
    verdict = "healthy" if report.healthy else "what is readable was kept; the lines above name what is not"
    print_line(f"{counted(report.sessions, 'session')}, {counted(report.events, 'event')}: {verdict}")
    return 0 if report.healthy else PROBLEM_FOUND


@click.command("rebuild")
@json_output
@acting_as
def rebuild(as_json: bool) -> int:
    """Make the database anew from the journals.

    Exit code: 0, or 1 when a journal has damaged lines; all others are in the new database.
    """
    with opened_store() as opened:
        report = opened.rebuild()
    if as_json:
        print_json(report.model_dump(mode="json"))
        return PROBLEM_FOUND if report.problems else 0
    for line in report.problems:
        print_line(f"problem: {shown(line)}")
    print_line(
        f"{counted(report.sessions, 'session')}, {counted(report.events, 'event')} and {counted(report.turns, 'turn')}"
        f" in {report.seconds:.1f} s"
    )
    return PROBLEM_FOUND if report.problems else 0


@click.command("path")
@json_output
@acting_as
def path(as_json: bool) -> None:
    """Print the home directory; as JSON also where its parts lie."""
    home = Home.default()
    if as_json:
        places = {"database": home.database, "sessions": home.sessions, "settings": home.settings, "logs": home.logs}
        print_json({"home": str(home.root), **{name: str(place) for name, place in places.items()}})
    else:
        print_line(shown(str(home.root)))

"""Verbs that say something about a session: ``rename``, ``tag``, ``delete``, ``restore``, ``empty-bin``.

Each becomes an event of the desk journal under the handle of who said it; no session's own journal is touched.
"""

from __future__ import annotations

import re
import sys

import click

from limi_sessions.paths import Home
from limi_sessions.records.payload import SessionRenamed, SessionTagged
from limi_sessions.summary import TITLE_LENGTH
from limi_tui.cli.failures import Refused
from limi_tui.cli.options import acting_as, chosen_handle, json_output
from limi_tui.cli.output import counted, print_json, print_line, shown, size_text
from limi_tui.cli.store_access import opened_store
from limi_tui.verbs.identity import acting_identity

LONGEST_TITLE = 200
_TAG = re.compile(r"\w[\w.:/-]{0,39}")


@click.command("rename")
@click.argument("session_id", metavar="ID|latest")
@click.argument("title")
@json_output
@acting_as
@click.pass_context
def rename(context: click.Context, session_id: str, title: str, as_json: bool) -> None:
    """Give a session a title."""
    title = " ".join(title.split())
    if not 0 < len(title) <= LONGEST_TITLE:
        raise click.UsageError(f"a title has 1 to {LONGEST_TITLE} characters, not {len(title)}", context)
    with opened_store() as store:
        session_id = store.find(session_id)
        store.append_desk(SessionRenamed(target=session_id, title=title), actor=_actor(context))
    if as_json:
        print_json({"session_id": session_id, "title": title})
    else:
        print_line(f"{session_id} is now called: {shown(title)}")


@click.command("tag", context_settings={"ignore_unknown_options": True})
@click.argument("session_id", metavar="ID|latest")
@click.argument("changes", nargs=-1, metavar="[+TAG|-TAG]...")
@click.option("--add", multiple=True, metavar="TAG", help="Add a tag; the same as +TAG.")
@click.option("--remove", multiple=True, metavar="TAG", help="Remove a tag; the same as -TAG.")
@json_output
@acting_as
@click.pass_context
def tag(
    context: click.Context,
    session_id: str,
    changes: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add and remove tags of a session; without any, print them."""
    added = [*add, *(change[1:] for change in changes if change.startswith("+"))]
    removed = [*remove, *(change[1:] for change in changes if change.startswith("-"))]
    if unsigned := [change for change in changes if change[:1] not in ("+", "-")]:
        raise click.UsageError(f"say +{unsigned[0]} to add the tag or -{unsigned[0]} to remove it", context)
    for name in [*added, *removed]:
        if not _TAG.fullmatch(name):
            raise click.UsageError(
                f"{name!r} is no tag: 1 to 40 letters, digits and . : / _ -, the first a letter or digit", context
            )
    with opened_store() as store:
        session_id = store.find(session_id)
        if added or removed:
            payload = SessionTagged(target=session_id, add=tuple(added), remove=tuple(removed))
            store.append_desk(payload, actor=_actor(context))
        tags = store.summary(session_id).tags
    if as_json:
        print_json({"session_id": session_id, "tags": list(tags)})
    else:
        print_line(" ".join(f"#{shown(name)}" for name in tags) or "no tags")


@click.command("delete")
@click.argument("session_ids", metavar="ID|latest...", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_output
@acting_as
@click.pass_context
def delete(context: click.Context, session_ids: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Move sessions to the bin. `limi session restore` takes it back until the bin is emptied."""
    with opened_store() as store:
        targets = list(dict.fromkeys(store.find(session_id) for session_id in session_ids))
        if not yes and sys.stdin.isatty() and sys.stdout.isatty():
            for target in targets:
                print_line(f"{target}  {shown(store.summary(target).title)[:TITLE_LENGTH]}")
            click.confirm("Move to the bin?", default=True, abort=True, err=True)
        for target in targets:
            store.delete(target, actor=_actor(context))
            if not as_json:
                print_line(f"{target} is in the bin. Take it back: limi session restore {target}")
    if as_json:
        print_json({"deleted": targets})


@click.command("restore")
@click.argument("session_ids", metavar="ID...", nargs=-1, required=True)
@json_output
@acting_as
@click.pass_context
def restore(context: click.Context, session_ids: tuple[str, ...], as_json: bool) -> None:
    """Take sessions out of the bin. `limi session list --deleted` shows what is in it."""
    with opened_store() as store:
        targets = list(dict.fromkeys(store.find(session_id) for session_id in session_ids))
        for target in targets:
            store.restore(target, actor=_actor(context))
            if not as_json:
                print_line(f"{target} is back.")
    if as_json:
        print_json({"restored": targets})


@click.command("empty-bin")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_output
@acting_as
@click.pass_context
def empty_bin(context: click.Context, yes: bool, as_json: bool) -> None:
    """Delete the sessions in the bin for good and free their disk space."""
    with opened_store() as store:
        binned = store.sessions(deleted=True)
        if binned and not yes:
            if not sys.stdin.isatty():
                raise Refused(
                    f"{counted(len(binned), 'session')} would be lost for good: say --yes where nobody can be asked"
                )
            for summary in binned:
                print_line(f"{summary.session_id}  {shown(summary.title)}")
            click.confirm(f"Delete {counted(len(binned), 'session')} for good?", abort=True, err=True)
        freed = store.empty_bin(actor=_actor(context)) if binned else 0
    if as_json:
        print_json({"deleted": [summary.session_id for summary in binned], "freed_bytes": freed})
    else:
        print_line(f"{counted(len(binned), 'session')} deleted, {size_text(freed)} freed.")


def _actor(context: click.Context) -> str:
    return acting_identity(Home.default(), chosen=chosen_handle(context)).handle

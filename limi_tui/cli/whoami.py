"""``limi whoami``: the handle that a person's actions are recorded under."""

from __future__ import annotations

import os

import click

from limi_sessions.paths import Home, store_socket
from limi_tui.cli.failures import Refused
from limi_tui.cli.options import acting_as, chosen_handle, json_output
from limi_tui.cli.output import print_json, print_line, print_note
from limi_tui.settings import store_setting
from limi_tui.verbs.handle import ALLOWED, is_handle
from limi_tui.verbs.identity import HandleSource, acting_identity

_ORIGIN: dict[HandleSource, str] = {
    "--as": "given with --as",
    "LIMI_AS": "from the environment variable LIMI_AS",
    "settings": "from your settings",
    "system": "your name on this machine; `limi whoami HANDLE` sets another",
}


@click.command("whoami")
@click.argument("handle", required=False)
@json_output
@acting_as
@click.pass_context
def whoami(context: click.Context, handle: str | None, as_json: bool) -> None:
    """Show who acts, or set your handle for all that you do from now on."""
    home = Home.default()
    if handle is not None:
        if not is_handle(handle):
            raise click.UsageError(f"{handle!r} is no handle: it takes {ALLOWED}", context)
        if store_socket(home) is not None:
            raise Refused("your handle is not set from the shell of a session: type it in another terminal")
        home.make()
        store_setting(home, "identity", "handle", value=handle)
        if os.environ.get("LIMI_AS") not in (None, "", handle):
            print_note("the environment variable LIMI_AS goes before your settings: unset it for this to count")
    identity = acting_identity(home, chosen=chosen_handle(context))
    if as_json:
        print_json({"handle": identity.handle, "source": identity.source})
    else:
        print_line(f"{identity.handle} ({_ORIGIN[identity.source]})")

"""``limi version``."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

import click

from limi_tui.cli.options import acting_as, json_output
from limi_tui.cli.output import print_json, print_line

DISTRIBUTION = "limi-tui"


@click.command("version")
@json_output
@acting_as
def version(as_json: bool) -> None:
    """Show the version."""
    print_version(as_json=as_json)


def print_version(*, as_json: bool) -> None:
    """Print the version of limi and of the Python it runs on."""
    if as_json:
        print_json({"limi": version_of(DISTRIBUTION), "python": platform.python_version()})
    else:
        print_line(f"limi {version_of(DISTRIBUTION)}")

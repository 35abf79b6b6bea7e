"""``limi model``: the models found here, and the demo model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

import click

from limi_sessions.paths import Home
from limi_tui.cli.lazy import LazyGroup, LazyVerb
from limi_tui.cli.options import acting_as, json_output
from limi_tui.cli.output import print_json, print_line, print_note, print_table, shown


class _ModelVerbs(LazyGroup):
    verbs: ClassVar[Mapping[str, LazyVerb]] = {
        "list": LazyVerb("limi_tui.cli.model:list_models", "List the models found here and how to use each."),
        "fetch": LazyVerb("limi_tui.cli.model:fetch", "Fetch the demo model."),
    }


@click.group(cls=_ModelVerbs, subcommand_metavar="VERB ...")
@acting_as
def model() -> None:
    """Find models: keys in the environment and the keyring, servers on this machine, the demo model."""


@click.command("list")
@json_output
@acting_as
def list_models(as_json: bool) -> None:
    """List the models found here and how to use each."""
    from limi_sessions.agent.demo import demo_status
    from limi_sessions.agent.probe import probe_providers

    found = probe_providers(os.environ)
    if as_json:
        demo = demo_status(Home.default())
        providers = [{"name": f.name, "model": f.model, "how": f.how, "ready": f.ready} for f in found]
        print_json({"providers": providers, "demo": {"available": demo.available, "reason": demo.reason}})
        return
    rows = [("ready" if f.ready else "-", shown(f.name), shown(f.model), shown(f.how)) for f in found]
    print_table(rows, header=("", "provider", "--model", "how"), cut=3)


@click.command("fetch")
@click.argument("name", type=click.Choice(["demo"]))
@json_output
@acting_as
def fetch(name: str, as_json: bool) -> int:
    """Fetch the demo model (93 MB) and verify its sha256; nothing happens where it is already."""
    from limi_sessions.agent.demo import fetch_demo

    home = Home.default()
    status = fetch_demo(print_note if as_json else print_line, home)
    if as_json:
        gguf = None if status.gguf is None else str(status.gguf)
        print_json({"name": name, "available": status.available, "gguf": gguf, "sha256": status.sha256})
    return 0 if status.available else 1

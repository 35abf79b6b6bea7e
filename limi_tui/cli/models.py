"""Verbs about models: ``model list`` and ``model fetch demo``."""

from __future__ import annotations

import os

import click

from limi_sessions.agent.demo import demo_status, fetch_demo
from limi_sessions.agent.probe import FoundProvider, probe_providers
from limi_sessions.paths import Home
from limi_tui.cli.options import acting_as, json_output
from limi_tui.cli.output import print_json, print_line, print_note, print_table, shown


@click.command("list")
@json_output
@acting_as
def list_models(as_json: bool) -> None:
    """List the models found here and how to use each."""
    found = probe_providers(os.environ)
    if as_json:
        demo = demo_status(Home.default())
        providers = [
            {"name": f.name, "model": f.model, "how": f.how, "ready": f.ready, "api_base": f.api_base} for f in found
        ]
        print_json({"providers": providers, "demo": {"available": demo.available, "reason": demo.reason}})
        return
    rows = [("ready" if f.ready else "-", shown(f.name), shown(_as_options(f)), shown(f.how)) for f in found]
    print_table(rows, header=("", "provider", "use", "found"), cut=3)


@click.command("fetch")
@click.argument("name", type=click.Choice(["demo"]))
@json_output
@acting_as
def fetch(name: str, as_json: bool) -> int:
    """Fetch the demo model (93 MB) and verify its sha256; nothing happens where it is already."""
    home = Home.default()
    status = fetch_demo(print_note if as_json else print_line, home)
    if as_json:
        gguf = None if status.gguf is None else str(status.gguf)
        print_json({"name": name, "available": status.available, "gguf": gguf, "sha256": status.sha256})
    return 0 if status.available else 1


def _as_options(found: FoundProvider) -> str:
    if not found.model:
        return ""
    return f"--model {found.model}" + (f" --api-base {found.api_base}" if found.api_base else "")

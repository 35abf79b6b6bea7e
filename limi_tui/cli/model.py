"""``limi model``: the verbs about models, loaded when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from limi_tui.cli.lazy import LazyGroup, LazyVerb
from limi_tui.cli.options import acting_as


class _ModelVerbs(LazyGroup):
    verbs: ClassVar[Mapping[str, LazyVerb]] = {
        "list": LazyVerb("limi_tui.cli.models:list_models", "List the models found here and how to use each."),
        "fetch": LazyVerb("limi_tui.cli.models:fetch", "Fetch the demo model."),
    }


@click.group(cls=_ModelVerbs, subcommand_metavar="VERB ...")
@acting_as
def model() -> None:
    """Find models: keys in the environment and the keyring, servers on this machine, the demo model."""

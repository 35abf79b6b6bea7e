"""Where limi itself lies: what a sandbox must show, so that its verbs work inside, and never let be written."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

_PACKAGES = ("limi_sessions", "limi_store", "limi_dataset", "limi_train", "limi_eval", "limi_tui")


def own_program() -> tuple[Path, ...]:
    """The environment that limi is installed in and the directories of its packages, links resolved."""
    places = [Path(sys.prefix).resolve()]
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is not None:
            places += [Path(place).resolve() for place in spec.submodule_search_locations or ()]
    return tuple(dict.fromkeys(places))

"""Who acts: the handle that every event of a person is recorded under."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from limi_sessions.paths import Home
from limi_tui.settings import load_settings
from limi_tui.verbs.handle import handle_from

HandleSource = Literal["--as", "LIMI_AS", "settings", "system"]


@dataclass(frozen=True)
class Identity:
    """A handle and where it comes from."""

    handle: str
    source: HandleSource


def acting_identity(home: Home, *, chosen: str | None, environ: Mapping[str, str] | None = None) -> Identity:
    """Who acts: ``--as``, else ``$LIMI_AS``, else the settings, else the operating system's user.

    Raises:
        SettingsError: the settings cannot be read.
    """
    environ = os.environ if environ is None else environ
    if chosen is not None:
        return Identity(chosen, "--as")
    handle = load_settings(home, environ=environ).identity.handle
    if handle is not None:
        return Identity(handle, "LIMI_AS" if environ.get("LIMI_AS") else "settings")
    return Identity(_system_handle(), "system")


def _system_handle() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        # A uid without an entry in the password database, as in many containers.
        user = f"uid-{os.getuid()}"
    return handle_from(user)

"""The shared shell: spawn, read, marks, lease, waiting state, recording.

`SharedShell` and its values live in `limi_sessions.pty.shell`; names asked of this package are imported when first
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limi_sessions.pty.environment import shell_environment
    from limi_sessions.pty.errors import LeaseLost, LeaseRefused, ShellError, ShellMissing, ShellStartFailed
    from limi_sessions.pty.lease import Lease
    from limi_sessions.pty.shell import SharedShell
    from limi_sessions.pty.values import CommandOutcome, FinishedCommand, ScreenReading, ShellConfig, ShellListener
    from limi_sessions.pty.waiting import ShellState

__all__ = [
    "CommandOutcome",
    "FinishedCommand",
    "Lease",
    "LeaseLost",
    "LeaseRefused",
    "ScreenReading",
    "SharedShell",
    "ShellConfig",
    "ShellError",
    "ShellListener",
    "ShellMissing",
    "ShellStartFailed",
    "ShellState",
    "shell_environment",
]

_HOMES = {
    "shell_environment": "environment",
    "Lease": "lease",
    "SharedShell": "shell",
    "CommandOutcome": "values",
    "FinishedCommand": "values",
    "ScreenReading": "values",
    "ShellConfig": "values",
    "ShellListener": "values",
    "ShellState": "waiting",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)

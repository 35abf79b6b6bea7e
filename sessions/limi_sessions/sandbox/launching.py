"""How the launcher is started: its command line, made from plain values. The launcher is `confine`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from limi_sessions.sandbox.policy import ResourceLimits


def launched(
    argv: Sequence[str],
    *,
    limits: ResourceLimits | None = None,
    relay: tuple[int, Path] | None = None,
    landlock: Mapping[str, object] | None = None,
    internet: bool | None = None,
) -> list[str]:
    """The command that confines itself and then becomes ``argv``.

    Args:
        argv: the command.
        limits: set before it is run.
        relay: port on 127.0.0.1 and the unix socket of the allow-list's proxy behind it.
        landlock: rules, as `landlocking.restrict` takes them.
        internet: whether IPv4 and IPv6 sockets may be made; None means that system calls are not filtered here.
    """
    words: list[str] = []
    if limits is not None:
        numbers = (limits.processes, limits.open_files, limits.file_bytes)
        words.append("limits=" + ",".join("" if number is None else str(number) for number in numbers))
    if relay is not None:
        words.append(f"relay={relay[0]}:{relay[1]}")
    if landlock is not None:
        words.append("landlock=" + json.dumps(landlock))
    if internet is not None:
        words.append("filter=" + ("internet" if internet else "closed"))
    return [*_launcher(), *words, "--", *argv]


def kept(bubblewrap: Sequence[str], *, internet: bool) -> list[str]:
    """The command that runs a bubblewrap command with the filter and turns its failure to start into exit code 125."""
    return [*_launcher(), "keep=" + ("internet" if internet else "closed"), "--", *bubblewrap]


def launcher_places() -> tuple[Path, ...]:
    """Directories that the launcher needs to read, links resolved."""
    package = Path(__file__).resolve().parents[1]
    return tuple(dict.fromkeys((Path(_python()).parents[1], Path(sys.base_prefix).resolve(), package)))


def _python() -> str:
    # A virtual environment's link would need the environment to be visible inside.
    return os.path.realpath(sys.executable)


def _launcher() -> list[str]:
    return [_python(), "-I", "-S", "-X", "utf8", str(Path(__file__).resolve().with_name("confine.py"))]

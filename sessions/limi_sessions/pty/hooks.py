"""How each shell is started so that it tells us what it does: argv, environment and start-up files.

The hooks themselves are shell programs under ``shims/``. A header with this shell's nonce is put before them in a new
directory of the session; the nonce is never exported, and the files are removed once the hooks have spoken. What lies
in the session's directory for shells may have been put there by a command: nothing there is written over or followed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from limi_sessions.paths import private_directory
from limi_sessions.pty.quoting import fish_quoted, single_quoted
from limi_sessions.records.payload import ShellName

HEAL_KEY = b"\x1b[133;7~"
"""Makes the shell put its hooks back; bound by the shims of bash and zsh."""
_PLACE = "start-"


@dataclass(frozen=True)
class HookedStart:
    """What to execute, and what to remove afterwards."""

    argv: list[str]
    environment: dict[str, str]
    secret_files: tuple[Path, ...]
    """Files that hold the nonce."""

    def remove_secrets(self) -> None:
        """The shell has read them."""
        for path in self.secret_files:
            path.unlink(missing_ok=True)


def hooked_start(
    shell: ShellName, program: str, *, nonce: str, home: Path, environment: Mapping[str, str]
) -> HookedStart:
    """Write the start-up files of a shell.

    Args:
        shell: which hooks.
        program: path of its executable.
        nonce: hexadecimal, fresh for every shell.
        home: the session's directory for shells.
        environment: what the shell gets; HISTFILE and ZDOTDIR are added where needed.

    Raises:
        OSError: a file cannot be written.
    """
    place = _new_place(private_directory(home))
    variables = dict(environment)
    if shell == "fish":
        rc = place / "limi.fish"
        _write(rc, f"set -g __limi_nonce {fish_quoted(nonce)}\n", "limi.fish")
        return HookedStart([program, "-i", "-C", f"source {fish_quoted(str(rc))}"], variables, (rc,))
    header = {"__limi_nonce": nonce, "__limi_history": str(home / f"{shell}_history")}
    if shell == "bash":
        rc = place / "limi.bash"
        _write(rc, _assignments(header), "limi.bash")
        return HookedStart([program, "--rcfile", str(rc), "-i"], variables, (rc,))
    header |= {"__limi_zdotdir": variables.get("ZDOTDIR", ""), "__limi_shims": str(place)}
    _write(place / ".zshenv", _assignments(header), "limi.zshenv")
    _write(place / ".zshrc", "", "limi.zshrc")
    variables["ZDOTDIR"] = str(place)
    return HookedStart([program, "-i"], variables, (place / ".zshenv",))


def _new_place(home: Path) -> Path:
    """A new directory for the start-up files of one shell; those of earlier shells are removed."""
    for earlier in home.glob(f"{_PLACE}*"):
        # Refuses links, and follows none below; what a command put there may be deeper than it can go.
        with contextlib.suppress(RecursionError):
            shutil.rmtree(earlier, ignore_errors=True)
    place = home / f"{_PLACE}{secrets.token_hex(8)}"
    place.mkdir(mode=0o700)
    return place


def _assignments(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={single_quoted(value)}\n" for name, value in variables.items())


def _write(path: Path, header: str, shim: str) -> None:
    body = files("limi_sessions.pty").joinpath("shims", shim).read_text(encoding="utf-8")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write((header + body).encode())

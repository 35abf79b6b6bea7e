"""How each shell is started so that it tells us what it does: argv, environment and start-up files.

The hooks themselves are shell programs under ``shims/``. A header with this session's nonce is put before them in the
session's own directory; the nonce is never exported, and the files are removed once the hooks have spoken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from limi_sessions.paths import private_directory, write_private
from limi_sessions.pty.quoting import fish_quoted, single_quoted
from limi_sessions.records.payload import ShellName

HEAL_KEY = b"\x1b[133;7~"
"""Makes the shell put its hooks back; bound by the shims of bash and zsh."""


@dataclass(frozen=True)
class HookedStart:
    """What to execute, and what to remove afterwards."""

    argv: list[str]
    environment: dict[str, str]
    secret_files: tuple[Path, ...]
    """Files that hold the nonce."""


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
    private_directory(home)
    variables = dict(environment)
    if shell == "fish":
        rc = home / "limi.fish"
        _write(rc, f"set -g __limi_nonce {fish_quoted(nonce)}\n", "limi.fish")
        return HookedStart([program, "-i", "-C", f"source {fish_quoted(str(rc))}"], variables, (rc,))
    header = {"__limi_nonce": nonce, "__limi_history": str(home / f"{shell}_history")}
    if shell == "bash":
        rc = home / "limi.bash"
        _write(rc, _assignments(header), "limi.bash")
        return HookedStart([program, "--rcfile", str(rc), "-i"], variables, (rc,))
    shims = private_directory(home / "zdotdir")
    header |= {"__limi_zdotdir": variables.get("ZDOTDIR", ""), "__limi_shims": str(shims)}
    _write(shims / ".zshenv", _assignments(header), "limi.zshenv")
    _write(shims / ".zshrc", "", "limi.zshrc")
    variables["ZDOTDIR"] = str(shims)
    return HookedStart([program, "-i"], variables, (shims / ".zshenv",))


def _assignments(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={single_quoted(value)}\n" for name, value in variables.items())


def _write(path: Path, header: str, shim: str) -> None:
    body = files("limi_sessions.pty").joinpath("shims", shim).read_text(encoding="utf-8")
    write_private(path, (header + body).encode())

"""The session's own home over the person's: what is in the real one is seen, what is written goes to the session's.

Source: fish(1), "Universal variables"; fish 3.6 share/config.fish for when it generates completions.
"""

from __future__ import annotations

import contextlib
import shutil
import stat
from collections.abc import Collection
from pathlib import Path

from limi_sessions.paths import private_directory
from limi_sessions.sandbox.mounts import Mounts
from limi_sessions.sandbox.policy import SandboxPolicy

MOST_ENTRIES = 400
"""Of a home; some 0.25 s."""
_ROOT = Path("/")
_VARIABLES = "fish_variables"
_COMPLETIONS = "generated_completions"


def home_is_writable(policy: SandboxPolicy) -> bool:
    """Whether new files in the home go to the session's own; else the home is shown read-only."""
    home = policy.home.resolve()
    return home.is_dir() and home != _ROOT and len([*home.iterdir()]) <= MOST_ENTRIES


def lay_home(mounts: Mounts, home: Path, private: Path, masked: Collection[Path]) -> None:
    """Lay the session's home over the real one, with the real one's entries in it.

    Args:
        mounts: where it is added.
        home: the real one, links resolved.
        private: the session's, which exists.
        masked: what is left out.

    Raises:
        OSError: the home cannot be listed.
    """
    if not home.is_dir() or home == _ROOT:
        mounts.put(private, "write", private)
    elif len([*home.iterdir()]) > MOST_ENTRIES:
        mounts.put(home, "read", home)
    else:
        _lay(mounts, home, private, {*masked, home / ".cache"})


def lay_fish(mounts: Mounts, home: Path, private: Path, masked: Collection[Path]) -> None:
    """Give fish its two directories to write: it complains at every prompt when its variables cannot be stored.

    They lie beside the session's home. The person's variables are copied once; without a directory of generated
    completions, fish would make them in the background for half a minute at every start.

    Raises:
        OSError: a directory cannot be made.
    """
    if mounts.at.get(home, ("", ""))[1] != str(private):
        return
    for number, parts in enumerate(((".config", "fish"), (".local", "share", "fish"))):
        real = home.joinpath(*parts)
        own = private_directory(private.with_name(f"{private.name}-fish") / str(number))
        _make_room(mounts, home, real, masked)
        left_out = {*masked, real / _VARIABLES}
        with contextlib.suppress(OSError):
            if (real / _VARIABLES).is_file() and not (own / _VARIABLES).exists():
                shutil.copyfile(real / _VARIABLES, own / _VARIABLES)
        if number and not (real / _COMPLETIONS).exists():
            (own / _COMPLETIONS).mkdir(exist_ok=True)
        _lay(mounts, real, own, left_out)


def _make_room(mounts: Mounts, home: Path, real: Path, masked: Collection[Path]) -> None:
    """Where a directory is missing, let the nearest one above be one in memory that shows the real one's entries."""
    above = real.parent
    while above != home and not above.is_dir():
        above = above.parent
    if real.is_dir() or above == home or not mounts.shows(above):
        return
    mounts.put(above, "empty")
    for entry in above.iterdir():
        if entry in masked:
            continue
        if entry.is_symlink():
            mounts.put(entry, "link", entry.readlink())
        elif entry.is_dir() or entry.is_file():
            mounts.put(entry, "read", entry)


def _lay(mounts: Mounts, real: Path, own: Path, left_out: Collection[Path]) -> None:
    """Put a directory of the session over a real one, and each entry of that back into it, read-only."""
    mounts.put(real, "write", own)
    if not real.is_dir():
        return
    for entry in real.iterdir():
        if entry in left_out:
            continue
        place = own / entry.name
        with contextlib.suppress(OSError):
            mode = entry.lstat().st_mode
            if stat.S_ISLNK(mode):
                # Bound, it would show its target past a mask of the target.
                place.symlink_to(entry.readlink())
            elif (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) and _free(place, is_directory=stat.S_ISDIR(mode)):
                entry.stat()
                mounts.put(entry, "read", entry)


def _free(own: Path, *, is_directory: bool) -> bool:
    """Make the place in the session's home where an entry is bound; False when the session has its own there."""
    try:
        mode = own.lstat().st_mode
    except FileNotFoundError:
        if is_directory:
            own.mkdir(mode=0o700)
        else:
            own.touch(mode=0o600)
        return True
    if is_directory:
        return stat.S_ISDIR(mode) and not any(own.iterdir())
    return stat.S_ISREG(mode) and own.lstat().st_size == 0

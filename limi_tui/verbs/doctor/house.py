"""limi itself: Python, installed packages, home directory, settings, store."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from limi_sessions.paths import Home, HomeUnwritable, store_socket
from limi_store import StoreError, StoreNewer, open_store
from limi_tui.settings import SettingsError, load_settings, unknown_settings
from limi_tui.verbs.doctor.finding import Finding

DISTRIBUTION = "limi-tui"
_EXTRAS = {"train": "training", "eval": "scoring"}
"""The demo model has a finding of its own."""
_PYTHON = (3, 11)


def examine_python() -> Finding:
    """The interpreter."""
    text = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.version_info[:2] < _PYTHON:
        return Finding("python", "problem", text, "install Python 3.11 or newer and call make PYTHON=/path/to/it")
    return Finding("python", "ok", text)


def examine_packages() -> list[Finding]:
    """Limi with what it needs, then each extra: there, or what it would add."""
    present: dict[str, list[str]] = {"": []}
    missing: dict[str, list[str]] = {}
    for name, extra in _requirements():
        try:
            present.setdefault(extra, []).append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.setdefault(extra, []).append(name)
    own = f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    if lacking := missing.get(""):
        findings = [Finding("packages", "problem", f"{own} misses {', '.join(lacking)}", "run `make install`")]
    else:
        findings = [Finding("packages", "ok", f"{own} with {', '.join(present[''])}")]
    for extra, purpose in _EXTRAS.items():
        if names := missing.get(extra):
            fix = f"run `make install-all`, or pip install '{DISTRIBUTION}[{extra}]', if you want it"
            findings.append(Finding(purpose, "warning", f"not installed: {', '.join(names)}", fix))
        elif names := present.get(extra):
            findings.append(Finding(purpose, "ok", ", ".join(names)))
    return findings


def examine_home(home: Home) -> Finding:
    """Whether state can be kept, for this user's eyes only."""
    if store_socket(home) is not None:
        return Finding("home", "ok", "not for this shell, which is a session's: its workstation is asked instead")
    try:
        home.make()
    except HomeUnwritable as error:
        return Finding("home", "problem", str(error), "set LIMI_HOME to a directory you can write")
    open_paths = [path for path in (home.root, *_first_levels(home)) if _opened_to_others(path)]
    if open_paths:
        shown = ", ".join(str(path) for path in open_paths[:3]) + (", ..." if len(open_paths) > 3 else "")
        return Finding("home", "warning", f"others may read {shown}", "run `limi store check`: it mends the modes")
    return Finding("home", "ok", f"{home.root}, writable, for your eyes only")


def examine_settings(home: Home) -> Finding:
    """Whether settings.toml can be read whole."""
    try:
        load_settings(home)
        unknown = unknown_settings(home)
    except SettingsError as error:
        return Finding("settings", "problem", str(error), f"edit {home.settings}")
    if unknown:
        text = f"{home.settings} sets what this version does not know: {', '.join(unknown)}"
        return Finding("settings", "warning", text, "check the spelling, or remove the lines")
    return Finding("settings", "ok", str(home.settings) if home.settings.exists() else "defaults; there is no file")


def examine_store(home: Home) -> Finding:
    """Whether the store opens; its journals are verified by `limi store check` only."""
    try:
        store = open_store(home, serve=False)
    except StoreNewer as error:
        return Finding("store", "problem", str(error), "update limi")
    except (StoreError, OSError) as error:
        return Finding("store", "problem", str(error), "run `limi store check`")
    try:
        count, notes, role = len(store.sessions()), store.notes, store.role
    except StoreError as error:
        return Finding("store", "problem", str(error), "run `limi store rebuild`")
    finally:
        store.close()
    served = ", served by the workstation around this shell" if store_socket(home) else ", served by a running limi"
    text = f"{count} session{'s' if count != 1 else ''}" + (served if role == "client" else "")
    if notes:
        return Finding("store", "warning", f"{text}; {'; '.join(notes)}", "run `limi store check`")
    return Finding("store", "ok", text)


def _requirements() -> Iterator[tuple[str, str]]:
    """(package, extra) of limi's requirements, as installed; the extra is empty for what is always needed."""
    for requirement in distribution(DISTRIBUTION).requires or ():
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", requirement)
        if name is not None:
            yield name.group(), extra.group(1) if extra else ""


def _first_levels(home: Home) -> Iterator[Path]:
    # Two levels are what a fast look can afford; a directory that is closed closes all that lies in it.
    for path in home.root.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from path.iterdir()


def _opened_to_others(path: Path) -> bool:
    return not path.is_symlink() and not path.is_socket() and path.stat().st_mode & 0o077 != 0

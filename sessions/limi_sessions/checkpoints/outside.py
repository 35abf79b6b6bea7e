"""The ignore rules that are in force in a workspace without lying in it: of the repository around it.

Read are ``.git/info/exclude`` of the workspace and the ``.gitignore`` files between the repository's root and the
workspace. A person's own ``core.excludesFile`` is not obeyed: what a session keeps is the same on every machine.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from limi_sessions.checkpoints.ignoring import Ignoring
from limi_sessions.checkpoints.scanning import read_rules
from limi_sessions.tools.openbeneath import DIRECTORY, open_beneath


def outer_rules(workspace: Path, root: int) -> Ignoring:
    """The rules from outside of a workspace.

    Args:
        workspace: its real path.
        root: descriptor of it.
    """
    around = next((each for each in (workspace, *workspace.parents) if os.path.lexists(each / ".git")), None)
    if around is None:
        return Ignoring()
    if around == workspace:
        return Ignoring().extended("", _beneath(root, ".git/info", "exclude"))
    above = tuple(os.fsencode(part) for part in workspace.relative_to(around).parts)
    rules = Ignoring()
    for depth in range(len(above)):
        directory = Path(around, *workspace.relative_to(around).parts[:depth])
        rules = rules.extended(os.fsdecode(b"/".join(above[:depth])), _rules_in(directory))
        if rules.ignores(os.fsdecode(b"/".join(above[: depth + 1])), directory=True):
            # A repository that ignores the workspace, as of a home directory's dot files, has no say in it.
            return Ignoring()
    return Ignoring(rules.files, above)


def _beneath(root: int, directory: str, name: str) -> bytes:
    try:
        descriptor = open_beneath(root, PurePosixPath(directory), flags=DIRECTORY, links=False)
    except OSError:
        return b""
    try:
        return read_rules(descriptor, name)
    finally:
        os.close(descriptor)


def _rules_in(directory: Path) -> bytes:
    try:
        descriptor = os.open(directory, DIRECTORY)
    except OSError:
        return b""
    try:
        return read_rules(descriptor, ".gitignore")
    finally:
        os.close(descriptor)

"""What stands where in bubblewrap's file system, and the options that make it so; deeper targets over shallower ones.

Source: bwrap(1).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_ROOT = Path("/")

Kind = Literal["device", "proc", "empty", "masked", "write", "read", "link", "covered"]
"""``empty``: a directory in memory; ``masked``: one that nothing can be put into; ``write`` and ``read``: a file or
directory of the host; ``link``: a symbolic link; ``covered``: something that cannot be opened."""


class Mounts:
    """What is mounted at which target, in no order."""

    def __init__(self) -> None:
        self.at: dict[Path, tuple[Kind, str]] = {}

    def put(self, target: Path, kind: Kind, source: Path | str = "") -> None:
        """Let something stand at a target, instead of what was to stand there before."""
        self.at[target] = (kind, str(source))

    def over(self, path: Path) -> Path:
        """The target that holds a path: itself or its nearest ancestor."""
        return next((place for place in (path, *path.parents) if place in self.at), _ROOT)

    def shows(self, path: Path) -> bool:
        """Whether the host's own path is what is seen there."""
        over = self.over(path)
        kind, source = self.at.get(over, ("read", "/"))
        return kind in ("read", "write") and source == str(over)

    def writes(self, path: Path) -> bool:
        """Whether the host's own path can be written there."""
        return self.shows(path) and self.at.get(self.over(path), ("read", ""))[0] == "write"

    def arguments(self) -> list[str]:
        """Options of bubblewrap, in the order in which they are to be done."""
        options = {
            "device": "--dev",
            "proc": "--proc",
            "empty": "--tmpfs",
            "masked": "--tmpfs",
            "write": "--bind",
            "read": "--ro-bind-try",
            "link": "--symlink",
            "covered": "--ro-bind",
        }
        made: list[str] = []
        last: list[str] = []
        for target in sorted(self.at, key=lambda target: (len(target.parts), target)):
            kind, source = self.at[target]
            made += [options[kind], *([source] if source else []), str(target)]
            if kind == "masked":
                last += ["--remount-ro", str(target)]
        return made + last

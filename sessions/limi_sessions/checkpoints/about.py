"""What a git tree cannot tell of a workspace: exact permission bits, and what was left out and why.

It is a JSON object beside the tree of the files; together they make a checkpoint:

    checkpoint (tree) = {"about": blob, "files": tree}

Empty directories are empty trees.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass, field

from limi_sessions.checkpoints.state import CheckpointError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PlainModes:
    """Permission bits of all files and directories that are not named one by one."""

    file: int = 0o644
    executable: int = 0o755
    directory: int = 0o755

    def of(self, mode: int) -> int:
        """The permission bits of a plain file of the same git mode."""
        return self.executable if mode & stat.S_IXUSR else self.file


@dataclass(frozen=True, slots=True)
class About:
    """The second half of a checkpoint. Paths are relative to the workspace, empty for itself."""

    plain: PlainModes = field(default_factory=PlainModes)
    modes: dict[str, int] = field(default_factory=dict[str, int])
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    """Path -> why; a directory with all it holds."""
    withheld: tuple[str, ...] = ()
    """Files with known secrets, sorted."""

    def encoded(self) -> bytes:
        """Its bytes, the same for the same content."""
        content = {
            "format": FORMAT,
            "plain": [self.plain.file, self.plain.executable, self.plain.directory],
            "modes": self.modes,
            "left_out": self.left_out,
            "withheld": self.withheld,
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def decoded(cls, content: bytes) -> About:
        """What `encoded` made.

        Raises:
            CheckpointError: it is damaged or of a later version.
        """
        try:
            given = json.loads(content)
            if given["format"] != FORMAT:
                raise CheckpointError(f"the checkpoint has format {given['format']}; a newer limi wrote it")
            return cls(
                PlainModes(*given["plain"]), dict(given["modes"]), dict(given["left_out"]), tuple(given["withheld"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"the checkpoint's description is damaged: {error}") from error

    def protects(self, path: str) -> bool:
        """Whether a path or a directory above it was left out, so that nothing is known of it."""
        if not self.left_out and not self.withheld:
            return False
        if path in self.left_out or path in self.withheld:
            return True
        at = path.rfind("/")
        while at > 0:
            if path[:at] in self.left_out:
                return True
            at = path.rfind("/", 0, at)
        return False

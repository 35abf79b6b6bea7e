"""Whether somebody is in the middle of a line at the shell's prompt, judged from the keys alone.

The agent must not add to a half-typed line, nor to one of its own that the shell wants continued. Counting printable
keys is enough for the common case; whatever else edits the line (history, completion, cursor keys) leaves it doubtful
until it is sent or discarded.
"""

from __future__ import annotations


class PromptLine:
    """Fed from the event loop's thread, reset from the reader's; each change is one assignment."""

    def __init__(self, typist: str) -> None:
        """Args: typist: whose line, in words."""
        self._typist = typist
        self._count = 0
        self._doubtful = False
        self._submitted = False

    @property
    def blocker(self) -> str | None:
        """Why nobody else may type, None when the line is empty."""
        if self._submitted:
            return f"{self._typist} sent a line that the shell has not begun or wants continued"
        if self._count or self._doubtful:
            return f"{self._typist} has a half-typed line"
        return None

    def typed(self, keys: bytes) -> None:
        """This was typed at the prompt."""
        if keys in (b"\x03", b"\x15"):
            self.reset()
        elif keys in (b"\x7f", b"\x08"):
            self._count = max(0, self._count - 1)
        elif keys in (b"\x0c", b""):
            return
        elif b"\r" in keys or b"\n" in keys:
            self._submitted = True
        elif keys[0] < 0x20:
            self._doubtful = True
        else:
            self._count += len(keys.decode("utf-8", "replace"))

    def reset(self) -> None:
        """A new prompt or a command began."""
        self._count = 0
        self._doubtful = False
        self._submitted = False

"""What was sent before, walked through and searched; the draft that was left waits at the end.

Knows nothing of widgets and files: the screen gives the entries and keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable


class PromptHistory:
    """Sent texts, oldest first."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._entries = [entry for entry in entries if entry.strip()]
        self._at = len(self._entries)
        self._draft = ""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, text: str) -> None:
        """Remember a sent text; the same one twice in a row is kept once."""
        if text.strip() and (not self._entries or self._entries[-1] != text):
            self._entries.append(text)
        self._at = len(self._entries)
        self._draft = ""

    def older(self, current: str) -> str | None:
        """The text before; None at the oldest. ``current`` is kept as the draft when the walk begins."""
        if self._at == 0:
            return None
        if self._at == len(self._entries):
            self._draft = current
        self._at -= 1
        return self._entries[self._at]

    def newer(self) -> str | None:
        """The text after, at the end the draft; None when the draft is shown already."""
        if self._at >= len(self._entries):
            return None
        self._at += 1
        return self._draft if self._at == len(self._entries) else self._entries[self._at]

    def find(self, needle: str, *, before: int | None = None) -> tuple[int, str] | None:
        """The newest text that holds the needle (case-insensitive), with its number; None when there is none.

        Args:
            needle: plain text, empty finds nothing.
            before: only older ones than this number; None for all.
        """
        end = len(self._entries) if before is None else before
        if needle:
            for number in range(end - 1, -1, -1):
                if needle.lower() in self._entries[number].lower():
                    return number, self._entries[number]
        return None


class HistorySearch:
    """One search backwards through the history, letter by letter."""

    def __init__(self, history: PromptHistory) -> None:
        self._history = history
        self.active = False
        self.draft = ""
        """What stood in the composer before."""
        self.needle = ""
        self._found: tuple[int, str] | None = None

    @property
    def text(self) -> str:
        """What the composer shows: the hit, else the draft."""
        return self._found[1] if self._found else self.draft

    def begin(self, draft: str) -> None:
        """Search from the newest text on."""
        self.active, self.draft, self.needle, self._found = True, draft, "", None

    def type(self, needle: str) -> None:
        """Search for another needle."""
        self.needle = needle
        self._found = self._history.find(needle)

    def older(self) -> None:
        """Go to the hit before; stay where there is none."""
        if self._found:
            self._found = self._history.find(self.needle, before=self._found[0]) or self._found

    def end(self) -> None:
        """Search no more; `text` is as it was."""
        self.active = False

    def status(self) -> str:
        """The search in words."""
        nowhere = " (nowhere)" if self.needle and not self._found else ""
        return f"history: {self.needle}▏{nowhere}  Enter takes · Ctrl+R older · Esc leaves"

"""Long pastes stand as a short token in the composer and are whole again when they are sent."""

from __future__ import annotations

import re

from limi_sessions.records.visible import visible_text

FOLDED_LINES = 20
"""A paste of more lines is folded."""

_TOKEN = re.compile(r"\[pasted \d+ lines(?: #\d+)?\]")


class FoldedPastes:
    """The pastes of one message by token."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def folded(self, text: str) -> str:
        """What to insert for a paste: itself, or a token when it is long.

        Control and direction characters are drawn: an expert does not send what cannot be seen. Joiners stay, emoji
        need them.
        """
        text = visible_text(text.replace("\r\n", "\n").replace("\r", "\n"), keep="\n\t\u200c\u200d")
        lines = text.rstrip("\n").count("\n") + 1
        if lines <= FOLDED_LINES:
            return text
        token = f"[pasted {lines} lines]"
        number = 1
        while self._texts.get(token, text) != text:
            number += 1
            token = f"[pasted {lines} lines #{number}]"
        self._texts[token] = text
        return token

    def expanded(self, text: str) -> str:
        """A text with its tokens replaced by what was pasted; tokens that nobody pasted stay."""
        return _TOKEN.sub(lambda found: self._texts.get(found.group(), found.group()), text)

    def token_before(self, text: str) -> str:
        """The token that ends a text, empty when none does."""
        return next((token for token in self._texts if text.endswith(token)), "")

    def clear(self) -> None:
        """Forget all pastes."""
        self._texts.clear()

"""Commands of the composer: which one a text is, and which ones it may become."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Command(NamedTuple):
    """A command that the app knows."""

    name: str
    """Without the slash."""
    help: str


class Commands:
    """All commands of one composer."""

    def __init__(self, commands: Iterable[tuple[str, str]]) -> None:
        self._commands = {name: Command(name, words) for name, words in commands}

    def parsed(self, text: str) -> tuple[str, str] | None:
        """Name and arguments when the text is a known command, else None."""
        word, _, arguments = text.strip().partition(" ")
        if word.startswith("/") and word[1:] in self._commands:
            return word[1:], arguments.strip()
        return None

    def candidates(self, text: str) -> list[Command]:
        """Commands whose name begins with what is typed; none once a space follows."""
        if not text.startswith("/") or any(character.isspace() for character in text):
            return []
        return [command for command in self._commands.values() if command.name.startswith(text[1:])]

    def mistyped(self, text: str) -> str:
        """The unknown command that a text begins with (``/modle``), empty when it is none (``/etc/hosts``)."""
        word = text.strip().partition(" ")[0]
        plain = word.startswith("/") and word[1:].replace("-", "").isalpha()
        return word if plain and word[1:] not in self._commands else ""

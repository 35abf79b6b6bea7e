"""One line of an examination."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """What was found of one subject."""

    subject: str
    verdict: Verdict
    """``problem``: limi does not work as it should; ``warning``: something that it can do is missing here."""
    text: str
    fix: str = ""
    """What to do, in words and commands; empty when there is nothing to mend."""

    def as_json(self) -> dict[str, str]:
        """The finding as a JSON object of strings."""
        return {name: str(value) for name, value in asdict(self).items()}

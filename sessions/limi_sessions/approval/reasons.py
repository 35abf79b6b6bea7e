"""Ready-made reasons for rejecting a call: picked with a key, told to the agent in words, counted by their codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a call is rejected."""

    code: str
    """What records and exports count by; never changes."""
    words: str
    """What the expert picks and the agent reads."""


REASONS = (
    Reason("wrong-approach", "wrong approach"),
    Reason("too-broad", "does more than was asked"),
    Reason("unsafe", "unsafe"),
    Reason("wrong-target", "wrong file or place"),
    Reason("ask-first", "ask me first"),
    Reason("not-needed", "not needed"),
    Reason("look-first", "look before you change"),
    Reason("style", "not how this project does it"),
)
_WORDS = {reason.code: reason.words for reason in REASONS}


def reason_text(codes: Sequence[str], typed: str) -> str:
    """What the agent reads as the reason, in the order of `REASONS`, then what the expert typed; may be empty.

    Raises:
        ValueError: a code is unknown.
    """
    if unknown := [code for code in codes if code not in _WORDS]:
        raise ValueError(f"unknown reason {', '.join(unknown)}; known are {', '.join(_WORDS)}")
    words = [reason.words for reason in REASONS if reason.code in codes]
    return "; ".join([*words, *([typed.strip()] if typed.strip() else [])])

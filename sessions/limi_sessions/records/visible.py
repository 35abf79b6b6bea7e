"""Text with nothing hidden in it: what a person approves or reads is what is there.

Foreign text (model tokens, tool output, file names) may hold characters that steer a terminal, change the order in
which text is shown, or are not seen at all. `visible_text` draws each of them; `suspicious_characters` names them, and
also the characters that are seen but mistaken for others. Knows nothing of terminals and widgets.

Source: control pictures, Unicode 16.0 block 2400; bidirectional controls, UAX #9; default ignorable code points,
DerivedCoreProperties.txt; look-alikes, the Latin part of UTS #39 confusables.txt.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Suspicion = Literal["control", "bidi", "invisible", "space", "lookalike"]

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f\u2800\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SURROGATES = "\ud800-\udfff"
_HIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f{_BIDI}{_INVISIBLE}{_SURROGATES}]")
_BIDI_ONLY = re.compile(f"[{_BIDI}]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_NOT_PLAIN = re.compile("[^ -~]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_LOOKALIKES = frozenset("аеорсухіјѕһԁԛԝӏАВЕКМНОРСТХІЈЅαοινρτυχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ‐‑‒–−∕⁄∣ǀ‚„‘’‛“”′″ˋ´ʼ；․‥‹›")


@dataclass(frozen=True, slots=True)
class SuspiciousCharacter:
    """A character of a text that is hidden, or that reads as another one."""

    offset: int
    """In code points from the start of the text."""
    code_point: int
    suspicion: Suspicion

    @property
    def label(self) -> str:
        """Its code point and name in ASCII: ``U+202E RIGHT-TO-LEFT OVERRIDE``."""
        name = unicodedata.name(chr(self.code_point), "")
        return f"U+{self.code_point:04X} {name}".rstrip()


def visible_text(text: str, *, keep: str = "\n\t") -> str:
    """The text with every control, bidi, zero-width, tag and surrogate character drawn.

    C0 and DEL become control pictures (``␛``), all others their code point (``<U+202E>``). The joiners and selectors
    inside emoji are drawn, too, except U+FE0E and U+FE0F, which change nothing but a glyph's style.

    Args:
        text: any text; lone surrogates are allowed.
        keep: control characters that stay as they are.
    """

    def drawn(found: re.Match[str]) -> str:
        character = found.group()
        return character if character in keep else _picture(character)

    return _HIDDEN.sub(drawn, text)


def suspicious_characters(text: str, *, keep: str = "\n\t") -> tuple[SuspiciousCharacter, ...]:
    """What in a text a person would not see or would misread, in order.

    All that `visible_text` draws, and the spaces, dashes, quotes and letters beyond ASCII that look like ASCII ones.
    Other letters (``ä``, ``漢``) are not suspicious.
    """
    return tuple(
        SuspiciousCharacter(offset=found.start(), code_point=ord(found.group()), suspicion=suspicion)
        for found in _NOT_PLAIN.finditer(text)
        if found.group() not in keep and (suspicion := _suspicion(found.group())) is not None
    )


def _picture(character: str) -> str:
    code_point = ord(character)
    if code_point < 0x20:
        return chr(0x2400 + code_point)
    if code_point == 0x7F:
        return "\u2421"
    return f"<U+{code_point:04X}>"


def _suspicion(character: str) -> Suspicion | None:
    if _HIDDEN.match(character):
        if ord(character) < 0xA0:
            return "control"
        return "bidi" if _BIDI_ONLY.match(character) else "invisible"
    if _SPACES.match(character):
        return "space"
    if character in _LOOKALIKES or not _NOT_ASCII.search(unicodedata.normalize("NFKC", character)):
        return "lookalike"
    return None

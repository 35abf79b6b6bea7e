"""Keys of the shell pane: Textual's key names as presses that a terminal engine encodes, and the pane's own chords.

Knows nothing of the pane. `keep_alt_keys` mends what Textual 8.2.8 loses of Alt on terminals without kitty's keyboard
protocol: Alt-. arrives as a plain full stop, Alt-1 as an inverted exclamation mark, Alt-F as Ctrl-Right.

Source: Textual's `textual.keys`, `textual._xterm_parser`; xterm, https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
"""

# pyright: reportPrivateUsage=false
# The parser of keys is private in Textual, whose version is pinned.

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.keys import KEY_NAME_REPLACEMENTS, REPLACED_KEYS, _character_to_key, key_to_character

LEAVE_KEY = "f6"
"""Leaves the pane; Escape belongs to the child (vim)."""
REVIEW_KEY = "f7"
"""Opens the review of the scrollback: cursor, search, selection."""
NAMED_KEYS = frozenset(
    "enter tab escape backspace delete insert up down left right home end pageup pagedown space".split()
) | {f"f{number}" for number in range(1, 13)}

_MODIFIERS = frozenset({"shift", "alt", "ctrl"})
_PREFIXES_OF_SEQUENCES = frozenset("[O]P_^X")
_ALT_NAMES = {"\r": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", " ": "space"}


@dataclass(frozen=True, slots=True)
class Press:
    """A key press in the words of `TermEngine.encode_key`."""

    key: str
    text: str | None = None
    """What it types, None when it types nothing."""
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


@lru_cache(maxsize=1024)
def press_of(name: str, character: str | None) -> Press | None:
    """The press that a Textual key event stands for.

    Args:
        name: `Key.key`, such as ``ctrl+shift+left``, ``full_stop``, ``ctrl+@`` or ``é``.
        character: `Key.character`; several characters are a text that an input method committed.

    Returns:
        None for keys that terminals have no bytes for: media keys, lone modifiers, Super and the like.
    """
    *held, base = name.split("+")
    if not _MODIFIERS.issuperset(held):
        return None
    shift, alt, ctrl = ("shift" in held), ("alt" in held), ("ctrl" in held)
    if base in NAMED_KEYS:
        text = " " if base == "space" and not held else None
        return Press(base, text, shift, alt, ctrl)
    if base == "@" and ctrl:
        return Press("space", None, shift, alt, ctrl)
    typed = character if character and not held and character >= " " and character != "\x7f" else None
    key = typed or (base if len(base) == 1 else key_to_character(REPLACED_KEYS.get(base, base)))
    if key is None or (len(key) == 1 and key < " "):
        return None
    if shift and key.islower() and not ctrl:
        key = key.upper()
    return Press(key, None if ctrl else key, shift, alt, ctrl)


def keep_alt_keys() -> None:
    """Let Alt with any key arrive as ``alt+KEY`` without a character, as under kitty's protocol; call once."""
    XTermParser._sequence_to_key_events = _with_alt


_textual_key_events: Callable[[XTermParser, str, bool], Iterable[Key]] = XTermParser._sequence_to_key_events


def _with_alt(self: XTermParser, sequence: str, alt: bool = False) -> Iterable[Key]:
    held = sequence[1] if len(sequence) == 2 and sequence[0] == "\x1b" else sequence if alt else ""
    # Escape with one of these opens a longer sequence; as Alt-[ it comes again, with ``alt``, after Textual's time-out.
    opens_more = held in _PREFIXES_OF_SEQUENCES and not alt
    if len(held) == 1 and not opens_more and (name := _alt_name(held)):
        yield Key(f"alt+{name}", None)
    else:
        yield from _textual_key_events(self, sequence, alt)


def _alt_name(character: str) -> str | None:
    if named := _ALT_NAMES.get(character):
        return named
    if not character.isprintable():
        return None
    if character.isupper() and character.isascii():
        return f"shift+{character.lower()}"
    name = _character_to_key(character)
    return KEY_NAME_REPLACEMENTS.get(name, name)

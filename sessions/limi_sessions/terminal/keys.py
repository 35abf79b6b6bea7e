"""Bytes of keys, mouse events and pastes as xterm sends them: one plain set of rules for every engine.

Used where the child asked for no newer keyboard protocol, and whole by engines without encoders of their own.
Source: xterm control sequences, https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from limi_sessions.terminal.engine import Modes, MouseAction

_LETTERS = {"up": "A", "down": "B", "right": "C", "left": "D", "end": "F", "home": "H"}
_SS3 = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_TILDES = {
    "insert": 2,
    "delete": 3,
    "pageup": 5,
    "pagedown": 6,
    "f5": 15,
    "f6": 17,
    "f7": 18,
    "f8": 19,
    "f9": 20,
    "f10": 21,
    "f11": 23,
    "f12": 24,
}
_PREFIXES = {"c-": "ctrl", "s-": "shift", "a-": "alt", "m-": "alt"}
_CONTROLS = dict(
    zip(" @2[3\\4]5^6~_/7-?8", (0, 0, 0, 27, 27, 28, 28, 29, 29, 30, 30, 30, 31, 31, 31, 31, 127, 127), strict=True)
)
_BUTTONS = {0: 0, 1: 0, 2: 1, 3: 2}
_WHEELS: dict[MouseAction, int] = {"wheel_up": 64, "wheel_down": 65, "wheel_left": 66, "wheel_right": 67}
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LAST_X10_CELL = 223


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key with its modifiers, prefixes like ``c-`` resolved."""

    key: str
    shift: bool = False
    alt: bool = False
    ctrl: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True)
class MouseEvent:
    """A mouse event in cells from 0; buttons as in `TermEngine.encode_mouse`."""

    action: MouseAction
    x: int
    y: int
    button: int = 0
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


def key_press(key: str, *, shift: bool = False, alt: bool = False, ctrl: bool = False, text: str | None) -> KeyPress:
    """A key by its prompt_toolkit name (``c-x``, ``s-tab``, ``pageup``, ``a``)."""
    held = {"shift": shift, "alt": alt, "ctrl": ctrl}
    while len(key) > 2 and key[:2] in _PREFIXES:
        held[_PREFIXES[key[:2]]] = True
        key = key[2:]
    return KeyPress(key=" " if key == "space" else key, text=text, **held)


def encode_key(press: KeyPress, modes: Modes) -> bytes:
    """Bytes of a key press; empty for a key that has none."""
    simple = _simple(press)
    if simple is not None:
        return b"\x1b" + simple if press.alt else simple
    modifier = 1 + press.shift + 2 * press.alt + 4 * press.ctrl
    if letter := _LETTERS.get(press.key):
        if modifier > 1:
            return f"\x1b[1;{modifier}{letter}".encode()
        return f"\x1b{'O' if modes.application_cursor else '['}{letter}".encode()
    if letter := _SS3.get(press.key):
        return (f"\x1b[1;{modifier}{letter}" if modifier > 1 else f"\x1bO{letter}").encode()
    if number := _TILDES.get(press.key):
        return (f"\x1b[{number};{modifier}~" if modifier > 1 else f"\x1b[{number}~").encode()
    return _text(press)


def _simple(press: KeyPress) -> bytes | None:
    """Keys that alt only prefixes with an escape; None for others."""
    if press.key == "tab":
        return b"\x1b[Z" if press.shift else b"\t"
    if press.key == "backspace":
        return b"\x08" if press.ctrl else b"\x7f"
    return {"enter": b"\r", "escape": b"\x1b"}.get(press.key)


def _text(press: KeyPress) -> bytes:
    text = press.text or (press.key if len(press.key) == 1 else "")
    escape = b"\x1b" if press.alt else b""
    if press.ctrl and len(press.key) == 1:
        lower = press.key.lower()
        if "a" <= lower <= "z":
            return escape + bytes((ord(lower) & 0x1F,))
        if press.key in _CONTROLS:
            return escape + bytes((_CONTROLS[press.key],))
    if press.shift and press.text is None:
        text = text.upper()
    return escape + text.encode("utf-8", "replace") if text else b""


def encode_mouse(event: MouseEvent, modes: Modes) -> bytes:
    """Bytes of a mouse event; empty when the modes do not ask for it."""
    code = _mouse_code(event, modes)
    if code is None:
        return b""
    code += 4 * event.shift + 8 * event.alt + 16 * event.ctrl
    x, y = max(0, event.x) + 1, max(0, event.y) + 1
    if modes.mouse_sgr:
        return f"\x1b[<{code};{x};{y}{'m' if event.action == 'release' else 'M'}".encode()
    if event.action == "release":
        code |= 3
    if max(x, y) > _LAST_X10_CELL:
        return b""
    return b"\x1b[M" + bytes((32 + code, 32 + x, 32 + y))


def _mouse_code(event: MouseEvent, modes: Modes) -> int | None:
    if modes.mouse_tracking == "off":
        return None
    if event.action in _WHEELS:
        return _WHEELS[event.action]
    if event.action != "motion":
        return _BUTTONS.get(event.button)
    if modes.mouse_tracking == "click" or (modes.mouse_tracking == "drag" and event.button == 0):
        return None
    return 35 if event.button == 0 else 32 + _BUTTONS.get(event.button, 0)


def encode_paste(text: str, *, bracketed: bool) -> bytes:
    """Bytes of a paste: newlines as CR, controls (so also an embedded end of paste) removed."""
    safe = _UNSAFE.sub("", text.replace("\r\n", "\r").replace("\n", "\r"))
    encoded = safe.replace("[201~", "").encode("utf-8", "replace") if bracketed else safe.encode("utf-8", "replace")
    return b"\x1b[200~" + encoded + b"\x1b[201~" if bracketed else encoded

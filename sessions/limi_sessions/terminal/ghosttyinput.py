"""libghostty-vt's own encoders: the newer keyboard protocols and the mouse, under the modes of a terminal.

Plain legacy keys are encoded by `keys`: the library's legacy encoder sends sequences like ``CSI 105;5u`` for Ctrl-I,
which no shell reads unless it asked for them.
"""

from __future__ import annotations

import weakref
from typing import cast

from limi_sessions.terminal.ghosttyhandle import CELL_HEIGHT, CELL_WIDTH, TerminalHandle
from limi_sessions.terminal.keys import KeyPress, MouseEvent
from limi_sessions.terminal.native import Box, Native, Pointer, Slot

_ROOM = 256
_NAMES = {
    "up": "ARROW_UP",
    "down": "ARROW_DOWN",
    "left": "ARROW_LEFT",
    "right": "ARROW_RIGHT",
    "pageup": "PAGE_UP",
    "pagedown": "PAGE_DOWN",
    " ": "SPACE",
}
_KEYS = frozenset("enter tab escape backspace delete insert home end".split()) | {f"f{n}" for n in range(1, 13)}
_ACTIONS = {"press": 0, "release": 1, "motion": 2}
_BUTTONS = {0: 1, 1: 1, 2: 3, 3: 2}
"""The library counts 1 left, 2 right, 3 middle."""
_WHEELS = {"wheel_up": 4, "wheel_down": 5, "wheel_left": 6, "wheel_right": 7}
_PROBE = KeyPress(key="i", ctrl=True)


class InputEncoder:
    """Encodes keys and mouse events for one terminal after another."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._owned: list[tuple[str, Pointer]] = []
        self._key_encoder = self._made("ghostty_key_encoder", "GhosttyKeyEncoder")
        self._key_event = self._made("ghostty_key_event", "GhosttyKeyEvent")
        self._mouse_encoder = self._made("ghostty_mouse_encoder", "GhosttyMouseEncoder")
        self._mouse_event = self._made("ghostty_mouse_event", "GhosttyMouseEvent")
        self._out = native.ffi.new(f"char[{_ROOM}]")
        self._length = cast("Slot", native.ffi.new("size_t *"))
        self.close = weakref.finalize(self, _free, native, self._owned)
        """Free the encoders; done by the garbage collector otherwise."""

    def speaks_legacy(self, terminal: TerminalHandle) -> bool:
        """Whether the child asked for neither the kitty keyboard protocol nor xterm's modifyOtherKeys."""
        if terminal.number("KITTY_KEYBOARD_FLAGS", "uint8_t"):
            return False
        # The terminal does not tell its modifyOtherKeys state; the encoding of Ctrl-I does.
        return not self.key(_PROBE, terminal).startswith(b"\x1b[27;")

    def key(self, press: KeyPress, terminal: TerminalHandle) -> bytes:
        """Bytes of a key press as the terminal's modes ask."""
        native, lib, event = self._native, self._native.lib, self._key_event
        lib.ghostty_key_encoder_setopt_from_terminal(self._key_encoder, terminal.pointer)
        option_as_alt = native.ffi.new("GhosttyOptionAsAlt *", native.constant("OPTION_AS_ALT_TRUE"))
        option = native.constant("KEY_ENCODER_OPT_MACOS_OPTION_AS_ALT")
        lib.ghostty_key_encoder_setopt(self._key_encoder, option, option_as_alt)
        lib.ghostty_key_event_set_action(event, native.constant("KEY_ACTION_PRESS"))
        lib.ghostty_key_event_set_key(event, native.constant(f"KEY_{_name(press.key)}"))
        lib.ghostty_key_event_set_mods(event, press.shift | press.ctrl << 1 | press.alt << 2)
        single = len(press.key) == 1
        text = press.text if press.text is not None else (press.key if single else "")
        if press.shift and press.text is None:
            text = text.upper()
        utf8 = text.encode("utf-8", "replace") if text.isprintable() else b""
        source = native.ffi.from_buffer(utf8)
        chars = native.ffi.cast("char *", source)
        lib.ghostty_key_event_set_utf8(event, chars if utf8 else native.ffi.NULL, len(utf8))
        lib.ghostty_key_event_set_unshifted_codepoint(event, ord(press.key.lower()[0]) if single else 0)
        code = lib.ghostty_key_encoder_encode(self._key_encoder, event, self._out, _ROOM, self._length)
        native.check(code, f"encoding the key {press.key}")
        return native.ffi.buffer(self._out, self._length[0])[:]

    def mouse(self, mouse: MouseEvent, terminal: TerminalHandle, *, cols: int, rows: int) -> bytes:
        """Bytes of a mouse event as the terminal's modes ask."""
        native, lib, event = self._native, self._native.lib, self._mouse_event
        lib.ghostty_mouse_encoder_setopt_from_terminal(self._mouse_encoder, terminal.pointer)
        size = {
            "size": native.ffi.sizeof("GhosttyMouseEncoderSize"),
            "screen_width": cols * CELL_WIDTH,
            "screen_height": rows * CELL_HEIGHT,
            "cell_width": CELL_WIDTH,
            "cell_height": CELL_HEIGHT,
        }
        held = mouse.action == "motion" and mouse.button != 0
        for name, value in (
            ("SIZE", native.ffi.new("GhosttyMouseEncoderSize *", size)),
            ("ANY_BUTTON_PRESSED", native.ffi.new("bool *", held)),
        ):
            lib.ghostty_mouse_encoder_setopt(self._mouse_encoder, native.constant(f"MOUSE_ENCODER_OPT_{name}"), value)
        wheel = _WHEELS.get(mouse.action)
        lib.ghostty_mouse_event_set_action(event, _ACTIONS.get(mouse.action, 0))
        if mouse.action == "motion" and mouse.button == 0:
            lib.ghostty_mouse_event_clear_button(event)
        else:
            lib.ghostty_mouse_event_set_button(event, wheel or _BUTTONS.get(mouse.button, 1))
        lib.ghostty_mouse_event_set_mods(event, mouse.shift | mouse.ctrl << 1 | mouse.alt << 2)
        middle = {"x": (mouse.x + 0.5) * CELL_WIDTH, "y": (mouse.y + 0.5) * CELL_HEIGHT}
        position = cast("Box[Pointer]", native.ffi.new("GhosttyMousePosition *", middle))[0]
        lib.ghostty_mouse_event_set_position(event, position)
        code = lib.ghostty_mouse_encoder_encode(self._mouse_encoder, event, self._out, _ROOM, self._length)
        native.check(code, f"encoding the mouse {mouse.action}")
        return native.ffi.buffer(self._out, self._length[0])[:]

    def _made(self, prefix: str, ctype: str) -> Pointer:
        out = self._native.ffi.new(f"{ctype} *")
        self._native.check(getattr(self._native.lib, f"{prefix}_new")(self._native.ffi.NULL, out), f"{prefix}_new")
        made = cast("Box[Pointer]", out)[0]
        self._owned.append((prefix, made))
        return made


def _name(key: str) -> str:
    if key in _KEYS:
        return key.upper()
    if len(key) == 1 and key.isascii() and key.isalnum():
        return f"DIGIT_{key}" if key.isdigit() else key.upper()
    return _NAMES.get(key, "UNIDENTIFIED")


def _free(native: Native, owned: list[tuple[str, Pointer]]) -> None:
    for prefix, pointer in owned:
        getattr(native.lib, f"{prefix}_free")(pointer)

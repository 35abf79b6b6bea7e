"""libghostty-vt's styles become `CellStyle`. Style ids are per page, so the raw bytes of the struct are the key."""

from __future__ import annotations

from typing import Protocol, cast

from limi_sessions.terminal.engine import CellStyle, Color
from limi_sessions.terminal.native import Box, Native, Pointer

_PALETTE, _RGB = 1, 2
_LARGEST = 4096
"""Entries kept; a child that prints random colours must not grow the cache for ever."""


class _Rgb(Protocol):
    r: int
    g: int
    b: int


class _ColorValue(Protocol):
    palette: int
    rgb: _Rgb


class _StyleColor(Protocol):
    tag: int
    value: _ColorValue


class _Style(Protocol):
    fg_color: _StyleColor
    bg_color: _StyleColor
    bold: bool
    italic: bool
    faint: bool
    blink: bool
    inverse: bool
    invisible: bool
    strikethrough: bool
    underline: int


class StyleCache:
    """Turns a ``GhosttyStyle`` that the library fills into a `CellStyle`, once for each distinct one."""

    def __init__(self, native: Native) -> None:
        self.struct: Pointer = native.sized("GhosttyStyle")
        """Where the library writes the style to be read by `read`."""
        self._fields = cast("Box[_Style]", self.struct)
        self._bytes = native.ffi.buffer(self.struct)
        self._known: dict[bytes, CellStyle] = {}

    def read(self) -> CellStyle:
        """The style that the struct now holds."""
        raw = self._bytes[:]
        style = self._known.get(raw)
        if style is None:
            if len(self._known) >= _LARGEST:
                self._known.clear()
            style = self._known[raw] = _decoded(self._fields[0])
        return style


def _decoded(style: _Style) -> CellStyle:
    return CellStyle(
        fg=_color(style.fg_color),
        bg=_color(style.bg_color),
        bold=style.bold,
        dim=style.faint,
        italic=style.italic,
        underline=style.underline,
        blink=style.blink,
        reverse=style.inverse,
        invisible=style.invisible,
        strike=style.strikethrough,
    )


def _color(color: _StyleColor) -> Color:
    if color.tag == _PALETTE:
        return color.value.palette
    if color.tag == _RGB:
        return (color.value.rgb.r, color.value.rgb.g, color.value.rgb.b)
    return None

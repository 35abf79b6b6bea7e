"""Text out of a libghostty-vt terminal by its own formatter: whole ranges of rows and selections."""

from __future__ import annotations

from typing import Protocol, cast

from limi_sessions.terminal.ghosttyhandle import TerminalHandle
from limi_sessions.terminal.native import Box, Native, Pointer, Slot
from limi_sessions.terminal.width import printable


class _Coordinate(Protocol):
    x: int
    y: int


class _Point(Protocol):
    """``GhosttyPointS``, pyghostty's twin of the tagged union ``GhosttyPoint``."""

    tag: int
    value: _Coordinate


class _Viewport(Protocol):
    tag: int
    value: _ViewportValue


class _ViewportValue(Protocol):
    row: int


class _Selection(Protocol):
    start: Pointer
    end: Pointer


class _FormatOptions(Protocol):
    emit: int
    unwrap: bool
    trim: bool
    selection: Pointer


class TextReader:
    """Reads text and moves the viewport of one terminal."""

    def __init__(self, native: Native, terminal: TerminalHandle) -> None:
        self._native, self._terminal = native, terminal
        self._ref = native.by_value(
            "ghostty_terminal_grid_ref", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef *)"
        )
        # The viewport's union has the same size and call convention as a point's, whose twin pyghostty declares.
        self._scroll = native.by_value("ghostty_terminal_scroll_viewport", "void(*)(GhosttyTerminal, GhosttyPointS)")
        self._selection = native.sized("GhosttySelection")
        self._options = native.sized("GhosttyTerminalSelectionFormatOptions")

    def scroll_viewport(self, row: int | None) -> None:
        """Show from an absolute row on; None: the live screen."""
        point = self._native.ffi.new("GhosttyPointS *")
        viewport = cast("Box[_Viewport]", self._native.ffi.cast("GhosttyTerminalScrollViewport *", point))[0]
        viewport.tag = self._native.constant(f"SCROLL_VIEWPORT_{'BOTTOM' if row is None else 'ROW'}")
        if row is not None:
            viewport.value.row = row
        self._scroll(self._terminal.pointer, cast("Box[Pointer]", point)[0])

    def lines(self, start: int, end: int, *, cols: int) -> list[str]:
        """Rows [start, end) as displayed, right-trimmed, control characters removed."""
        text = self._format((start, 0), (end - 1, cols - 1), unwrap=False, trim=False)
        lines = [line.rstrip() for line in printable_lines(text)]
        return lines[: end - start] + [""] * (end - start - len(lines))

    def selected(self, start: tuple[int, int], end: tuple[int, int], *, total: int, cols: int) -> str:
        """Text from a (row, column) to one before another, soft-wrapped rows joined."""
        first = (0, 0) if start[0] < 0 else (start[0], min(max(start[1], 0), cols - 1))
        row, column = end
        if row >= total:
            row, column = total - 1, cols
        if column <= 0:
            row, column = row - 1, cols
        last = (row, min(column, cols) - 1)
        if start >= end or first > last or first[0] >= total or (start[1] >= cols and last[0] == first[0]):
            return ""
        return "\n".join(printable_lines(self._format(first, last, unwrap=True, trim=True)))

    def _format(self, start: tuple[int, int], end: tuple[int, int], *, unwrap: bool, trim: bool) -> str:
        native, ffi, lib = self._native, self._native.ffi, self._native.lib
        selection = cast("Box[_Selection]", self._selection)[0]
        first, last = self._grid_ref(start), self._grid_ref(end)
        selection.start, selection.end = first[0], last[0]
        options = cast("Box[_FormatOptions]", self._options)
        options[0].emit = native.constant("FORMATTER_FORMAT_PLAIN")
        options[0].unwrap, options[0].trim, options[0].selection = unwrap, trim, self._selection
        out = cast("Box[Pointer]", ffi.new("uint8_t **"))
        length = cast("Slot", ffi.new("size_t *"))
        by_value = cast("Box[Pointer]", options)[0]
        pointer = self._terminal.pointer
        code = lib.ghostty_terminal_selection_format_alloc(pointer, ffi.NULL, by_value, out, length)
        native.check(code, f"reading text from {start} to {end}")
        try:
            return ffi.buffer(out[0], length[0])[:].decode("utf-8", "replace")
        finally:
            lib.ghostty_free(ffi.NULL, out[0], length[0])

    def _grid_ref(self, position: tuple[int, int]) -> Box[Pointer]:
        native = self._native
        point = native.ffi.new("GhosttyPointS *")
        fields = cast("Box[_Point]", point)[0]
        fields.tag = native.constant("POINT_TAG_SCREEN")
        fields.value.y, fields.value.x = position
        ref = native.sized("GhosttyGridRef")
        native.check(self._ref(self._terminal.pointer, cast("Box[Pointer]", point)[0], ref), f"cell {position}")
        return cast("Box[Pointer]", ref)


def printable_lines(text: str) -> list[str]:
    """Lines of a text, each without control characters."""
    return [line if line.isascii() and line.isprintable() else printable(line) for line in text.split("\n")]

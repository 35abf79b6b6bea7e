"""Rows of a libghostty-vt terminal through a render state: which changed, and what they hold.

Two of these serve one terminal: one stays with the live screen and keeps its dirty flags, one is scrolled through the
history. Source of the calls: pyghostty 0.1.3 ``render.h``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import cast

from limi_sessions.terminal import cells
from limi_sessions.terminal.engine import CellStyle, Row
from limi_sessions.terminal.native import Box, GrowingBuffer, Native, Pointer, Slot, StringView
from limi_sessions.terminal.styles import StyleCache

_LONGEST_CLUSTER = 256
"""UTF-8 bytes of one cell that are read; a longer pile of combining marks is shown as its first character."""


class RenderedRows:
    """The rows that a terminal's viewport shows, decoded as they change."""

    def __init__(self, native: Native, *, packed: bool) -> None:
        """Make an empty render state; ``packed`` trusts the undocumented layout of cells."""
        self._native, self._packed = native, packed
        self._lib = native.lib
        self._state = _made(native, "ghostty_render_state_new", "GhosttyRenderState")
        self._iterator = _made(native, "ghostty_render_state_row_iterator_new", "GhosttyRenderStateRowIterator")
        self._cells = _made(native, "ghostty_render_state_row_cells_new", "GhosttyRenderStateRowCells")
        self._styles = StyleCache(native)
        self._unpacked = UnpackedCells(native)
        self._kind = cast("Slot", native.ffi.new("GhosttyRenderStateDirty *"))
        self._y = cast("Slot", native.ffi.new("uint16_t *"))
        self._view = cast("Box[StringView]", native.ffi.new("GhosttyCellsView *"))
        self._text = native.ffi.new(f"uint8_t[{_LONGEST_CLUSTER}]")
        self._growing = cast("Box[GrowingBuffer]", native.ffi.new("GhosttyBuffer *"))
        self._constants()
        self.close = weakref.finalize(self, _free, native, self._state, self._iterator, self._cells)
        """Free the render state; done by the garbage collector otherwise."""

    def _constants(self) -> None:
        constant = self._native.constant
        self._dirty_key = constant("RENDER_STATE_DATA_DIRTY")
        self._iterator_key = constant("RENDER_STATE_DATA_ROW_ITERATOR")
        self._cursor_key = constant("RENDER_STATE_DATA_CURSOR_VISUAL_STYLE")
        self._cells_key = constant("RENDER_STATE_ROW_DATA_CELLS")
        self._raw_key = constant("RENDER_STATE_ROW_DATA_CELLS_RAW")
        self._style_key = constant("RENDER_STATE_ROW_CELLS_DATA_STYLE")
        self._cluster_key = constant("RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_UTF8")
        self._full = constant("RENDER_STATE_DIRTY_FULL")

    def update(self, terminal: Pointer) -> tuple[dict[int, Row], bool]:
        """Decode the rows that changed since the last call, and whether all of them count as changed."""
        native, lib, state = self._native, self._lib, self._state[0]
        native.check(lib.ghostty_render_state_update(state, terminal), "render update")
        lib.ghostty_render_state_get(state, self._dirty_key, self._kind)
        changed: dict[int, Row] = {}
        if kind := self._kind[0]:
            lib.ghostty_render_state_get(state, self._iterator_key, self._iterator)
            iterator, y = self._iterator[0], self._y
            while lib.ghostty_render_state_row_iterator_next_dirty(iterator, y):
                changed[y[0]] = self._row(iterator)
            lib.ghostty_render_state_clean(state)
        return changed, kind == self._full

    def all_rows(self, terminal: Pointer) -> list[Row]:
        """Every row of the viewport, top to bottom, changed or not."""
        self._native.check(self._lib.ghostty_render_state_update(self._state[0], terminal), "render update")
        self._lib.ghostty_render_state_get(self._state[0], self._iterator_key, self._iterator)
        iterator = self._iterator[0]
        rows: list[Row] = []
        while self._lib.ghostty_render_state_row_iterator_next(iterator):
            rows.append(self._row(iterator))
        return rows

    def cursor_shape(self) -> int:
        """The cursor's ``GhosttyRenderStateCursorVisualStyle`` as of the last update."""
        self._lib.ghostty_render_state_get(self._state[0], self._cursor_key, self._kind)
        return self._kind[0]

    def _row(self, iterator: Pointer) -> Row:
        self._native.check(self._lib.ghostty_render_state_row_get(iterator, self._raw_key, self._view), "row cells")
        view = self._view[0]
        raw = self._native.ffi.buffer(view.ptr, view.len * 8)[:]
        if not self._packed:
            raw = self._unpacked.repacked(raw)
        select = _once(lambda: self._lib.ghostty_render_state_row_get(iterator, self._cells_key, self._cells))
        return cells.decode_row(raw, lambda x: self._style(select, x), lambda x: self._cluster(select, x))

    def _style(self, select: Callable[[], None], column: int) -> CellStyle:
        select()
        current = self._cells[0]
        self._lib.ghostty_render_state_row_cells_select(current, column)
        self._lib.ghostty_render_state_row_cells_get(current, self._style_key, self._styles.struct)
        return self._styles.read()

    def _cluster(self, select: Callable[[], None], column: int) -> str:
        select()
        current, growing = self._cells[0], self._growing[0]
        self._lib.ghostty_render_state_row_cells_select(current, column)
        growing.ptr, growing.cap, growing.len = self._text, _LONGEST_CLUSTER, 0
        code = self._lib.ghostty_render_state_row_cells_get(current, self._cluster_key, self._growing)
        if code or growing.len > _LONGEST_CLUSTER:
            return ""
        return self._native.ffi.buffer(self._text, growing.len)[:].decode("utf-8", "replace")


class UnpackedCells:
    """Cells through documented calls only, repacked into the layout that `cells` reads: slow, always right."""

    def __init__(self, native: Native) -> None:
        self._native = native
        ffi, constant = native.ffi, native.constant
        self._tag = cast("Slot", ffi.new("GhosttyCellContentTag *"))
        self._codepoint = cast("Slot", ffi.new("uint32_t *"))
        self._style = cast("Slot", ffi.new("uint16_t *"))
        self._wide = cast("Slot", ffi.new("GhosttyCellWide *"))
        self._link = cast("Slot", ffi.new("bool *"))
        self._color = ffi.new("uint8_t[4]")
        self._written = ffi.new("size_t *")
        names = ("CONTENT_TAG", "CODEPOINT", "STYLE_ID", "WIDE", "HAS_HYPERLINK")
        self._keys = ffi.new("GhosttyCellData[]", [constant(f"CELL_DATA_{name}") for name in names])
        self._outs = ffi.new("void *[]", [self._tag, self._codepoint, self._style, self._wide, self._link])
        self._count = len(names)
        self._colors = {2: constant("CELL_DATA_COLOR_PALETTE"), 3: constant("CELL_DATA_COLOR_RGB")}

    def repacked(self, raw: bytes) -> bytes:
        """The same cells, each read by ``ghostty_cell_get_multi``."""
        cells_of_row = (int.from_bytes(raw[i : i + 8], "little") for i in range(0, len(raw), 8))
        return b"".join(self._cell(cell).to_bytes(8, "little") for cell in cells_of_row)

    def _cell(self, cell: int) -> int:
        lib = self._native.lib
        for slot in (self._tag, self._codepoint, self._style, self._wide, self._link):
            slot[0] = 0
        code = lib.ghostty_cell_get_multi(cell, self._count, self._keys, self._outs, self._written)
        self._native.check(code, "cell_get_multi")
        tag, value = int(self._tag[0]), int(self._codepoint[0])
        if tag in self._colors:
            self._native.check(lib.ghostty_cell_get(cell, self._colors[tag], self._color), "cell colour")
            value = int.from_bytes(self._native.ffi.buffer(self._color, tag * 2 - 3)[:], "little")
        return cells.pack(
            content=tag, value=value, style=int(self._style[0]), width=int(self._wide[0]), link=bool(self._link[0])
        )


def _once(call: Callable[[], int]) -> Callable[[], None]:
    # The cells object must be fetched anew for each row the iterator stands on, but only where a row needs it.
    done = False

    def run() -> None:
        nonlocal done
        if not done:
            done = True
            call()

    return run


def _made(native: Native, function: str, ctype: str) -> Box[Pointer]:
    out = native.ffi.new(f"{ctype} *")
    native.check(getattr(native.lib, function)(native.ffi.NULL, out), function)
    return cast("Box[Pointer]", out)


def _free(native: Native, state: Box[Pointer], iterator: Box[Pointer], row_cells: Box[Pointer]) -> None:
    native.lib.ghostty_render_state_row_cells_free(row_cells[0])
    native.lib.ghostty_render_state_row_iterator_free(iterator[0])
    native.lib.ghostty_render_state_free(state[0])

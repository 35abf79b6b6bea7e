"""One libghostty-vt terminal: its making, options, replies, values and snapshots. Knows nothing of rows and keys.

Replies are constants: device attributes, status and cursor reports. Clipboard reads, title reports, enquiry, colour
scheme and desktop requests have no callback, so the library does not answer them; images are off.
"""

from __future__ import annotations

import weakref
from typing import Protocol, cast

from limi_sessions.terminal.engine import SnapshotUnavailable, SnapshotUnreadable
from limi_sessions.terminal.native import Box, LibraryRefused, Mode, Native, Pointer, Slot, StringView

CELL_WIDTH, CELL_HEIGHT = 8, 16
"""Pixels of a cell, as reported to children that ask; constants, since limi draws no pixels."""
CONTINUATION_BYTES = 64 << 10
_MOST_REPLIES = 1 << 20
"""Unread reply bytes kept; beyond, new ones are dropped, as when a recording full of queries is replayed."""
_GRAPHEME_CLUSTERS = 2027
_CELL_BYTES, _ROW_BYTES, _PAGE_BYTES = 12, 200, 1 << 20
"""Bytes to allow a cell, a row and two pages so that the promised lines stay when every word has another style.

The history is limited by bytes alone: measured with 0.1.3, pruning at the limit of lines costs six sevenths of the
speed (46 against 310 MB/s of log lines at 200 columns). Plain text needs 8.9 bytes a cell, a colour a word 11.8.
"""
_NO_LIMIT = 1 << 31
_NAME = b"limi"


class _Size(Protocol):
    """``GhosttySizeReportSize``."""

    rows: int
    columns: int
    cell_width: int
    cell_height: int


class _CString(Protocol):
    """``GhosttyString`` being written."""

    ptr: Pointer
    len: int


class TerminalHandle:
    """Owns a ``GhosttyTerminal`` and the callbacks that it may call while it is fed."""

    def __init__(self, native: Native, pointer: Pointer, *, scrollback_lines: int) -> None:
        """Take over a terminal made by `create` or `decode` and set its options."""
        self.native = native
        self.pointer = pointer
        self.replies = bytearray()
        self._callbacks = self._make_callbacks()
        self.close = weakref.finalize(self, _free, native, pointer, self._callbacks)
        """Free the terminal; done by the garbage collector otherwise."""
        self._scrollback, self._widest = scrollback_lines, 0
        self._set_options()

    @classmethod
    def create(cls, native: Native, cols: int, rows: int, *, scrollback_lines: int) -> TerminalHandle:
        """A fresh terminal.

        Raises:
            LibraryRefused: a size the library does not take.
        """
        out = cast("Box[Pointer]", native.ffi.new("GhosttyTerminal *"))
        native.check(native.lib.ghostty_terminal_new(native.ffi.NULL, out, cols, rows), f"terminal {cols}x{rows}")
        return cls(native, out[0], scrollback_lines=scrollback_lines)

    @classmethod
    def decode(cls, native: Native, state: bytes, *, scrollback_lines: int) -> TerminalHandle:
        """The terminal whose state `encode` gave.

        Raises:
            SnapshotUnreadable: the library does not take these bytes.
        """
        ffi, lib = native.ffi, native.lib
        decoder = cast("Box[Pointer]", ffi.new("GhosttySnapshotDecoder *"))
        out = cast("Box[Pointer]", ffi.new("GhosttyTerminal *"))
        source = ffi.from_buffer(state)
        native.check(lib.ghostty_snapshot_decoder_new_buf(ffi.NULL, decoder, source, len(state)), "snapshot decoder")
        try:
            for option, value in (
                ("MAX_CONTINUATION_BYTES", ffi.new("size_t *", CONTINUATION_BYTES)),
                ("RETAIN_CONTINUATION", ffi.new("bool *", True)),
            ):
                key = native.constant(f"SNAPSHOT_DECODER_OPT_{option}")
                native.check(lib.ghostty_snapshot_decoder_set(decoder[0], key, value), option)
            native.check(lib.ghostty_snapshot_decoder_decode(decoder[0], out), "decoding the snapshot")
        except LibraryRefused as error:
            raise SnapshotUnreadable(f"the snapshot does not load: {error}") from error
        finally:
            lib.ghostty_snapshot_decoder_free(decoder[0])
        return cls(native, out[0], scrollback_lines=scrollback_lines)

    def encode(self) -> bytes:
        """The whole state, the unfinished sequence at the end of the input included.

        Raises:
            SnapshotUnavailable: the unfinished sequence is longer than `CONTINUATION_BYTES`.
        """
        ffi, lib = self.native.ffi, self.native.lib
        start = cast("Box[Pointer]", ffi.new("uint8_t **"))
        length = cast("Slot", ffi.new("size_t *"))
        if code := lib.ghostty_snapshot_encode_alloc(self.pointer, ffi.NULL, start, length):
            raise SnapshotUnavailable(f"no snapshot now (code {code}): the child is inside a very long sequence")
        try:
            return ffi.buffer(start[0], length[0])[:]
        finally:
            lib.ghostty_free(ffi.NULL, start[0], length[0])

    def number(self, key: str, ctype: str = "size_t") -> int:
        """A value named by its ``GHOSTTY_TERMINAL_DATA_`` suffix, of the C type it has."""
        out = cast("Slot", self.native.ffi.new(f"{ctype} *"))
        self._get(key, cast("Pointer", out))
        return int(out[0])

    def string(self, key: str) -> bytes:
        """A copy of a string value."""
        out = self.native.ffi.new("GhosttyString *")
        self._get(key, out)
        view = cast("Box[StringView]", out)[0]
        return self.native.ffi.buffer(view.ptr, view.len)[:] if view.len else b""

    def mode(self, number: int) -> bool:
        """Whether a DEC private mode is set."""
        out = self.native.ffi.new("GhosttyTerminalModeConfig *", {"mode": number})
        self._get("MODE", out)
        return bool(cast("Box[Mode]", out)[0].value)

    def resize(self, cols: int, rows: int) -> None:
        """Change the size in cells, re-wrapping the primary screen."""
        self._limit_history(cols)
        code = self.native.lib.ghostty_terminal_resize(self.pointer, cols, rows, CELL_WIDTH, CELL_HEIGHT)
        self.native.check(code, f"resize to {cols}x{rows}")

    def _limit_history(self, cols: int) -> None:
        # Never lowered: a pane dragged narrow and wide again keeps its history.
        self._widest = max(self._widest, cols)
        lines, ffi = self._scrollback, self.native.ffi
        wanted = lines * (self._widest * _CELL_BYTES + _ROW_BYTES) + _PAGE_BYTES
        self._set("SCROLLBACK_MAX_BYTES", ffi.new("size_t *", wanted if lines else 0))
        self._set("SCROLLBACK_MAX_LINES", ffi.new("size_t *", _NO_LIMIT if lines else 0))

    def _get(self, key: str, out: Pointer) -> None:
        constant = self.native.constant(f"TERMINAL_DATA_{key}")
        self.native.check(self.native.lib.ghostty_terminal_get(self.pointer, constant, out), f"terminal_get {key}")

    def _set(self, option: str, value: Pointer) -> None:
        constant = self.native.constant(f"TERMINAL_OPT_{option}")
        self.native.check(self.native.lib.ghostty_terminal_set(self.pointer, constant, value), f"set {option}")

    def _set_options(self) -> None:
        ffi = self.native.ffi
        self._limit_history(self.number("COLS", "uint16_t"))
        self._set("CONTINUATION_MAX_BYTES", ffi.new("size_t *", CONTINUATION_BYTES))
        self._set("KITTY_IMAGE_STORAGE_LIMIT", ffi.new("uint64_t *", 0))
        self._set("TITLE_REPORT", ffi.new("bool *", False))
        clusters = ffi.new("GhosttyTerminalModeConfig *", {"mode": _GRAPHEME_CLUSTERS, "value": True})
        self._set("MODE_DEFAULT", clusters)
        for option, callback in self._callbacks.items():
            if option != "name":
                self._set(option, callback)

    def _make_callbacks(self) -> dict[str, Pointer]:
        # The closures hold no reference to self, so that the finalizer can run.
        ffi, replies, rows_and_columns = self.native.ffi, self.replies, (self.native, self.pointer)
        name = ffi.from_buffer(_NAME)

        def write_pty(terminal: Pointer, userdata: Pointer, start: Pointer, length: int) -> None:
            if len(replies) + length <= _MOST_REPLIES:
                replies.extend(ffi.buffer(start, length)[:])

        def size(terminal: Pointer, userdata: Pointer, out: Pointer) -> bool:
            _write_size(*rows_and_columns, cast("Box[_Size]", out)[0])
            return True

        def version(terminal: Pointer, userdata: Pointer) -> object:
            text = ffi.new("GhosttyString *")
            fields = cast("Box[_CString]", text)[0]
            fields.ptr, fields.len = ffi.cast("uint8_t *", name), len(_NAME)
            return fields

        return {
            "WRITE_PTY": ffi.callback("GhosttyTerminalWritePtyFn", write_pty),
            "SIZE": ffi.callback("GhosttyTerminalSizeFn", size),
            "XTVERSION": ffi.callback("GhosttyTerminalXtversionFn", version),
            "name": name,
        }


def _write_size(native: Native, pointer: Pointer, out: _Size) -> None:
    value = native.ffi.new("uint16_t *")
    for field in ("rows", "columns"):
        key = native.constant("TERMINAL_DATA_ROWS" if field == "rows" else "TERMINAL_DATA_COLS")
        native.lib.ghostty_terminal_get(pointer, key, value)
        setattr(out, field, cast("Slot", value)[0])
    out.cell_width, out.cell_height = CELL_WIDTH, CELL_HEIGHT


def _free(native: Native, pointer: Pointer, callbacks: dict[str, Pointer]) -> None:
    native.lib.ghostty_terminal_free(pointer)
    callbacks.clear()

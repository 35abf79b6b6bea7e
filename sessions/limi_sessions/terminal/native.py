"""Typed access to libghostty-vt: the one place that touches pyghostty's raw ``ffi`` and ``lib``.

Knows nothing of rows and keys. Calls release the GIL; a terminal handle is used by one thread at a time.
Source: pyghostty 0.1.3, generated from ghostty 6467b1dab; declarations in ``pyghostty/_cdef.py``.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from limi_sessions.terminal.engine import EngineBroken
from limi_sessions.terminal.parsedtypes import CType, ParsedTypes

SUPPORTED = "0.1.3"
"""The version whose undocumented cell layout and snapshots this package knows."""

T = TypeVar("T", covariant=True)


class Pointer(Protocol):
    """Any C value that is only passed around."""


class Box(Protocol[T]):
    """A pointer to one C value, or an array of them."""

    def __getitem__(self, index: int, /) -> T:
        """The value at an index; 0 for a pointer to one."""
        ...


class Slot(Protocol):
    """A pointer to a C integer or boolean that can be set."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class Buffer(Protocol):
    """C memory as seen by ``ffi.buffer``; slicing copies."""

    def __getitem__(self, index: slice, /) -> bytes: ...


class StringView(Protocol):
    """``GhosttyString`` and ``GhosttyCellsView``: borrowed memory."""

    ptr: Pointer
    len: int


class GrowingBuffer(Protocol):
    """``GhosttyBuffer``: memory that the library fills."""

    ptr: Pointer
    cap: int
    len: int


class Mode(Protocol):
    """``GhosttyTerminalModeConfig``."""

    mode: int
    value: bool


class Ffi(Protocol):
    """What is used of a cffi ``FFI``."""

    NULL: Pointer

    def new(self, cdecl: str, init: object = None, /) -> Pointer:
        """Owned C memory, zeroed unless initialised."""
        ...

    def buffer(self, cdata: Pointer, size: int = -1, /) -> Buffer:
        """A view of C memory."""
        ...

    def from_buffer(self, python_buffer: bytes, /) -> Pointer:
        """C's view of Python bytes, valid while they live."""
        ...

    def cast(self, cdecl: str, value: Pointer, /) -> Pointer:
        """The same memory as another type."""
        ...

    def callback(self, cdecl: str, function: Callable[..., object], /) -> Pointer:
        """A C function pointer, valid while the result lives."""
        ...

    def addressof(self, library: Lib, name: str, /) -> Pointer:
        """The address of a C function."""
        ...

    def sizeof(self, cdecl: str, /) -> int:
        """Bytes of a C type."""
        ...


class _RawFfi(Protocol):
    """The part of a cffi ``FFI`` that takes types."""

    def typeof(self, cdecl: str, /) -> CType: ...
    def new(self, cdecl: CType | str, init: object, /) -> Pointer: ...
    def cast(self, cdecl: CType | str, value: Pointer, /) -> Pointer: ...
    def callback(self, cdecl: CType | str, function: Callable[..., object], /) -> Pointer: ...
    def sizeof(self, cdecl: CType | str, /) -> int: ...


class QuickFfi:
    """An `Ffi` that looks types up where it can instead of having them parsed."""

    def __init__(self, ffi: Ffi) -> None:
        self._raw = raw = cast("_RawFfi", ffi)
        self._types = ParsedTypes(raw.typeof)
        self.NULL = ffi.NULL
        self.buffer, self.from_buffer, self.addressof = ffi.buffer, ffi.from_buffer, ffi.addressof

    def new(self, cdecl: str, init: object = None, /) -> Pointer:
        """Owned C memory, zeroed unless initialised."""
        return self._raw.new(self._types.get(cdecl, cdecl), init)

    def cast(self, cdecl: str, value: Pointer, /) -> Pointer:
        """The same memory as another type."""
        return self._raw.cast(self._types.get(cdecl, cdecl), value)

    def callback(self, cdecl: str, function: Callable[..., object], /) -> Pointer:
        """A C function pointer, valid while the result lives."""
        return self._raw.callback(self._types.get(cdecl, cdecl), function)

    def sizeof(self, cdecl: str, /) -> int:
        """Bytes of a C type."""
        return self._raw.sizeof(self._types.get(cdecl, cdecl))


class Lib(Protocol):
    """The loaded library: every C function by its name."""

    def __getattr__(self, name: str, /) -> Callable[..., int]: ...


class LibraryRefused(EngineBroken):
    """A call into libghostty-vt failed."""


@dataclass(frozen=True)
class Native:
    """The loaded library."""

    ffi: Ffi
    lib: Lib
    version: str

    def constant(self, name: str) -> int:
        """The value of a ``GHOSTTY_`` enumerator, given without that prefix."""
        return cast("int", getattr(self.lib, f"GHOSTTY_{name}"))

    def check(self, code: int, call: str) -> None:
        """Raise unless a call succeeded.

        Raises:
            LibraryRefused: the library answered another code than success.
        """
        if code:
            raise LibraryRefused(f"libghostty-vt {self.version}: {call} failed with code {code}")

    def sized(self, ctype: str) -> Pointer:
        """A zeroed struct whose ``size`` field is set, as the library's versioned structs want it."""
        return self.ffi.new(f"{ctype} *", {"size": self.ffi.sizeof(ctype)})

    def by_value(self, function: str, signature: str) -> Callable[..., int]:
        """A function taking a tagged union by value, which cffi's ABI mode can only pass as a plain twin struct."""
        pointer = self.ffi.cast(signature, self.ffi.addressof(self.lib, function))
        return cast("Callable[..., int]", pointer)


@functools.cache
def load() -> Native:
    """The library, loaded once a process.

    Raises:
        EngineBroken: pyghostty is not installed, has no library for this platform, or is another version.
    """
    try:
        package = importlib.import_module("pyghostty")
        raw = importlib.import_module("pyghostty._ffi")
    except (ImportError, OSError) as error:
        raise EngineBroken(f"pyghostty cannot be loaded here: {error}") from error
    version = str(getattr(package, "__version__", "unknown"))
    if version != SUPPORTED:
        raise EngineBroken(f"pyghostty {version} is installed, limi knows {SUPPORTED}; reinstall limi's pinned version")
    return Native(ffi=QuickFfi(cast("Ffi", raw.ffi)), lib=cast("Lib", raw.lib), version=version)

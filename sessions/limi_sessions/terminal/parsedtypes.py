"""C types of libghostty-vt read at once: cffi, asked for each by itself, parses a line for every known type each time.

Measured: 5 ms for each of 44 types, or 0.22 s of CPU before a shell's first prompt; all of them in one parse, 9 ms.
Knows nothing of what the types mean. A type that is not listed is parsed by cffi when it is met.

Source: cffi 2.1.1, `FFI.typeof` and `Parser._parse`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

POINTED = """
GhosttyTerminal GhosttyTerminalModeConfig GhosttyTerminalScreen GhosttyTerminalScrollViewport
GhosttyTerminalSelectionFormatOptions GhosttySelection GhosttySnapshotDecoder GhosttyString GhosttyBuffer
GhosttyRenderState GhosttyRenderStateDirty GhosttyRenderStateRowIterator GhosttyRenderStateRowCells
GhosttyCellsView GhosttyCellContentTag GhosttyCellWide GhosttyStyle GhosttyGridRef GhosttyPointS
GhosttyKeyEncoder GhosttyKeyEvent GhosttyMouseEncoder GhosttyMouseEvent GhosttyMouseEncoderSize GhosttyMousePosition
GhosttyOptionAsAlt uint8_t uint16_t uint32_t uint64_t size_t bool char
""".split()
"""Types of which a pointer is used, and maybe the type itself."""
ARRAYS = {
    "char[256]": "char(*)[256]",
    "uint8_t[256]": "uint8_t(*)[256]",
    "uint8_t[4]": "uint8_t(*)[4]",
    "GhosttyCellData[]": "GhosttyCellData(*)[]",
    "void *[]": "void *(*)[]",
    "uint8_t **": "uint8_t ***",
}
"""Each with a pointer to it: an array can be no parameter of a C function."""
FUNCTIONS = (
    "GhosttyTerminalWritePtyFn",
    "GhosttyTerminalSizeFn",
    "GhosttyTerminalXtversionFn",
    "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef *)",
    "void(*)(GhosttyTerminal, GhosttyPointS)",
)


class CType(Protocol):
    """A parsed type."""

    @property
    def item(self) -> CType:
        """What a pointer points to."""
        ...

    @property
    def args(self) -> Sequence[CType]:
        """The parameters of a function."""
        ...


class ParsedTypes(dict[str, CType]):
    """Types by the text that names them in a call of cffi."""

    def __init__(self, typeof: Callable[[str], CType]) -> None:
        """Args: typeof: cffi's own parser, which takes a text or raises."""
        texts = [*(f"{name} *" for name in POINTED), *ARRAYS.values(), *FUNCTIONS]
        # Parameters of one function are parsed in one go.
        found = iter(typeof(f"void(*)({', '.join(texts)})").args)
        for name in POINTED:
            pointer = next(found)
            self[f"{name} *"] = pointer
            self[name] = pointer.item
        for array in ARRAYS:
            self[array] = next(found).item
        for function in FUNCTIONS:
            self[function] = next(found)

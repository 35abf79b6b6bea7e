"""The state of a bittty board as JSON, and back: a closed list of classes, no pickle, nothing that can run.

The board is a graph: a cluster still being written points at the very row it is in. So values that can be shared are
numbered nodes, and a reference is ``{"n": number}``. What cannot be stored (handlers, the board itself) is left as the
fresh board has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, cast

from bittty.clusters import ClusterWriter, _ClusterTail, _PendingPrefix  # pyright: ignore[reportPrivateUsage] # bittty's unfinished cluster has no public name
from bittty.devices.blitter import Surface
from bittty.devices.cursor import SavedCursor
from bittty.devices.modes import MouseEncoding, MouseProtocol
from bittty.style import Color, Style
from bittty.video import Video, WideHead
from bittty.width import WidthPolicy

from limi_sessions.terminal.engine import SnapshotUnreadable

if TYPE_CHECKING:
    from bittty import Board

_CLASSES: dict[str, type] = {
    c.__name__: c for c in (Color, SavedCursor, Style, Surface, Video, WidthPolicy, _ClusterTail, _PendingPrefix)
}
_ENUMS: dict[str, type[Enum]] = {e.__name__: e for e in (MouseEncoding, MouseProtocol)}
_DEVICES = ("charset", "cursor", "modes", "mouse", "style", "title", "blitter")
_LEFT_OUT = frozenset({"board", "handlers", "write_text", "_modes", "_pending_effects", "_last", "_clusters", "cache"})
_PARSER = ("buffer", "pos", "mode", "_seq_start", "_scan_from", "vt52")
_CLUSTERS = ("_tail", "_prefix")


class _Unstorable(TypeError):
    """A value of a class that is not on the list."""


def dump(board: Board, extra: Mapping[str, object]) -> bytes:
    """The board's state and some more plain values, as JSON."""
    writer = _Writer()
    parts = {name: writer.attributes(part, names) for name, part, names in _parts(board)}
    state = {"parts": parts, "extra": writer.value(dict(extra)), "nodes": writer.nodes}
    return json.dumps(state, separators=(",", ":")).encode("utf-8", "surrogatepass")


def load(board: Board, state: bytes) -> dict[str, object]:
    """Give a fresh board the state that `dump` wrote, and return the other values.

    Raises:
        SnapshotUnreadable: not such a state; the board is then of no use.
    """
    try:
        parsed = cast("dict[str, object]", json.loads(state.decode("utf-8", "surrogatepass")))
        reader = _Reader(cast("list[list[object]]", parsed["nodes"]))
        for name, part, _ in _parts(board):
            attributes = cast("dict[str, dict[str, object]]", parsed["parts"])[name]
            for attribute, value in attributes.items():
                setattr(part, attribute, reader.value(value))
        board.blitter._select_writer()  # pyright: ignore[reportPrivateUsage] # the writer is a bound method, not state
        return cast("dict[str, object]", reader.value(parsed["extra"]))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SnapshotUnreadable(f"the snapshot of a bittty board is damaged: {error!r}") from error


def _parts(board: Board) -> list[tuple[str, object, tuple[str, ...] | None]]:
    """Name, object and attributes (None: all that can be stored) of what makes up the state."""
    clusters: ClusterWriter = board.blitter._clusters  # pyright: ignore[reportPrivateUsage] # see the import above
    devices: list[tuple[str, object, tuple[str, ...] | None]] = [(n, getattr(board, n), None) for n in _DEVICES]
    return [*devices, ("parser", board.parser, _PARSER), ("clusters", clusters, _CLUSTERS)]


class _Writer:
    """Turns values into JSON, shared ones into numbered nodes."""

    def __init__(self) -> None:
        self.nodes: list[list[object]] = []
        self._numbers: dict[object, int] = {}
        self._alive: list[object] = []

    def attributes(self, part: object, names: tuple[str, ...] | None) -> dict[str, object]:
        stored: dict[str, object] = {}
        for name in names if names is not None else vars(part):
            if name in _LEFT_OUT:
                continue
            try:
                stored[name] = self.value(getattr(part, name))
            except _Unstorable:
                continue
        return stored

    def value(self, value: object) -> object:
        if value is None or type(value) in (bool, int, float, str):
            return value
        key = self._key(value)
        number = self._numbers.get(key)
        if number is None:
            content = self._reserve_and_encode(key, value)
            number = self._numbers[key]
            self.nodes[number] = content
        return {"n": number}

    def _key(self, value: object) -> object:
        # Immutable cells and styles are shared by value, which makes a screen a fraction of the size.
        if type(value) is Style:
            return value
        if type(value) is tuple:
            return self._tuple_key(cast("tuple[object, ...]", value))
        return id(value)

    def _tuple_key(self, value: tuple[object, ...]) -> object:
        if len(value) == 2 and type(value[0]) is Style:
            return (value[0], type(value[1]), value[1])
        return id(value)

    def _reserve_and_encode(self, key: object, value: object) -> list[object]:
        # Numbered before it is encoded: a graph may lead back to it.
        encode = self._encoder(value)
        self._numbers[key] = len(self.nodes)
        self._alive.append(value)
        self.nodes.append([])
        try:
            return encode()
        except _Unstorable:
            del self._numbers[key]
            raise

    def _encoder(self, value: object) -> Callable[[], list[object]]:
        kind = type(value)
        if kind in (list, tuple, set, frozenset):
            items = cast("list[object]", value)
            return lambda: [kind.__name__, [self.value(item) for item in items]]
        if kind is dict:
            pairs = cast("dict[object, object]", value).items()
            return lambda: ["dict", [[self.value(key), self.value(item)] for key, item in pairs]]
        if kind is WideHead:
            return lambda: ["wide", str(value)]
        if kind is bytes:
            return lambda: ["bytes", cast("bytes", value).hex()]
        if isinstance(value, Enum) and kind.__name__ in _ENUMS:
            return lambda: ["enum", kind.__name__, value.name]
        if _CLASSES.get(kind.__name__) is kind:
            return lambda: [
                "object",
                kind.__name__,
                {name: self.value(getattr(value, name)) for name in _fields(value)},
            ]
        raise _Unstorable(kind.__qualname__)


class _Reader:
    """Builds the values that a `_Writer` stored."""

    def __init__(self, nodes: list[list[object]]) -> None:
        self._nodes = nodes
        self._built: dict[int, object] = {}

    def value(self, stored: object) -> object:
        if not isinstance(stored, dict):
            return stored
        number = cast("dict[str, int]", stored)["n"]
        if number not in self._built:
            self._build(number, *self._nodes[number])
        return self._built[number]

    def _build(self, number: int, kind: object, *content: object) -> None:
        if kind == "list":
            grown: list[object] = []
            self._built[number] = grown
            grown.extend(self.value(item) for item in cast("list[object]", content[0]))
        elif kind == "dict":
            pairs: dict[object, object] = {}
            self._built[number] = pairs
            pairs.update((self.value(key), self.value(item)) for key, item in cast("list[list[object]]", content[0]))
        elif kind == "object":
            self._build_object(number, cast("str", content[0]), cast("dict[str, object]", content[1]))
        else:
            self._built[number] = self._immutable(kind, content)

    def _build_object(self, number: int, name: str, fields: dict[str, object]) -> None:
        kind = _CLASSES[name]
        made = cast("object", object.__new__(kind))
        self._built[number] = made
        for field, stored in fields.items():
            object.__setattr__(made, field, self.value(stored))

    def _immutable(self, kind: object, content: tuple[object, ...]) -> object:
        if kind == "wide":
            return WideHead(content[0])
        if kind == "bytes":
            return bytes.fromhex(cast("str", content[0]))
        if kind == "enum":
            return _ENUMS[cast("str", content[0])][cast("str", content[1])]
        items = [self.value(item) for item in cast("list[object]", content[0])]
        return {"tuple": tuple, "set": set, "frozenset": frozenset}[cast("str", kind)](items)


def _fields(value: object) -> list[str]:
    slots = [name for kind in type(value).__mro__ for name in cast("tuple[str, ...]", getattr(kind, "__slots__", ()))]
    return slots or list(vars(value))

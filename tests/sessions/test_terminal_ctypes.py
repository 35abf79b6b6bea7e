from __future__ import annotations

import importlib
from typing import cast

import pytest

from limi_sessions.terminal import open_engine
from limi_sessions.terminal.parsedtypes import CType, ParsedTypes


class Parser:
    """cffi's parser, with a list of what it was asked."""

    def __init__(self) -> None:
        pytest.importorskip("pyghostty", reason="pyghostty has no library for this platform")
        self._ffi = importlib.import_module("pyghostty._ffi").ffi
        self.asked: list[str] = []

    def typeof(self, cdecl: str) -> CType:
        self.asked.append(cdecl)
        return cast("CType", self._ffi.typeof(cdecl))


def test_types_parsed_together_are_those_that_cffi_parses_one_by_one() -> None:
    parser = Parser()
    types = ParsedTypes(parser.typeof)
    assert len(parser.asked) == 1
    for text, parsed in types.items():
        assert parsed is parser.typeof(text), text


def test_an_engine_in_use_has_no_type_parsed_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    Parser()
    compiler = importlib.import_module("cffi.cparser").Parser
    parse_type, asked = compiler.parse_type, list[str]()

    def noted(self: object, cdecl: str) -> object:
        asked.append(cdecl)
        return parse_type(self, cdecl)

    open_engine(10, 2, prefer="ghostty")  # whatever the first engine of this process has to parse
    monkeypatch.setattr(compiler, "parse_type", noted)
    monkeypatch.setattr(importlib.import_module("pyghostty._ffi").ffi, "_parsed_types", {})
    engine = open_engine(80, 24, prefer="ghostty")
    engine.feed("\x1b[31mred 中\x1b[0m\r\n".encode() * 50)
    engine.resize(60, 20)
    engine.take_dirty()
    texts = [run.text for y in range(20) for run in engine.row(y)]
    assert "red 中" in texts[0]
    assert engine.history_row(0)
    engine.text()
    engine.encode_key("up")
    engine.encode_mouse("press", x=1, y=1, button=1)
    engine.encode_paste("text")
    engine.restore(engine.snapshot())
    assert asked == []

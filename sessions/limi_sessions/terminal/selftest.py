"""What an engine must get right before it is trusted with a shell: checked once a process, in a few milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from limi_sessions.terminal.cells import pack
from limi_sessions.terminal.engine import CellStyle, Run, SnapshotUnreadable, TermEngine
from limi_sessions.terminal.ghosttyrows import UnpackedCells
from limi_sessions.terminal.native import Native

COLUMNS, ROWS = 24, 6
SAMPLE = (
    "\x1b[2J\x1b[Hplain \x1b[1;31;44mred\x1b[0m \x1b[38;2;1;2;3;4mrgb\x1b[0m\r\n"
    "\u4e2d\u6587 e\u0301 \U0001f468\u200d\U0001f469\u200d\U0001f467|\r\n"
    "\x1b[42m\x1b[K\x1b[0m\r\n\x1b[48;2;9;8;7m\x1b[K\x1b[0m\r\n"
    "\x1b]8;;http://localhost/\x1b\\link\x1b]8;;\x1b\\ \x1b[3;7;9mall\x1b[0m"
).encode()
EXPECTED_TEXT = [
    "plain red rgb",
    "\u4e2d\u6587 e\u0301 \U0001f468\u200d\U0001f469\u200d\U0001f467|",
    "",
    "",
    "link all",
    "",
]
EXPECTED_STYLES = {
    (0, "red"): CellStyle(fg=1, bg=4, bold=True),
    (0, "rgb"): CellStyle(fg=(1, 2, 3), underline=1),
    (2, " " * COLUMNS): CellStyle(bg=2),
    (3, " " * COLUMNS): CellStyle(bg=(9, 8, 7)),
    (4, "link"): CellStyle(link=True),
    (4, "all"): CellStyle(italic=True, reverse=True, strike=True),
}


@dataclass(frozen=True, slots=True)
class SelftestReport:
    """What was wrong, nothing when the engine may be used."""

    engine: str
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the engine may be used."""
        return not self.problems


def selftest(engine: TermEngine) -> SelftestReport:
    """Check text, widths, styles and a snapshot taken inside a sequence, on a fresh engine of any size.

    The engine is left with the sample on its screen.
    """
    engine.resize(COLUMNS, ROWS)
    engine.feed(SAMPLE)
    problems: list[str] = []
    if engine.text() != EXPECTED_TEXT:
        problems.append(f"the sample reads {engine.text()!r}")
    for (y, text), style in EXPECTED_STYLES.items():
        if Run(text, style) not in engine.row(y):
            problems.append(f"row {y} lacks {text!r} in {style}: {engine.row(y)}")
    problems += _snapshot_problems(engine)
    return SelftestReport(engine=engine.name, problems=tuple(problems))


def _snapshot_problems(engine: TermEngine) -> list[str]:
    rest = b"\xad\x1b[2;1H\x1b[5mend"
    engine.feed(b"\x1b[6;1H\xe4\xb8")
    blob = engine.snapshot()
    engine.feed(rest)
    direct = [engine.row(y) for y in range(ROWS)]
    engine.feed(b"\x1bclost")
    try:
        engine.restore(blob)
    except SnapshotUnreadable as error:
        return [f"its own snapshot does not load: {error}"]
    engine.feed(rest)
    return [] if [engine.row(y) for y in range(ROWS)] == direct else ["a restored snapshot goes on differently"]


def packed_layout_holds(native: Native) -> bool:
    """Whether cells packed as `cells` expects read back through ``ghostty_cell_get_multi`` as the same values."""
    samples = (
        pack(content=0, value=0, style=0, width=0, link=False),
        pack(content=0, value=0x1F600, style=0xFFFF, width=1, link=True),
        pack(content=0, value=0, style=7, width=2, link=False),
        pack(content=0, value=0, style=0, width=3, link=False),
        pack(content=1, value=0x65, style=0x8001, width=0, link=True),
        pack(content=2, value=0xC3, style=0, width=0, link=False),
        pack(content=3, value=0x0A141E, style=0, width=0, link=False),
    )
    raw = b"".join(cell.to_bytes(8, "little") for cell in samples)
    return UnpackedCells(native).repacked(raw) == raw

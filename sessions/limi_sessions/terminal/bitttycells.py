"""bittty's rows of (style, character) pairs become runs. Knows no board."""

from __future__ import annotations

from collections.abc import Sequence

from bittty.style import Color as BitttyColor
from bittty.style import Style
from bittty.video import WideHead

from limi_sessions.terminal.engine import DEFAULT_STYLE, CellStyle, Color, Row, Run
from limi_sessions.terminal.width import fit

_UNDERLINES = {None: 1, "double": 2, "curly": 3, "dotted": 4, "dashed": 5}
_LARGEST = 4096


class RunReader:
    """Turns cells into runs, each distinct style once."""

    def __init__(self) -> None:
        self._known: dict[Style, CellStyle] = {}

    def row(self, cells: Sequence[tuple[Style, str]]) -> Row:
        """The runs of a row; their widths add up to its cells."""
        runs: list[Run] = []
        parts: list[str] = []
        former: Style | None = None
        style = DEFAULT_STYLE
        for column, (cell_style, text) in enumerate(cells):
            if cell_style is not former:
                former = cell_style
                found = self._style(cell_style)
                if found != style:
                    if parts:
                        runs.append(Run("".join(parts), style))
                        parts = []
                    style = found
            parts.append(self._drawn(cells, column, text))
        runs.append(Run("".join(parts), style))
        return tuple(runs)

    def _drawn(self, cells: Sequence[tuple[Style, str]], column: int, text: str) -> str:
        if not text:
            return "" if column and isinstance(cells[column - 1][1], WideHead) else " "
        if isinstance(text, WideHead):
            return fit(str(text), 2) if column + 1 < len(cells) and not cells[column + 1][1] else " "
        return text if len(text) == 1 and " " <= text <= "~" else fit(text, 1)

    def _style(self, style: Style) -> CellStyle:
        known = self._known.get(style)
        if known is None:
            if len(self._known) >= _LARGEST:
                self._known.clear()
            known = self._known[style] = _decoded(style)
        return known


def _decoded(style: Style) -> CellStyle:
    return CellStyle(
        fg=_color(style.fg),
        bg=_color(style.bg),
        bold=bool(style.bold),
        dim=bool(style.dim),
        italic=bool(style.italic),
        underline=_UNDERLINES.get(style.underline_style, 1) if style.underline else 0,
        blink=bool(style.blink),
        reverse=bool(style.reverse),
        invisible=bool(style.conceal),
        strike=bool(style.strike),
        link=style.hyperlink is not None,
    )


def _color(color: BitttyColor | None) -> Color:
    return None if color is None or color.mode == "default" else color.value

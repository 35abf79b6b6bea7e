"""bittty's rows of (style, character) pairs become runs. Knows no board."""

from __future__ import annotations

from collections.abc import Sequence

from bittty.style import Color as BitttyColor
from bittty.style import Style
from bittty.video import WideHead

from limi_sessions.terminal.engine import DEFAULT_STYLE, CellStyle, Color, Row, Run
from limi_sessions.terminal.width import fit, separate

_UNDERLINES = {None: 1, "double": 2, "curly": 3, "dotted": 4, "dashed": 5}
_LARGEST = 4096


class RunReader:
    """Turns cells into runs, each distinct style once."""

    def __init__(self) -> None:
        self._known: dict[Style, CellStyle] = {}

    def row(self, cells: Sequence[tuple[Style, str]]) -> Row:
        """The runs of a row; their widths add up to its cells."""
        texts = _drawn([text for _, text in cells])
        runs: list[Run] = []
        start = 0
        former: Style | None = None
        style = DEFAULT_STYLE
        for column, (cell_style, _) in enumerate(cells):
            if cell_style is former:
                continue
            former = cell_style
            found = self._style(cell_style)
            if found != style:
                if column > start:
                    runs.append(Run("".join(texts[start:column]), style))
                start, style = column, found
        runs.append(Run("".join(texts[start:]), style))
        return tuple(runs)

    def _style(self, style: Style) -> CellStyle:
        known = self._known.get(style)
        if known is None:
            if len(self._known) >= _LARGEST:
                self._known.clear()
            known = self._known[style] = _decoded(style)
        return known


def _drawn(texts: list[str]) -> list[str]:
    """Cells' characters, each made to fill exactly its cells; the tail of a wide character draws nothing."""
    if "".join(texts).isascii() and "" not in texts:
        return texts
    drawn: list[str] = []
    covered = False
    for column, text in enumerate(texts):
        if covered:
            drawn.append("")
            covered = False
        elif isinstance(text, WideHead):
            covered = texts[column + 1 : column + 2] == [""]
            drawn.append(fit(str(text), 2) if covered else " ")
        else:
            drawn.append(text if text and " " <= text <= "~" and len(text) == 1 else fit(text or " ", 1))
    separate(drawn, len(drawn))
    return drawn


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

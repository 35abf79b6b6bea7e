"""How cells of the shell pane look: neutral cell styles as Rich styles under a palette.

Knows nothing of the pane and of engines beyond `CellStyle`.
"""

from __future__ import annotations

from rich.color import Color, blend_rgb
from rich.style import Style

from limi_sessions.terminal.engine import CellStyle
from limi_sessions.terminal.engine import Color as CellColor
from limi_tui.theme import AnsiPalette

_MOST_STYLES = 8192
_DIM = 0.6
"""Share of the foreground that is left in dim text."""


class CellStyles(dict[CellStyle, Style]):
    """Rich styles by cell style, made when first asked for; a child that cycles through colours empties it."""

    def __init__(self, palette: AnsiPalette) -> None:
        super().__init__()
        self.palette = palette
        self.base = Style(color=palette.foreground, bgcolor=palette.background)
        """The style of an empty cell."""

    def __missing__(self, cell: CellStyle) -> Style:
        if len(self) >= _MOST_STYLES:
            self.clear()
        palette = self.palette
        foreground = self._color(cell.fg, palette.foreground)
        background = self._color(cell.bg, palette.background)
        if cell.dim and not palette.native:
            share = blend_rgb(background.get_truecolor(), foreground.get_truecolor(), _DIM)
            foreground = Color.from_triplet(share)
        # Blinking is left out: it would be an animation that nobody can stop.
        style = Style(
            color=foreground,
            bgcolor=background,
            bold=cell.bold or None,
            dim=(cell.dim and palette.native) or None,
            italic=cell.italic or None,
            underline=(cell.underline not in (0, 2) or cell.link) or None,
            underline2=cell.underline == 2 or None,
            reverse=cell.reverse or None,
            conceal=cell.invisible or None,
            strike=cell.strike or None,
        )
        self[cell] = style
        return style

    def _color(self, color: CellColor, default: Color) -> Color:
        if color is None:
            return default
        if isinstance(color, int):
            return self.palette.colors[color & 0xFF]
        return Color.from_rgb(*color)

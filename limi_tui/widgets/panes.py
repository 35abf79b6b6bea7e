"""Two panes with a border that moves: side by side, stacked where there is no room, or one of them alone."""

from __future__ import annotations

from textual.containers import Horizontal
from textual.reactive import var
from textual.widget import Widget

STACK_BELOW = 100
"""Columns under which the panes are stacked."""
_LEAST, _MOST = 15, 85


class Panes(Horizontal):
    """Takes exactly two children."""

    DEFAULT_CSS = """
    Panes {
        height: 1fr;
        layout: horizontal;
        &.-stacked { layout: vertical; }
        & > * { min-width: 20; }
        &.-alone > * { display: none; }
        &.-alone > .-zoomed { display: block; }
    }
    """
    share = var(50)
    """Percent of the width (of the height, when stacked) that the first pane takes."""

    def validate_share(self, share: int) -> int:
        """Leave both panes room."""
        return min(_MOST, max(_LEAST, share))

    def watch_share(self) -> None:
        """Place the border."""
        self._place()

    def on_mount(self) -> None:
        """Place the border."""
        self._place()

    def on_resize(self) -> None:
        """Stack the panes, or do not."""
        stacked = self.size.width < STACK_BELOW
        if stacked != self.has_class("-stacked"):
            self.set_class(stacked, "-stacked")
            self._place()

    def zoom(self, pane: Widget) -> None:
        """Show a pane alone; both again when one is alone already."""
        alone = not self.has_class("-alone")
        for child in self.children:
            child.set_class(alone and child is pane, "-zoomed")
        self.set_class(alone, "-alone")

    def _place(self) -> None:
        if len(self.children) != 2:
            return
        stacked = self.has_class("-stacked")
        for pane, part in zip(self.children, (self.share, 100 - self.share), strict=True):
            pane.styles.width = "100%" if stacked else f"{part}fr"
            pane.styles.height = f"{part}fr" if stacked else "100%"

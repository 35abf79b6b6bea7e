"""A terminal engine on the screen: painted when it has changed, at most 60 times a second, and never otherwise.

Takes no keys and knows no pty: `TerminalPane` adds what a person does to it, and a replay can show one as it is.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, ClassVar, Self

from rich.style import Style
from textual import getters
from textual.app import App
from textual.events import Resize
from textual.filter import ANSIToTruecolor
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.theme import Theme
from textual.widget import Widget

from limi_sessions.terminal.engine import TermEngine
from limi_tui.theme import ansi_palette
from limi_tui.widgets.terminal_bar import BarContent, BarStyles, Owner, bar_strip
from limi_tui.widgets.terminal_css import TERMINAL_CSS
from limi_tui.widgets.terminal_frame import Mark, TerminalFrame
from limi_tui.widgets.terminal_pace import FramePace

_LOCK_WAIT_S = 0.004
"""The reader holds the lock while it feeds; the event loop waits this long for it before it tries again."""
_RETRY_S = 0.002
_MOST_RETRIES = 5


class TerminalView(Widget):
    """Shows the live screen, or the kept rows above it, of an engine that others feed."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "terminal-pane--bar",
        "terminal-pane--hint",
        "terminal-pane--urgent",
        "terminal-pane--human",
        "terminal-pane--agent",
        "terminal-pane--free",
        "terminal-pane--private",
        "terminal-pane--selection",
        "terminal-pane--match",
        "terminal-pane--current-match",
    }
    DEFAULT_CSS = TERMINAL_CSS
    if TYPE_CHECKING:
        app = getters.app(App[object])

    owner: reactive[Owner] = reactive("free", repaint=False, init=False)
    """Who may type."""
    banner: reactive[str] = reactive("", repaint=False, init=False)
    """What the shell waits for, such as ``waiting: password for you``; empty for nothing."""

    class Resized(Message, namespace="terminal_pane"):
        """The child's screen should have this size, in cells."""

        def __init__(self, cols: int, rows: int) -> None:
            super().__init__()
            self.cols, self.rows = cols, rows

        def can_replace(self, message: Message) -> bool:
            """Only the last of several waiting sizes counts."""
            return isinstance(message, TerminalView.Resized)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        self._drawn: dict[int, Strip] = {}
        self._drawn_size = Size(0, 0)
        super().__init__(id=id)
        self.frame = TerminalFrame(ansi_palette(self.app.current_theme))
        self.frames_painted = 0
        """Paints so far, for benchmarks."""
        self._engine: TermEngine | None = None
        self._lock = threading.Lock()
        self._pace = FramePace(self._paint)
        self._retries = 0
        self._reread = True
        self._bar_shown: BarContent | None = None
        self._bar_styles: BarStyles | None = None
        self._announced = (0, 0)

    def attach(self, engine: TermEngine, lock: threading.Lock) -> None:
        """Show an engine from now on.

        Args:
            engine: whoever feeds it calls `output_read` afterwards, on the event loop.
            lock: held by everyone who touches the engine.
        """
        self._engine, self._lock = engine, lock
        self.frame.top, self._reread, self._announced = None, True, (0, 0)
        self._announce_size()
        self.output_read()

    def detach(self) -> None:
        """Keep showing the last frame, of no engine."""
        self._engine = None
        self._pace.cancel()

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, self._put_on)
        self._put_on(self.app.current_theme)

    def on_unmount(self) -> None:
        """Paint no more."""
        self.detach()

    def _put_on(self, theme: Theme) -> None:
        self.frame.restyle(ansi_palette(theme))
        self._bar_styles = None
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget styles that came from CSS."""
        super().notify_style_update()
        self._bar_styles = None
        self._drawn.clear()

    def on_resize(self, event: Resize) -> None:
        """Ask for a child's screen of the new size."""
        self._announce_size()

    def _announce_size(self) -> None:
        size = (self.size.width, self.size.height - 1)
        if self._engine is not None and min(size) > 0 and size != self._announced:
            self._announced = size
            self.post_message(self.Resized(*size).set_sender(self))

    def output_read(self) -> None:
        """The engine was fed or resized: paint at once, or in the next frame when the last is younger than 1/60 s."""
        self._pace.changed()

    def _paint(self) -> None:
        engine = self._engine
        if engine is None:
            return
        # Blocking at last: a lock that is given back and taken again at once may never be seen free.
        if not self._lock.acquire(timeout=_LOCK_WAIT_S if self._retries < _MOST_RETRIES else -1):
            self._retries += 1
            self._pace.paint_in(_RETRY_S)
            return
        try:
            self._retries = 0
            start = time.monotonic()
            if (held := self._pace.hold(start, held=engine.modes.synchronized_output)) > 0:
                self._pace.paint_in(held)
                return
            changed = self.frame.read(engine, everything=self._reread)
        finally:
            self._lock.release()
        self._reread = False
        self._show(changed)
        self._pace.painted(start)

    def _show(self, changed: set[int]) -> None:
        bar = self.bar_content()
        visible = sorted(y for y in changed if y < self.size.height - 1)
        regions = [Region(0, y, self.size.width, 1) for y in visible]
        if bar != self._bar_shown:
            regions.append(Region(0, self.size.height - 1, self.size.width, 1))
        if regions:
            self.frames_painted += 1
            self.refresh(*regions)
        if self.has_focus and self.frame.top is None:
            # Where the host's input method opens its window.
            origin = self.content_region.offset
            self.app.cursor_position = origin + Offset(self.frame.cursor.x, self.frame.cursor.y)

    def show_rows(self, top: int | None) -> None:
        """Show kept rows from an absolute one on, or follow the live screen (None, or when it is reached)."""
        self.hold_rows(None if top is None or top >= self.frame.live_top else max(0, top))

    def hold_rows(self, top: int | None) -> None:
        """Show rows from an absolute one on and stay there while output goes on; None follows the live screen."""
        self.frame.top, self._reread = top, True
        self._pace.cancel()
        self._paint()
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """Move the view by rows, negative towards older ones."""
        self.show_rows(self.frame.first + rows)

    def watch_owner(self) -> None:
        """Show who may type."""
        self._show(set())

    def watch_banner(self) -> None:
        """Show what the shell waits for."""
        self._show(set())

    def bar_content(self) -> BarContent:
        """What the bottom line says now."""
        below = self.frame.live_top - self.frame.first
        hint = f"{below} rows below" if below else ""
        return BarContent(self.owner, self.banner or self.frame.title, hint, urgent=bool(self.banner))

    def marks(self, y: int) -> list[Mark]:
        """Cells of a row on view that are drawn otherwise."""
        return []

    def component_mark(self, start: int, end: int, name: str) -> Mark:
        """Cells in the style of a component class."""
        over = self.get_component_rich_style(f"terminal-pane--{name}")

        def restyle(style: Style) -> Style:
            return style + over

        return Mark(start, end, restyle)

    def render_line(self, y: int) -> Strip:
        """A row of the engine, or the bottom line."""
        width = self.size.width
        if y == self.size.height - 1:
            self._bar_shown = self.bar_content()
            return bar_strip(self._bar_shown, width, self._styles_of_bar())
        strip = self.frame.strip(y, self.marks(y))
        return strip.adjust_cell_length(width, self.frame.styles.base)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows for the compositor: straight from the frame where CSS adds nothing around or over them.

        Textual's own way copies every strip once for borders and once to turn ANSI colours into RGB, which the frame's
        styles have done: measured, half of the cost of a frame.
        The compositor asks for the whole widget each time: a row is drawn again only after `refresh` of it.
        """
        if self._drawn_size != (size := self.size):
            self._drawn_size = size
            self._drawn.clear()
            self._announce_size()  # a border that came or went is no Resize event
        if self.styles.gutter != (0, 0, 0, 0) or self.opacity < 1 or self.styles.tint.a:
            return super().render_lines(crop)
        drawn = self._drawn
        strips = [drawn.get(y) or self._draw(y) for y in crop.line_range]
        if crop.column_span != (0, size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _draw(self, y: int) -> Strip:
        strip = self.render_line(y)
        for each in self.get_line_filters():
            if not isinstance(each, ANSIToTruecolor):
                strip = strip.apply_filter(each, self.background_colors[1])
        self._drawn[y] = strip
        return strip

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw again: some regions of the content, or all of it."""
        if regions:
            for region in regions:
                for y in region.line_range:
                    self._drawn.pop(y, None)
        else:
            self._drawn.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _styles_of_bar(self) -> BarStyles:
        if self._bar_styles is None or self._bar_styles.owner is not self._component(self.owner):
            parts: tuple[str, ...] = ("bar", self.owner, "urgent", "hint")
            self._bar_styles = BarStyles(*(self._component(part) for part in parts))
        return self._bar_styles

    def _component(self, name: str) -> Style:
        return self.get_component_rich_style(f"terminal-pane--{name}")

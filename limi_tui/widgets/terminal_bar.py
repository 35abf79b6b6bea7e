"""The shell pane's own line: who holds the shell, what it waits for, how to leave the state the pane is in.

Knows nothing of engines. The line is always there, so that a banner never moves the child's screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from limi_tui.guard import clean_text

Owner = Literal["human", "agent", "free", "private"]
"""``private``: the person's own shell, which the agent neither sees nor types into."""
OWNER_WORDS: dict[Owner, str] = {"human": "YOU", "agent": "AGENT", "free": "FREE", "private": "YOUR OWN SHELL"}


@dataclass(frozen=True, slots=True)
class BarContent:
    """What the line says."""

    owner: Owner
    main: str
    """Left, cut with an ellipsis when it is too long."""
    hint: str = ""
    """Right, left out when it does not fit."""
    urgent: bool = False
    """``main`` asks the person to act."""


@dataclass(frozen=True, slots=True)
class BarStyles:
    """The styles of the line's parts."""

    base: Style
    owner: Style
    urgent: Style
    hint: Style


def bar_strip(content: BarContent, width: int, styles: BarStyles) -> Strip:
    """The line, exactly ``width`` cells."""
    chip = f" {OWNER_WORDS[content.owner]} "
    room = max(0, width - cell_len(chip))
    hint = f" {content.hint} " if content.hint else ""
    if cell_len(hint) > room - min(room, cell_len(content.main) + 2, 24):
        hint = ""
    room -= cell_len(hint)
    main = f" {clean_text(content.main)}"
    if cell_len(main) > room:
        main = set_cell_size(main, room - 1) + "…" if room > 1 else ""
    line = [
        Segment(chip, styles.owner),
        Segment(set_cell_size(main, room), styles.urgent if content.urgent else styles.base),
        Segment(hint, styles.hint),
    ]
    return Strip([part for part in line if part.text]).adjust_cell_length(width, styles.base)

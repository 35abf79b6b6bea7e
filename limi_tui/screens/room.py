"""What every room is: a screen of the workstation, which it knows by its own type."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from limi_tui.app import LimiApp


class Room(Screen[object]):
    """A screen of the workstation."""

    @property
    def limi(self) -> LimiApp:
        """The application, as what it is."""
        # Textual leaves the result type of a screen's application open.
        return cast("LimiApp", self.app)  # pyright: ignore[reportUnknownMemberType]

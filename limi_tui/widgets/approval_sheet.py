"""The exact text of one proposal: a change of a file side by side or unified, anything else as it is."""

from __future__ import annotations

from textual import events

from limi_tui.widgets.approval_preview import ApprovalPreview
from limi_tui.widgets.approval_shown import Shown

BESIDE_FROM = 110
"""Columns from which a change is shown side by side at first."""


class ApprovalSheet(ApprovalPreview):
    """Turns over between two forms of a change."""

    def __init__(self, shown: Shown, *, beside: bool | None) -> None:
        """Show a proposal.

        Args:
            shown: what is drawn of it.
            beside: whether a change is shown side by side; None: where there is room.
        """
        super().__init__(shown.entries)
        self._shown = shown
        self._beside = False
        self.wants_beside = beside
        """Whether the expert wants changes side by side; None: where there is room."""

    @property
    def is_beside(self) -> bool:
        """Whether old and new are side by side."""
        return self._beside

    def on_resize(self, event: events.Resize) -> None:
        """Fold at the new edge, side by side where there is room."""
        wanted = event.size.width >= BESIDE_FROM if self.wants_beside is None else self.wants_beside
        if self._shown.beside and wanted != self._beside:
            self._turn()
        super().on_resize(event)

    def turn(self) -> None:
        """Show the other form from now on."""
        if self._shown.beside:
            self._turn()
            self.wants_beside = self._beside

    def _turn(self) -> None:
        self._beside = not self._beside
        self.show(self._shown.beside if self._beside else self._shown.entries)

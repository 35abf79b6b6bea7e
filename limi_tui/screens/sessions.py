"""All sessions: find one, go on with it, name it, tag it, bin it and take that back."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Footer, Input, Static

from limi_sessions.records.payload import SessionRenamed, SessionTagged
from limi_sessions.records.turn import SessionSummary
from limi_sessions.records.visible import visible_text
from limi_store import StoreError, StorePort
from limi_tui import bindings
from limi_tui.screens.room import Room
from limi_tui.screens.session import SessionScreen
from limi_tui.screens.text_prompt import TextPrompt
from limi_tui.widgets.transcript_rows import shortened

_T = TypeVar("_T")
_STATUS_WORDS = {
    "done": "done",
    "failed": "failed",
    "limit": "at a limit",
    "interrupted": "stopped",
    "shell_lost": "shell lost",
    "running": "running",
    "cut_off": "cut off",
}
_MODEL_WIDTH = 20
_OTHER_COLUMNS = 58
"""Cells that the columns beside the title take."""
_EMPTY = "No sessions yet. Press n for a new one."


class SessionsScreen(Room):
    """The list of sessions, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.SESSIONS
    CSS_PATH = "sessions.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._summaries: list[SessionSummary] = []
        self._shown: list[SessionSummary] = []
        self._deleted: list[str] = []
        """What was binned here, newest last, for undo."""

    def compose(self) -> ComposeResult:
        """A filter, the list, and the keys."""
        yield Static("Sessions · Enter goes on with one", id="sessions-title")
        yield Input(placeholder="filter: words of the title, model, status, tag", id="filter")
        yield DataTable[str](cursor_type="row", zebra_stripes=True, id="list")
        yield Static(_EMPTY, id="sessions-empty", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Fill the list."""
        self.table = self.query_one(DataTable[str])
        self.table.add_columns("started", "status", "title", "model", "turns", "tokens", "tags")
        self.query_one("#filter", Input).display = False
        self.table.focus()
        self._load()

    def on_screen_resume(self) -> None:
        """Show what changed meanwhile."""
        self._load()

    @work(group="reading-sessions", description="Reading the sessions", exclusive=True)
    async def _load(self) -> None:
        summaries = await self._ask(lambda store: store.sessions())
        if summaries is not None:
            self._summaries = summaries
            self._fill()

    async def _ask(self, question: Callable[[StorePort], _T]) -> _T | None:
        """What the store answers; None, and a word to the person, when it cannot."""
        try:
            return await asyncio.to_thread(lambda: question(self.limi.store_gate.store()))
        except StoreError as error:
            empty = self.query_one("#sessions-empty", Static)
            empty.display = True
            empty.update(visible_text(f"The store did not answer: {error}"))
            return None

    def _fill(self) -> None:
        words = self.query_one("#filter", Input).value.lower().split()
        self._shown = [s for s in self._summaries if all(word in _searched(s) for word in words)]
        row = self.table.cursor_row
        self.table.clear()
        for summary in self._shown:
            self.table.add_row(*_cells(summary, title_width=self._title_width), key=summary.session_id)
        self.table.move_cursor(row=min(row, max(0, len(self._shown) - 1)))
        empty = self.query_one("#sessions-empty", Static)
        empty.display = not self._shown
        empty.update(_EMPTY if not self._summaries else "No session has all these words. Escape shows all.")

    @property
    def _title_width(self) -> int:
        """Characters of a title that leave room for the other columns."""
        return min(60, max(20, self.size.width - _OTHER_COLUMNS))

    def on_resize(self) -> None:
        """Cut the titles anew."""
        if self._summaries:
            self._fill()

    @property
    def _chosen(self) -> SessionSummary | None:
        row = self.table.cursor_row
        return self._shown[row] if 0 <= row < len(self._shown) else None

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self._fill()

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self) -> None:
        self.table.focus()

    @on(DataTable.RowSelected)
    def _row_selected(self) -> None:
        self.action_resume()

    def action_filter(self) -> None:
        """Type words that must be there."""
        self.query_one("#filter", Input).display = True
        self.query_one("#filter", Input).focus()

    def action_leave(self) -> None:
        """Drop the filter, or go back."""
        field = self.query_one("#filter", Input)
        if field.display:
            field.value = ""
            field.display = False
            self.table.focus()
        elif len(self.limi.screen_stack) > 2:
            self.limi.pop_screen()
        else:
            self.limi.exit(0)

    def action_new(self) -> None:
        """Open a new session."""
        if self._session_open():
            return
        self.limi.begin_session(dataclasses.replace(self.limi.request, room="session", session_id=None, query=None))

    def action_resume(self) -> None:
        """Go on with the chosen session."""
        chosen = self._chosen
        if chosen is None or self._session_open():
            return
        if chosen.status == "running":
            self.notify("That session is open in another limi.", severity="warning")
            return
        request = dataclasses.replace(
            self.limi.request, room="session", session_id=chosen.session_id, query=None, model=None
        )
        self.limi.begin_session(request)

    def _session_open(self) -> bool:
        """Whether a session is open below; says so."""
        is_open = any(isinstance(screen, SessionScreen) for screen in self.limi.screen_stack)
        if is_open:
            self.notify("End the open session first (Escape, then Ctrl-Q).", severity="warning")
        return is_open

    @work(group="sessions", description="Renaming a session")
    async def action_rename(self) -> None:
        """Give the chosen session a title."""
        chosen = self._chosen
        if chosen is None:
            return
        title = await self.limi.push_screen_wait(TextPrompt("Title", chosen.title))
        if title:
            renamed = SessionRenamed(target=chosen.session_id, title=title)
            await self._ask(lambda store: store.append_desk(renamed, actor=self.limi.request.actor))
            self._load()

    @work(group="sessions", description="Tagging a session")
    async def action_tag(self) -> None:
        """Change the tags of the chosen session."""
        chosen = self._chosen
        if chosen is None:
            return
        answer = await self.limi.push_screen_wait(TextPrompt("Tags, separated by spaces", " ".join(chosen.tags)))
        if answer is None:
            return
        wanted = set(answer.split())
        tagged = SessionTagged(
            target=chosen.session_id,
            add=tuple(sorted(wanted - set(chosen.tags))),
            remove=tuple(sorted(set(chosen.tags) - wanted)),
        )
        await self._ask(lambda store: store.append_desk(tagged, actor=self.limi.request.actor))
        self._load()

    @work(group="sessions", description="Deleting a session")
    async def action_delete(self) -> None:
        """Put the chosen session into the bin."""
        chosen = self._chosen
        if chosen is None:
            return
        actor = self.limi.request.actor
        done = await self._ask(lambda store: (store.delete(chosen.session_id, actor=actor), True)[1])
        if done:
            self._deleted.append(chosen.session_id)
            self.notify("In the bin. u takes it back; `limi session empty-bin` frees the disk.")
        self._load()

    @work(group="sessions", description="Restoring a session")
    async def action_undo_delete(self) -> None:
        """Take the last deletion back."""
        if not self._deleted:
            self.notify("Nothing was deleted here.")
            return
        session_id, actor = self._deleted.pop(), self.limi.request.actor
        await self._ask(lambda store: store.restore(session_id, actor=actor))
        self._load()


def _searched(summary: SessionSummary) -> str:
    status = _STATUS_WORDS[summary.status]
    return f"{summary.title} {summary.query} {summary.model} {status} {' '.join(summary.tags)}".lower()


def _cells(summary: SessionSummary, *, title_width: int) -> tuple[str, ...]:
    started = datetime.fromisoformat(summary.started_at).astimezone()
    this_year = started.year == datetime.now().astimezone().year
    cells = (
        started.strftime("%m-%d %H:%M" if this_year else "%Y-%m-%d"),
        _STATUS_WORDS[summary.status],
        shortened(summary.title or "(nothing asked)", title_width),
        shortened(summary.model, _MODEL_WIDTH) + (" DEMO" if summary.demo else ""),
        str(summary.turns),
        "" if summary.tokens is None else f"{summary.tokens:,}",
        " ".join(summary.tags),
    )
    return tuple(visible_text(cell, keep="") for cell in cells)

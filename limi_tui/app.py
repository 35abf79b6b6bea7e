"""The workstation: one Textual application, its rooms as screens. Coordinates only; every part does its own work."""

from __future__ import annotations

import os
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import BindingType

from limi_tui import bindings
from limi_tui.guard import install_guard
from limi_tui.screens.session import SessionScreen
from limi_tui.settings import Settings, load_settings, store_setting
from limi_tui.theme import register_themes
from limi_tui.verbs.opening_request import OpeningRequest
from limi_tui.verbs.store_gate import StoreGate
from limi_tui.widgets.terminal_keys import keep_alt_keys


class LimiApp(App[object]):
    """The workstation."""

    TITLE = "limi"
    BINDINGS: ClassVar[list[BindingType]] = bindings.APP
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, request: OpeningRequest, settings: Settings) -> None:
        super().__init__()
        self.request = request
        self.settings = settings
        self.store_gate = StoreGate(request.home)
        self.set_keymap(settings.keymap)

    def on_mount(self) -> None:
        """Show the first room."""
        register_themes(self, theme=self.settings.look.theme)
        self.store_gate.open()
        if self.request.room == "sessions":
            self.show_sessions()
        else:
            self.begin_session(self.request)

    @work(group="opening", description="Choosing a model", exclusive=True)
    async def begin_session(self, request: OpeningRequest) -> None:
        """Open a session; where no model is named, the one in the settings or one that the person chooses."""
        model = request.model or self.settings.model.default
        if model is None and request.session_id is None:
            from limi_tui.screens.model_choice import ModelChoice

            choice = await self.push_screen_wait(ModelChoice(os.environ))
            if choice is None:
                self.exit(0)
                return
            model = choice.model
            if choice.remember:
                store_setting(self.request.home, "model", "default", value=model)
        self.push_screen(SessionScreen(request, model=model))

    def show_sessions(self) -> None:
        """Show all sessions."""
        from limi_tui.screens.sessions import SessionsScreen

        self.push_screen(SessionsScreen())

    def session_ended(self, screen: SessionScreen) -> None:
        """A session was ended by the person: leave."""
        self.exit(0)

    async def action_quit_session(self) -> None:
        """End the session, if one is open, and leave."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, SessionScreen):
                if self.screen is screen:
                    screen.end()
                else:
                    self.notify("Close this window first (Escape).")
                return
        self.exit(0)

    def on_unmount(self) -> None:
        """Close the store."""
        self.store_gate.close()


def run_workstation(request: OpeningRequest) -> int:
    """Open the workstation in this terminal; its exit code."""
    install_guard()
    keep_alt_keys()
    app = LimiApp(request, load_settings(request.home))
    app.run()
    return app.return_code or 0

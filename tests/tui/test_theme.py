"""The themes: readable, complete, and without colour where the user wants none."""

from __future__ import annotations

import pytest
from rich.color import Color
from textual.app import App
from textual.theme import BUILTIN_THEMES, Theme

from limi_sessions.terminal.engine import CellStyle
from limi_tui.theme import ANSI, HIGH_CONTRAST, LIMI_DARK, LIMI_LIGHT, THEMES, ansi_palette, register_themes
from limi_tui.widgets.terminal_style import CellStyles, contrast

LEAST = {"limi-dark": 4.5, "limi-light": 4.5, "high-contrast": 7.0}


def color(text: str | None) -> Color:
    assert text is not None
    return Color.parse(text)


@pytest.mark.parametrize("theme", [LIMI_DARK, LIMI_LIGHT, HIGH_CONTRAST], ids=lambda theme: theme.name)
def test_every_colour_of_text_is_readable_on_every_background(theme: Theme) -> None:
    for background in (theme.background, theme.surface, theme.panel):
        for text in (
            theme.foreground,
            theme.primary,
            theme.secondary,
            theme.accent,
            theme.warning,
            theme.error,
            theme.success,
        ):
            assert contrast(color(text), color(background)) >= LEAST[theme.name], (text, background)


@pytest.mark.parametrize("theme", [LIMI_DARK, LIMI_LIGHT, HIGH_CONTRAST], ids=lambda theme: theme.name)
def test_programs_colours_are_readable_on_the_default_background(theme: Theme) -> None:
    palette = ansi_palette(theme)
    for index in range(1, 16):
        assert contrast(palette.colors[index], palette.background) >= 3, index


@pytest.mark.parametrize("theme", [LIMI_DARK, LIMI_LIGHT, HIGH_CONTRAST], ids=lambda theme: theme.name)
def test_no_pair_of_the_sixteen_colours_is_unreadable(theme: Theme) -> None:
    styles = CellStyles(ansi_palette(theme))
    for fg in range(16):
        for bg in range(16):
            if fg != bg:
                style = styles[CellStyle(fg=fg, bg=bg)]
                assert style.color is not None and style.bgcolor is not None
                assert contrast(style.color, style.bgcolor) >= 3, (fg, bg)


def test_the_ansi_theme_leaves_all_colours_to_the_host() -> None:
    palette = ansi_palette(ANSI)
    assert palette.native
    assert palette.foreground.is_default and palette.background.is_default
    assert palette.colors[1] == Color.from_ansi(1)


def test_a_theme_of_the_users_gets_a_palette_on_its_own_background() -> None:
    palette = ansi_palette(BUILTIN_THEMES["nord"])
    assert palette.background.get_truecolor().hex == "#2e3440"
    assert len(palette.colors) == 256


async def test_an_app_gets_the_four_themes_and_ours_on() -> None:
    app: App[None] = App()
    async with app.run_test():
        register_themes(app)
        assert {theme.name for theme in THEMES} <= set(app.available_themes)
        assert app.theme == "limi-dark"


async def test_under_no_color_the_colourless_theme_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app: App[None] = App()
    async with app.run_test():
        register_themes(app)
        assert app.theme == "ansi"

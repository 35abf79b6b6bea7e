"""Settings: what is read, what goes before what, and how a value is written."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.paths import Home
from limi_tui.settings import SettingsError, load_settings, store_setting, unknown_settings
from limi_tui.verbs.handle import handle_from, is_handle
from limi_tui.verbs.identity import acting_identity


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def write(home: Home, text: str) -> None:
    home.make()
    home.settings.write_text(text)


def test_without_a_file_the_defaults_are_in_force(home: Home) -> None:
    settings = load_settings(home, environ={})
    assert settings.identity.handle is None
    assert settings.terminal.scrollback_lines == 10_000
    assert not home.root.exists()


def test_the_environment_goes_before_the_file(home: Home) -> None:
    write(home, '[model]\ndefault = "zai/glm-4.5"\n[look]\nsplit_ratio = 0.4\n[keymap]\ntake-over = "f9"\n')
    settings = load_settings(home, environ={"LIMI_MODEL": "demo", "LIMI_SCROLLBACK_LINES": "500"})
    assert settings.model.default == "demo"
    assert settings.terminal.scrollback_lines == 500
    assert settings.look.split_ratio == 0.4
    assert settings.keymap == {"take-over": "f9"}


@pytest.mark.parametrize(
    ("text", "environ", "told"),
    [
        ("[terminal]\nscrollback_lines = 5\n", {}, ["settings.toml", "terminal.scrollback_lines", "5", "from 100 to"]),
        ('[terminal]\nshell = "tcsh"\n', {}, ["settings.toml", "terminal.shell", "tcsh", "bash, zsh or fish"]),
        ('[identity]\nhandle = "a b"\n', {}, ["identity.handle", "a b", "letters"]),
        ('[look]\nsplit_ratio = "wide"\n', {}, ["look.split_ratio", "wide", "0.2 to 0.8"]),
        ("[keymap]\ntake-over = 8\n", {}, ["keymap", "8"]),
        ("model = 3\n", {}, ["model", "[model]"]),
        ("[model\n", {}, ["settings.toml", "no TOML"]),
        ("", {"LIMI_SPLIT_RATIO": "half"}, ["LIMI_SPLIT_RATIO", "look.split_ratio", "half"]),
        ("", {"LIMI_AS": "agent"}, ["LIMI_AS", "agent"]),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_its_place(
    home: Home, text: str, environ: dict[str, str], told: list[str]
) -> None:
    write(home, text)
    with pytest.raises(SettingsError) as raised:
        load_settings(home, environ=environ)
    for part in told:
        assert part in str(raised.value)


def test_writing_a_value_keeps_comments_order_and_unknown_keys(home: Home) -> None:
    write(home, '# mine\n[future]\nx = 1\n\n[identity]\n# who\nhandle = "ada" # old\n\n[model]\ndefault = "demo"\n')
    store_setting(home, "identity", "handle", value="bob")
    store_setting(home, "look", "theme", value="ansi")
    store_setting(home, "model", "api_base", value="http://127.0.0.1:8000/v1")
    text = home.settings.read_text()
    assert text.startswith("# mine\n[future]\nx = 1\n")
    assert "# who\n" in text
    assert tomllib.loads(text) == {
        "future": {"x": 1},
        "identity": {"handle": "bob"},
        "model": {"default": "demo", "api_base": "http://127.0.0.1:8000/v1"},
        "look": {"theme": "ansi"},
    }
    assert unknown_settings(home) == ("future",)
    assert stat.S_IMODE(home.settings.stat().st_mode) == 0o600


def test_a_value_that_cannot_be_used_is_not_written(home: Home) -> None:
    write(home, "[look]\nsplit_ratio = 0.3\n")
    with pytest.raises(SettingsError):
        store_setting(home, "look", "split_ratio", value=7.0)
    assert home.settings.read_text() == "[look]\nsplit_ratio = 0.3\n"


def test_a_file_in_a_form_that_we_cannot_edit_stays_as_it_is(home: Home) -> None:
    write(home, 'identity = { handle = "ada" }\n')
    with pytest.raises(SettingsError, match="yourself"):
        store_setting(home, "identity", "handle", value="bob")
    assert home.settings.read_text() == 'identity = { handle = "ada" }\n'


@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back_as_it_was_written(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    store_setting(home, "model", "default", value=value)
    assert load_settings(home, environ={}).model.default == value


@given(name=st.text())
def test_any_name_gives_a_handle(name: str) -> None:
    assert is_handle(handle_from(name))


def test_who_acts_is_said_on_the_command_line_then_in_the_environment_then_in_the_settings(home: Home) -> None:
    assert acting_identity(home, chosen=None, environ={}).source == "system"
    write(home, '[identity]\nhandle = "ada"\n')
    assert acting_identity(home, chosen=None, environ={}).handle == "ada"
    environ = {"LIMI_AS": "bob"}
    assert acting_identity(home, chosen=None, environ=environ).handle == "bob"
    assert acting_identity(home, chosen="eve", environ=environ).handle == "eve"

"""What the user may set: one small model a concern, read from ``settings.toml`` in limi's home.

    [identity]   handle                           LIMI_AS
    [model]      default, api_base                LIMI_MODEL, LIMI_API_BASE
    [look]       theme, split_ratio               LIMI_THEME, LIMI_SPLIT_RATIO
    [terminal]   shell, scrollback_lines          LIMI_SHELL, LIMI_SCROLLBACK_LINES
    [sandbox]    kind, network, allow_hosts, mask LIMI_SANDBOX, LIMI_NETWORK
    [keymap]     id of a binding = "key,key"

A variable of the environment, named on the right, goes before the file. Keys that this version does not know are kept
in the file and named by `limi doctor`; a value that cannot be used is an error: it names file, key and what is allowed.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from limi_sessions.paths import Home, store_socket, write_private
from limi_sessions.records.payload import NetworkMode, SandboxName, ShellName
from limi_tui.verbs.handle import ALLOWED, is_handle


class SettingsError(ValueError):
    """The settings cannot be used or written; the message says where and what to do."""


class _Concern(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _checked_handle(text: str) -> str:
    if not is_handle(text):
        raise ValueError("no handle")
    return text


Handle = Annotated[str, AfterValidator(_checked_handle)]
_Text = Annotated[str, StringConstraints(min_length=1)]


class IdentitySettings(_Concern):
    """Who acts."""

    handle: Annotated[Handle | None, Field(description=ALLOWED)] = None
    """None: the name of the operating system's user."""


class ModelSettings(_Concern):
    """Which model a session starts with."""

    default: Annotated[_Text | None, Field(description="a model as --model takes it")] = None
    """None: the person chooses."""
    api_base: Annotated[_Text | None, Field(description="a URL as --api-base takes it")] = None


class LookSettings(_Concern):
    """How the workstation looks."""

    theme: Annotated[_Text, Field(description="the name of a theme; the workstation lists them")] = "limi-dark"
    split_ratio: Annotated[float, Field(ge=0.2, le=0.8, description="a number from 0.2 to 0.8")] = 0.5
    """Width of the conversation as a part of the whole."""


class TerminalSettings(_Concern):
    """The shared shell and its pane."""

    shell: Annotated[ShellName | None, Field(description="bash, zsh or fish")] = None
    """None: the user's login shell where it is one of these, else bash."""
    scrollback_lines: Annotated[int, Field(ge=100, le=200_000, description="a whole number from 100 to 200000")] = (
        10_000
    )


class SandboxSettings(_Concern):
    """What confines the shared shell."""

    kind: Annotated[Literal["auto"] | SandboxName, Field(description="auto, bubblewrap, landlock or none")] = "auto"
    network: Annotated[NetworkMode, Field(description="off, allow-list or on")] = "off"
    allow_hosts: Annotated[tuple[_Text, ...], Field(description='hosts such as ["pypi.org", "*.example.com"]')] = ()
    """With network ``allow-list``."""
    mask: Annotated[tuple[_Text, ...], Field(description='paths to hide such as ["~/work/keys"]')] = ()
    """Besides those that are hidden anyway; a relative path is below the home."""


class Settings(_Concern):
    """Everything the user may set."""

    identity: IdentitySettings = IdentitySettings()
    model: ModelSettings = ModelSettings()
    look: LookSettings = LookSettings()
    terminal: TerminalSettings = TerminalSettings()
    sandbox: SandboxSettings = SandboxSettings()
    keymap: Annotated[dict[str, str], Field(description='lines such as take-over = "f8"')] = {}
    """Id of a binding to its keys, comma-separated."""


VARIABLES: dict[str, tuple[str, str]] = {
    "LIMI_AS": ("identity", "handle"),
    "LIMI_MODEL": ("model", "default"),
    "LIMI_API_BASE": ("model", "api_base"),
    "LIMI_THEME": ("look", "theme"),
    "LIMI_SPLIT_RATIO": ("look", "split_ratio"),
    "LIMI_SHELL": ("terminal", "shell"),
    "LIMI_SCROLLBACK_LINES": ("terminal", "scrollback_lines"),
    "LIMI_SANDBOX": ("sandbox", "kind"),
    "LIMI_NETWORK": ("sandbox", "network"),
}
"""Variable of the environment to the section and key that it goes before."""

_Table = dict[str, object]
_Scalar = str | int | float | bool


def load_settings(home: Home, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force; the defaults where nothing is set.

    Args:
        home: whose file is read; a missing file is an empty one.
        environ: where overrides are looked up; None for the process's environment.

    Raises:
        SettingsError: the file is no TOML, or a value cannot be used.
    """
    environ = os.environ if environ is None else environ
    where: dict[tuple[str, str], str] = {}
    tables = {name: _section(home, name, value) for name, value in _file_content(home).items()}
    for variable, (section, key) in VARIABLES.items():
        if value := environ.get(variable):
            tables.setdefault(section, {})[key] = value
            where[section, key] = f"the environment variable {variable}"
    try:
        return Settings.model_validate(tables)
    except ValidationError as error:
        raise SettingsError(_problem(home, error, where)) from error


def unknown_settings(home: Home) -> tuple[str, ...]:
    """``section.key`` of everything in the file that this version does not know.

    Raises:
        SettingsError: the file is no TOML.
    """
    unknown: list[str] = []
    for section, value in _file_content(home).items():
        field = Settings.model_fields.get(section)
        if field is None:
            unknown.append(section)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel) and isinstance(value, dict):
            known = field.annotation.model_fields
            unknown += [f"{section}.{key}" for key in cast(_Table, value) if key not in known]
    return tuple(unknown)


def store_setting(home: Home, section: str, key: str, *, value: _Scalar) -> None:
    """Write one value to the file; comments, order and unknown keys stay as they are.

    Raises:
        SettingsError: the value cannot be used, or the file has a form that only its author can edit.
        OSError: the file cannot be written.
    """
    content = _file_content(home)
    changed = {**content, section: {**_section(home, section, content.get(section, {})), key: value}}
    try:
        Settings.model_validate(changed)
    except ValidationError as error:
        raise SettingsError(_problem(home, error, {})) from error
    text = home.settings.read_text(encoding="utf-8") if home.settings.exists() else ""
    edited = _edited(text, section, f"{key} = {_toml_value(value)}", key=key)
    try:
        faithful = tomllib.loads(edited) == changed
    except tomllib.TOMLDecodeError:
        faithful = False
    if not faithful:
        raise SettingsError(f"cannot edit {home.settings}: set {section}.{key} = {_toml_value(value)} in it yourself")
    write_private(home.settings, edited.encode())


def _file_content(home: Home) -> _Table:
    try:
        return cast(_Table, tomllib.loads(home.settings.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except PermissionError:
        if store_socket(home) is None:
            raise
        return {}  # the sandbox of a session's shell hides them
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{home.settings} is no TOML: {error}. Mend or remove the file.") from error


def _section(home: Home, name: str, value: object) -> _Table:
    if not isinstance(value, dict) and name in Settings.model_fields:
        raise SettingsError(f"{home.settings}: {name} must be a section: write [{name}] on a line of its own")
    return dict(cast(_Table, value)) if isinstance(value, dict) else {}


def _problem(home: Home, error: ValidationError, where: Mapping[tuple[str, str], str]) -> str:
    first = error.errors(include_url=False)[0]
    section, key = str(first["loc"][0]), str(first["loc"][1]) if len(first["loc"]) > 1 else ""
    origin = where.get((section, key), str(home.settings))
    name = f"{section}.{key}" if key else section
    return f"{origin}: {name} cannot be {first['input']!r}: it takes {_allowed(section, key)}"


def _allowed(section: str, key: str) -> str:
    concern = Settings.model_fields[section]
    if isinstance(concern.annotation, type) and issubclass(concern.annotation, BaseModel):
        concern = concern.annotation.model_fields[key]
    return concern.description or "another value"


def _edited(text: str, section: str, line: str, *, key: str) -> str:
    """The text with the line in its section; only plain ``[section]`` headers and ``key =`` lines are known."""
    lines = text.splitlines()
    header = next((n for n, old in enumerate(lines) if old.partition("#")[0].strip() == f"[{section}]"), None)
    if header is None:
        gap = [""] if lines and lines[-1].strip() else []
        return "\n".join([*lines, *gap, f"[{section}]", line]) + "\n"
    end = next((n for n in range(header + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    for number in range(header + 1, end):
        if lines[number].partition("=")[0].strip() in (key, f'"{key}"'):
            lines[number] = line
            return "\n".join(lines) + "\n"
    while end > header + 1 and not lines[end - 1].strip():
        end -= 1
    return "\n".join([*lines[:end], line, *lines[end:]]) + "\n"


def _toml_value(value: _Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A JSON string is a TOML basic string, but for DEL; TOML's \u takes no surrogate pairs.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return repr(value)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limi_sessions.sandbox.masked import default_masked


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return (tmp_path / "home").resolve()


def in_home(home: Path, environ: dict[str, str] | None = None, **more: list[str]) -> set[str]:
    found = default_masked(home, environ or {}, home / ".local/share/limi", extra=more.get("extra", ()))
    return {str(path.relative_to(home.parent)) for path in found if path.is_relative_to(home.parent)}


def make(home: Path, *paths: str) -> None:
    for path in paths:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text("x")


def test_only_what_exists_is_masked(home: Path) -> None:
    assert in_home(home) == set()
    make(home, ".ssh/id", ".netrc", ".config/gh/hosts.yml", ".config/nvim/init.lua", ".bashrc")
    make(home, ".local/share/limi/limi.duckdb")
    assert in_home(home) == {"home/.ssh", "home/.netrc", "home/.config/gh", "home/.local/share/limi"}


def test_a_link_is_masked_with_what_it_points_to(home: Path) -> None:
    make(home, "dotfiles/ssh/id")
    (home / ".ssh").symlink_to("dotfiles/ssh")
    (home / ".aws").symlink_to("nowhere")
    (home / ".netrc").symlink_to(".netrc")
    assert in_home(home) == {"home/.ssh", "home/dotfiles/ssh", "home/.aws", "home/.netrc"}


def test_a_link_to_the_home_or_to_everything_does_not_mask_it(home: Path) -> None:
    (home / ".ssh").symlink_to("/")
    (home / ".aws").symlink_to(".")
    assert in_home(home) == {"home/.ssh", "home/.aws"}
    assert Path("/") not in default_masked(home, {}, home)


def test_places_that_variables_move_are_followed(home: Path) -> None:
    make(home, "x/gnupg/key", "x/config/gh/hosts.yml", "x/kube1", "x/kube2", "x/cargo/credentials.toml")
    make(home, "x/krb", "x/hist")
    moved = {
        "GNUPGHOME": str(home / "x/gnupg"),
        "XDG_CONFIG_HOME": str(home / "x/config"),
        "KUBECONFIG": f"{home}/x/kube1:~/x/kube2:{home}/x/absent:relative",
        "CARGO_HOME": "~/x/cargo",
        "KRB5CCNAME": f"FILE:{home}/x/krb",
        "HISTFILE": str(home / "x/hist"),
        "NETRC": "",
        "PGPASSFILE": "a\0b",
    }
    names = {"gnupg", "config/gh", "kube1", "kube2", "cargo/credentials.toml", "krb", "hist"}
    assert in_home(home, moved) == {f"home/x/{name}" for name in names}


def test_the_settings_add_paths(home: Path) -> None:
    make(home, "vault/key", "a.pem")
    (home.parent / "elsewhere").mkdir()
    extra = ["~/vault", "a.pem", str(home.parent / "elsewhere"), "~/absent", "~", "/"]
    assert in_home(home, extra=extra) == {"home/vault", "home/a.pem", "elsewhere"}


def test_nothing_below_something_masked_is_named_again(home: Path) -> None:
    make(home, ".ssh/id", ".ssh/sub/id")
    assert in_home(home, extra=["~/.ssh/sub", "~/.ssh/id"]) == {"home/.ssh"}


def test_of_the_systems_secrets_those_are_named_that_can_be_read(home: Path) -> None:
    named = {str(path) for path in default_masked(home, {}, home)}
    readable = Path("/etc/shadow").exists() and os.access("/etc/shadow", os.R_OK)
    assert ("/etc/shadow" in named) is readable

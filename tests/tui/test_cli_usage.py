"""The program as people and scripts call it: usage errors, exit codes, refusals, help."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pexpect
import pytest
from cli_house import House

from limi_sessions.records.payload import ApprovalMode, ProfileName, ShellName
from limi_tui.cli import options
from limi_tui.cli.failures import EXIT_CODES
from limi_tui.cli.lazy import LazyGroup
from limi_tui.cli.main import cli


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


def test_every_verb_of_the_help_can_be_loaded() -> None:
    def walk(group: LazyGroup, path: str) -> None:
        context = group.make_context(path, [], resilient_parsing=True)
        for name, verb in group.verbs.items():
            command = group.get_command(context, name)
            assert command is not None
            assert command.name == name, f"{path} {name}"
            assert command.callback is not None and command.callback.__doc__, f"{path} {name} says nothing in its help"
            assert len(verb.summary) <= 66, f"{path} {name}: the help would wrap at 80 columns"
            if isinstance(command, LazyGroup):
                walk(command, f"{path} {name}")

    walk(cli, "limi")


def test_every_error_with_an_exit_code_exists() -> None:
    for name in EXIT_CODES:
        module, _, attribute = name.rpartition(".")
        kind = getattr(importlib.import_module(module), attribute)
        assert issubclass(kind, Exception)


def test_the_options_offer_what_the_records_know() -> None:
    assert get_args(ShellName) == options.SHELLS
    assert set(options.MODES) == set(get_args(ApprovalMode))
    assert set(options.PROFILES) == set(get_args(ProfileName))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sesion"], ["sesion", "Did you mean session"]),
        (["session", "lst"], ["lst", "list"]),
        (["--model"], ["--model"]),
        (["--model", "demo", "session", "list"], ["--model", "after the verb"]),
        (["session", "run", "--query", "x"], ["no model", "--model NAME"]),
        (["session", "run", "--model", "demo"], ["no query", "--query"]),
        (["session", "run", "--model", "demo", "--query", "x", "--workspace", "/nowhere"], ["/nowhere"]),
        (["session", "run", "--model", "demo", "--query", "x", "--workspace", "/etc/passwd"], ["/etc/passwd"]),
        (["session", "run", "--model", "demo", "--query", "x", "--shell", "tcsh"], ["tcsh", "bash"]),
        (["session", "run", "--model", "demo", "--query", "x", "--max-turns", "0"], ["--max-turns"]),
        (["session", "run", "--model", "nope/nope", "--query", "x"], ["nope"]),
        (["session", "list", "--as", "a b"], ["a b", "handle"]),
        (["--as", "agent", "session", "list"], ["agent", "handle"]),
        (["whoami", "system"], ["system", "handle"]),
        (["model", "fetch", "llama"], ["llama", "demo"]),
    ],
)
def test_wrong_use_is_told_on_stderr_and_ends_with_2(house: House, arguments: list[str], told: list[str]) -> None:
    ran = house.call(*arguments)
    assert ran.code == 2, ran
    assert ran.out == ""
    assert ran.err.startswith("limi: ")
    assert "Traceback" not in ran.err
    for part in told:
        assert part in ran.err


def test_an_empty_query_on_standard_input_is_refused(house: House) -> None:
    ran = house.limi("session", "run", "--model", "demo", "--query", "-", stdin="  \n")
    assert ran.code == 2
    assert "standard input" in ran.err


def test_a_shell_that_is_not_installed_is_told_with_the_way_to_install_it(house: House, tmp_path: Path) -> None:
    ran = house.limi("session", "run", "--model", "demo", "--query", "x", "--shell", "fish", PATH=str(tmp_path))
    assert ran.code == 2
    assert "fish is not installed" in ran.err and "install fish" in ran.err


@pytest.mark.parametrize("arguments", [[], ["session"], ["session", "new"], ["session", "resume", "latest"]])
def test_a_full_screen_verb_is_refused_inside_the_workstation(house: House, arguments: list[str]) -> None:
    ran = house.call(*arguments, LIMI_INSIDE="0195")
    assert ran.code == 2
    assert "already open around this shell" in ran.err
    assert not house.root.exists()


@pytest.mark.parametrize("arguments", [[], ["session", "new", "--query", "x"], ["session", "resume"]])
def test_a_full_screen_verb_without_a_terminal_is_refused(house: House, arguments: list[str]) -> None:
    ran = house.limi(*arguments)
    assert ran.code == 2
    assert "needs a terminal" in ran.err and "limi session run" in ran.err


def test_the_version_is_printed_both_ways(house: House) -> None:
    assert house.limi("--version").out == house.limi("version").out
    assert house.limi("version").out.startswith("limi ")
    assert house.limi("version", "--json").json()["limi"]  # pyright: ignore


def test_the_handle_is_set_shown_and_overridden(house: House) -> None:
    assert house.call("whoami", "--json").json()["source"] == "system"  # pyright: ignore
    assert house.call("whoami", "ada").code == 0
    assert house.call("whoami", "--json").json() == {"handle": "ada", "source": "settings"}
    assert house.call("--as", "eve", "whoami", "--json").json() == {"handle": "eve", "source": "--as"}
    assert house.call("whoami", "--json", LIMI_AS="bob").json() == {"handle": "bob", "source": "LIMI_AS"}


def test_settings_that_cannot_be_used_are_told_with_file_and_key(house: House) -> None:
    house.home.make()
    house.home.settings.write_text('[terminal]\nshell = "tcsh"\n')
    ran = house.limi("session", "run", "--model", "demo", "--query", "x")
    assert ran.code == 2
    assert str(house.home.settings) in ran.err and "terminal.shell" in ran.err


def test_an_unwritable_home_is_told_and_ends_with_6(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = House(tmp_path / "file" / "home").limi("session", "list")
    assert ran.code == 6
    assert "cannot write" in ran.err and "LIMI_HOME" in ran.err


def test_a_reader_that_goes_away_is_no_error(house: House) -> None:
    command = f"exec {sys.executable} -P -m limi_tui --help"
    with subprocess.Popen(
        ["bash", "-c", f"({command}) | true; echo ${{PIPESTATUS[0]}}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=house.environment(),
    ) as running:
        out, err = running.communicate(timeout=60)
    assert err == b""
    assert out.strip() in (b"141", b"0")


def test_ctrl_c_at_a_question_ends_with_130_and_no_traceback(house: House) -> None:
    session_id = house.record_session()
    child = pexpect.spawn(
        sys.executable,
        ["-P", "-m", "limi_tui", "session", "delete", session_id],
        env={**house.environment(), "TERM": "xterm"},
        timeout=30,
        # A background job is started with SIGINT ignored, and a person's shell never hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    child.expect("Move to the bin")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert b"Traceback" not in (child.before or b"")
    assert house.home.session(session_id).journal.exists()


def test_the_help_comes_from_a_script_too(house: House) -> None:
    script = Path(sys.executable).with_name("limi")
    if not script.exists():
        pytest.skip("limi is not installed as a script here")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0
    assert "Usage: limi [OPTIONS] [VERB] ..." in done.stdout

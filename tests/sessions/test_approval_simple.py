from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limi_sessions.approval.simple import keeps_meanings, not_simple, words_of

SHELLS = {
    "bash": ("bash", "--norc", "-O", "extglob"),
    "zsh": ("zsh", "-f", "-o", "extended_glob", "-o", "interactive_comments", "-o", "magic_equal_subst"),
    "fish": ("fish", "--no-config"),
}
BUILTINS = {
    "bash": "compgen -b -k",
    "zsh": "print -l ${(k)builtins} ${(k)reswords}",
    "fish": "builtin -n",
}
PURE = frozenset(
    "_ caller contains count echo echotc echoti false help kill math path pwd random realpath set_color string test "
    "times true type whence where which".split()
)
"""Builtins that leave nothing behind in the shell."""
SIMPLE = [
    "ls",
    "cat a.txt",
    "git status",
    "find . -name x",
    "./run.sh",
    "pytest -q",
    "git commit -m 'Say what it does; and why (again) | $HOME'",
    'grep -n "a b" src/a.py',
    "make CFLAGS=-O2 all",
    "python3 -m pytest tests/test_a.py::test_b -k 'a or b'",
    "rsync -a src/ host:/srv/app_1/",
    "date +%F",
    "/usr/bin/env python3 a.py",
    "echo ''",
]
OPERATORS = [
    ";",
    " ; ",
    "&",
    " & ",
    "&&",
    " && ",
    "|",
    " | ",
    "||",
    "|&",
    "\n",
    "\r\n",
    "\r",
    "; and ",
    "; or ",
    "\\\n;",
]
AROUND = [
    "{}>out", "{} > out", "{}<in", "{} 2>&1", "{} >>out", "{} &>out", "{} ^out", "{} <<E\nE", "{} <<<x", "cat <({})",
    "({})", "{{ {}; }}", "$({})", "`{}`", "{} $(id)", "{} `id`", "{} (id)", "{} $HOME", "{} ${{HOME}}", '{} "$HOME"',
    '{} "`id`"', "{} ~", "{} ~root/x", "{} *", "{} a?", "{} [ab]", "{} {{a,b}}", "{} a{{1..3}}", "{} !!",
    "{} !$", "!{}",
    "^a^b^{}", "{} # x", "#{}", "{} \\", "{}\\\n x", "X=1 {}", "PATH=. {}", "{} =ls", "{} %self", "{} %1", "{}\t x",
    " {}", "{} ", "{}  x", "{}\x00", "{}\x1b[2K", "{}\u200b", "{} \u202ex", "{} а", "{} 'a'b", '{} a"b"', "{} a'b'c",
    "{} 'a", '{} "a', "{} 'a\\'", "{} $'\\x41'", '{} $"a"', '{} "a!b"', '{} "a\\"b"', "{}\u00a0x", "{}\x85x",
    "{}\u2028x",
    "time {}", "! {}", "if {}", "eval {}", "exec {}", "command {}", "builtin {}", "noglob {}", "not {}", "and {}",
    "begin {}", "repeat 3 {}", "- {}", "alias {}", "source {}", ". {}", "function {}", "coproc {}", "'{}'",
    '"{}"', "\\{}",
]  # fmt: skip
NEARLY_PLAIN = "a1=%:-./@+,_~\\'\" "
HOSTILE = ";&|<>()$`\\\"'*?[]{}~!^#\n\r\t\x00\x1b \u200b\u202e\u00a0а=%:-./a1_@+,"


@pytest.mark.parametrize("command", SIMPLE)
def test_a_program_with_plain_arguments_is_simple(command: str) -> None:
    assert not_simple(command) == ""


def test_the_words_are_what_the_program_gets() -> None:
    assert words_of("git commit -m 'a  b' \"it's\" ''") == ("git", "commit", "-m", "a  b", "it's", "")
    with pytest.raises(ValueError, match="not one simple command"):
        words_of("a; b")


@pytest.mark.parametrize("around", AROUND)
def test_what_stands_around_a_command_makes_it_no_simple_one(around: str) -> None:
    for command in SIMPLE:
        assert not_simple(around.format(command)), around.format(command)


@given(st.sampled_from(SIMPLE), st.sampled_from(OPERATORS), st.sampled_from(SIMPLE))
def test_two_commands_are_never_simple(first: str, operator: str, second: str) -> None:
    assert not_simple(f"{first}{operator}{second}")
    assert not_simple(f"{first}{operator}")


@given(
    st.sampled_from(SIMPLE),
    st.integers(min_value=0),
    st.characters(exclude_characters=[chr(point) for point in range(32, 127)]),
)
def test_no_character_beyond_plain_ascii_is_simple_anywhere(command: str, at: int, character: str) -> None:
    at %= len(command) + 1
    assert not_simple(command[:at] + character + command[at:])


def test_nothing_and_far_too_much_are_not_simple() -> None:
    assert not_simple("") and not_simple(" ")
    assert not_simple("echo " + "x" * 5000)
    assert not_simple("echo " + " ".join(["x"] * 1900)) == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_no_builtin_that_leaves_something_behind_begins_a_simple_command(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    listed = subprocess.run([*SHELLS[shell], "-c", BUILTINS[shell]], capture_output=True, text=True, check=True).stdout
    assert len(listed.split()) > 40
    assert {word for word in listed.split() if not not_simple(f"{word} x")} <= PURE


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ``argv``, which prints what it is given, and files that a glob would find."""
    place = tmp_path_factory.mktemp("words")
    program = place / "argv"
    program.write_text('#!/bin/sh\nprintf \'<%s>\' "$#" "$@"\necho\n')
    program.chmod(0o700)
    for name in ("a", "a1", "a.a", "-a"):
        (place / name).touch()
    return place


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    arguments=st.lists(
        st.lists(
            st.text(HOSTILE, max_size=6)
            | st.text(NEARLY_PLAIN, max_size=8)
            | st.sampled_from(["a", "'a b'", '"a;b"', "--a=1"]),
            max_size=4,
        ).map(" ".join),
        min_size=30,
        max_size=30,
    )
)
def test_bash_zsh_and_fish_run_every_simple_command_as_one_program_with_these_words(
    shell: str, recorder: Path, arguments: list[str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    simple = [command for text in arguments if not not_simple(command := f"argv {text}")]
    simple += ["argv a '--a=b' \"c d\""]
    ran = subprocess.run(
        [*SHELLS[shell], "-c", "\n".join(simple)],
        cwd=recorder,
        env={"PATH": f"{recorder}:/usr/bin:/bin", "HOME": str(recorder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    expected = [(str(len(words)), *words) for command in simple if (words := words_of(command)[1:]) or True]
    assert ran.stdout == "".join("".join(f"<{word}>" for word in line) + "\n" for line in expected), ran.stderr


@pytest.mark.parametrize(
    "command",
    [*SIMPLE, "ls -l | head -3", "cd src && pytest -q; echo done", "ls *.py 2>/dev/null", "cat a.txt > b.txt",
     "echo $HOME",
     "make 2>&1 | tail -20", "sleep 5 &",  "git log --oneline | wc -l", "pushd /tmp", "cat ~/x",
     "find . -name '*.py'"],
)  # fmt: skip
def test_programs_one_after_the_other_leave_the_meaning_of_words(command: str) -> None:
    assert keeps_meanings(command)


@pytest.mark.parametrize(
    "command",
    ["", " ", "alias cat=rm", "true; alias cat=rm", "cat() { rm a; }", "function cat; rm $argv; end", "PATH=.",
     "PATH=.:$PATH",
     "export PATH=.", "ls && export PATH=.", "source x", ". ./x", "eval 'alias cat=rm'", "set -x PATH .",
     "al'ia's cat=rm",
     "al\\ias cat=rm", "$x cat=rm", "${x} cat=rm", "`x` y", "$(echo alias) cat=rm", "a\u200blias x=y",
     "builtin alias x=y",
     "command alias x=y", "true || alias x=y", "true\nalias x=y", "{ alias x=y; }", "if true; then alias x=y; fi",
     "trap 'x' EXIT", "unset x", "hash -p ./x cat", "enable -f x cat", "read PATH < f", "printf -v PATH .",
     "[ a ]; x=1",
     "echo ${PATH:=x}", "echo $((PATH=1))", "cat <<E\nx\nE", "echo ' | ' ; alias x=y", "exec bash",
     "abbr cat rm", "while true",
     "bind x y", "fish -c 'set -U x y'", "env fish x", "setopt aliases", "time alias x=y", "! alias x=y",
     "true& alias x=y", "true|alias x=y",
     "a\ralias x=y"],
)  # fmt: skip
def test_what_may_define_something_is_taken_to_change_meanings(command: str) -> None:
    assert not keeps_meanings(command)

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from limi_sessions.approval.fingerprints import LARGEST, FileTooLarge, Fingerprint, fingerprint_of
from limi_sessions.approval.remembered import CommandRule, FileRule, Remembered


def rule(command: str, *, pid: int = 7, cwd: str = "/w", background: bool = False) -> CommandRule:
    return CommandRule(command, background, cwd, pid, ())


FILE = FileRule("src/a.py", "/w/src/a.py")


def remembered(*rules: CommandRule | FileRule) -> Remembered:
    kept = Remembered()
    for each in rules:
        kept.add(each)
    return kept


def test_a_command_is_covered_in_its_shell_and_directory_and_way_only() -> None:
    kept = remembered(rule("cat a"))
    assert kept.covers(rule("cat a"))
    others = [rule("cat b"), rule("cat a", pid=8), rule("cat a", cwd="/"), rule("cat a", background=True)]
    assert not any(kept.covers(other) for other in others)


@pytest.mark.parametrize(
    ("ran", "forgotten"),
    [
        ("ls | head", ""),
        ("cat b", ""),
        ("cd sub", ""),
        ("./run.sh x", ""),
        ("cp evil .venv/bin/cat", "cat"),
        ("cd bin; cp ../evil cat", "cat"),
        ("curl -o cat http://x", "cat"),
        ("touch functions/cat.fish", "cat"),
        ("python3 make.py --out=bin/cat", "cat"),
        ("mv evil.sh run.sh", "run.sh"),
        ("alias ls=x", "cat run.sh"),
        ("", "cat run.sh"),
    ],
)
def test_what_ran_makes_forget_what_it_may_have_replaced(ran: str, forgotten: str) -> None:
    cat, run = rule("cat a"), rule("./run.sh")
    kept = remembered(cat, run, FILE)
    kept.command_ran(ran)
    expected = [name not in forgotten.split() for name in ("cat", "run.sh")]
    assert [kept.covers(cat), kept.covers(run)] == expected
    assert kept.covers(FILE)


@pytest.mark.parametrize("path", ["bin/cat", "cat", "fish/functions/cat.fish", "/w/.venv/bin/cat"])
def test_a_file_written_under_a_programs_name_makes_forget_its_commands(path: str) -> None:
    cat, ls = rule("cat a"), rule("ls")
    kept = remembered(cat, ls)
    kept.file_changed(path)
    assert not kept.covers(cat) and kept.covers(ls)


def test_a_rule_says_in_words_what_it_covers() -> None:
    files = (("/w/run.sh", "file /w/run.sh 12"), ("sub", "directory /w/sub"), ("a", "file /w/a 34"))
    assert CommandRule("./run.sh sub a", False, "/w", 7, files).words == (
        "exactly this command in /w, while unchanged: run.sh, a"
    )
    assert rule("ls").words == "exactly this command in /w"
    many = tuple((f"f{n}", f"file /w/f{n} 0") for n in range(6))
    assert CommandRule("cat", False, "/w", 7, many).words.endswith("unchanged: f0, f1, f2 and 3 more")


def replace_by_link(place: Path) -> None:
    (place / "a.txt").rename(place / "b.txt")
    (place / "a.txt").symlink_to("b.txt")


CHANGES: dict[str, Callable[[Path], object]] = {
    "other content": lambda place: (place / "a.txt").write_text("two"),
    "gone": lambda place: (place / "a.txt").unlink(),
    "a link to the same content": replace_by_link,
    "an argument that names nothing now names a file": lambda place: (place / "later").touch(),
    "a value of an option": lambda place: (place / "conf.ini").write_text("two"),
    "a part of a quoted script": lambda place: (place / "inner.sh").write_text("two"),
    "what git reads by itself": lambda place: (place / ".git" / "config").write_text("[core]\n\tpager = ./x\n"),
    "what git runs by itself": lambda place: (place / ".git" / "hooks" / "pre-commit").touch(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_a_command_names_or_reads_is_seen(tmp_path: Path, change: str) -> None:
    def now() -> Fingerprint:
        words = ("git", "a.txt", "later", "--config=conf.ini", "sh ./inner.sh; x", "sub", "-q")
        return fingerprint_of(words, tmp_path / "sub" / "..", workspace=tmp_path)

    (tmp_path / ".git" / "hooks").mkdir(parents=True)
    (tmp_path / "sub").mkdir()
    for name in ("a.txt", "conf.ini", "inner.sh", ".git/config", "other"):
        (tmp_path / name).write_text("one")
    before = now()
    (tmp_path / "other").write_text("two")
    os.utime(tmp_path / "a.txt", (0, 0))
    assert now() == before
    CHANGES[change](tmp_path)
    assert now() != before


@pytest.mark.timeout(10)
def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "closed").mkdir(mode=0o000)
    words = ("cat", "fifo", "closed/x", "/dev/null", "x" * 300, "a/b", "\0")
    assert [path for path, _ in fingerprint_of(words, tmp_path, workspace=tmp_path)][:1] == ["fifo"]


def test_a_file_too_large_to_be_read_each_time_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as big:
        big.truncate(LARGEST + 1)
    with pytest.raises(FileTooLarge, match="big has more than 64 MB"):
        fingerprint_of(("cat", "big"), tmp_path, workspace=tmp_path)

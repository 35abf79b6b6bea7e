"""What was accepted for the session, against everything that looks like it: nothing else may run unasked."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from approval_house import ACCEPT, REJECT, REMEMBER, Sitting, commands, sitting, turn

from limi_sessions.agent.ports import Decision, Proposal
from limi_sessions.records.payload import ShellName, ToolDecided

pytestmark = pytest.mark.timeout(240)
each_shell = pytest.mark.parametrize(
    "shell",
    [
        pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
        for name in ("bash", "zsh", "fish")
    ],
)
BENIGN = (
    "cat a.txt",
    "git status",
    "find . -name x",
    "ls",
    "./run.sh",
    "pytest -q --version",
    "tar tf a.tar",
    "rsync --version",
    "ssh -V",
    "echo 'a; b' \"it's\"",
    "make -s",
)
QUOTED = re.compile(r"'[^'\\\\]*'|\"[^\"$`!\\\\]*\"")
SPECIAL = frozenset(";&|<>()$`\\'\"*?[]{}~!^#")
BYPASSES = (
    # Another program behind the same letters.
    "./cat a.txt", "/bin/cat a.txt", "sub/../cat a.txt", "CAT a.txt", "busybox cat a.txt", "\\cat a.txt", "c''at a.txt",
    "'cat' a.txt", '"cat" a.txt', "c\\at a.txt", "ca$@t a.txt", "$(echo cat) a.txt", "`echo cat` a.txt", "{cat,a.txt}",
    "=cat a.txt", "cat (echo a.txt)", "с\u0430t a.txt", "\uff43at a.txt", "cat\u200b a.txt", "cat\u00a0a.txt",
    "\u202ecat a.txt",
    "cat\u2060 a.txt", "ca\u0074\u0301 a.txt",
    # More than the command.
    "cat a.txt;id", "cat a.txt ; id", "cat a.txt&&id", "cat a.txt || id", "cat a.txt|sh", "cat a.txt |& sh",
    "cat a.txt&",
    "cat a.txt & id", "cat a.txt\nid", "cat a.txt\n", "\ncat a.txt", "cat a.txt\r\nid", "cat a.txt\rid",
    "cat a.txt; and id",
    "id; cat a.txt", "cat \\\na.txt", "cat a.txt \\\n; id", "cat a.txt # harmless", "ls #\nid", "cat\ta.txt",
    " cat a.txt",
    "cat a.txt ", "cat  a.txt", "cat a.txt\x00", "cat a.txt\x1b[2K", "!!", "!cat", "^a^b", "fc -s cat", "%1",
    "fg; cat a.txt",
    # Other words.
    "cat a.tx?", "cat *.txt", "cat [a].txt", "cat {a,/etc/passwd}", "cat a.txt{,b}", "cat ~/a.txt", "cat $PWD/a.txt",
    "cat${IFS}a.txt", "cat$IFS/etc/passwd", "cat 'a.txt' /etc/passwd", "cat a.txt /etc/passwd", "cat 'a'.txt",
    'cat "$(id)"',
    "cat $'a.txt'", "cat $'\\x61.txt'", "cat ./a.txt", "cat -- a.txt", "ls -la", "ls -l", "ls .",
    # Redirections and substitutions.
    "cat a.txt>b", "cat a.txt >> ~/.bashrc", "cat<a.txt", "cat a.txt 2>&1", "cat <(id)", "cat <<E\nx\nE", "cat <<<x",
    "cat a.txt >(id)",
    "cat a.txt | tee .git/hooks/pre-commit", "(cat a.txt)", "{ cat a.txt; }", "begin; cat a.txt; end",
    # Something before it.
    "PATH=. cat a.txt", "X=1 cat a.txt", "env cat a.txt", "env sh -c 'cat a.txt'", "env -S 'cat a.txt'",
    "time cat a.txt",
    "nohup cat a.txt", "sudo cat a.txt", "command cat a.txt", "builtin cat a.txt", "exec cat a.txt", "eval cat a.txt",
    "noglob cat a.txt", "! cat a.txt", "echo a.txt | xargs cat", "xargs cat", "nice cat a.txt", "timeout 5 cat a.txt",
    "sh -c 'cat a.txt'", "bash -c \"cat a.txt\"", "source a.txt", ". a.txt", "repeat 2 cat a.txt",
    "for x in 1; do ls; done",
    # Options that run something.
    "git -c core.pager=./run.sh status", "git -c alias.status=!id status", "git --exec-path=. status",
    "git status --help",
    "git -C sub status", "git --git-dir=sub/.git status", "find . -name x -exec id ';'", "find . -name x -delete",
    "find . -name x -execdir sh -c id {} +", "tar tf a.tar --checkpoint=1 --checkpoint-action=exec=id",
    "tar tf a.tar -I ./run.sh",
    "rsync -e ./run.sh --version", "ssh -o ProxyCommand=./run.sh x", "ssh -V -o LocalCommand=id", "make -s -f a.txt",
    "make -s SHELL=./run.sh", "pytest -q --version -p a", "pytest -q", "./run.sh x", "./run.sh\\", ".//run.sh",
    "sh run.sh",
)  # fmt: skip


def furnish(workspace: Path) -> None:
    (workspace / "sub").mkdir()
    for name, text in {"a.txt": "one\n", "sub/a.txt": "other\n", "evil.sh": "#!/bin/sh\necho evil\n"}.items():
        (workspace / name).write_text(text)
    (workspace / "Makefile").write_text("all:\n\t@echo made\n")
    (workspace / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (workspace / "run.sh").chmod(0o755)
    subprocess.run(["tar", "cf", "a.tar", "a.txt"], cwd=workspace, check=True)
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)


def command_of(proposal: Proposal) -> str:
    return str(json.loads(proposal.call.arguments).get("command"))


def remember_rememberable(proposal: Proposal) -> Decision:
    assert proposal.rememberable and not proposal.not_rememberable, (command_of(proposal), proposal.not_rememberable)
    return REMEMBER


def by(decided: list[ToolDecided]) -> list[str]:
    return [decision.by for decision in decided]


async def accept_for_the_session(here: Sitting, count: int) -> None:
    decided, _ = await here.says(remember_rememberable)
    assert [(d.by, d.decision, d.remembered, d.mode) for d in decided] == [("human", "accept", True, "ask")] * count


@each_shell
async def test_nothing_but_the_very_same_command_runs_unasked(tmp_path: Path, shell: ShellName) -> None:
    (tmp_path / "ws").mkdir()
    furnish(tmp_path / "ws")
    assert len(set(BYPASSES)) == len(BYPASSES) >= 40 and not set(BENIGN) & set(BYPASSES)
    turns = [commands(*BENIGN), commands(*BENIGN), commands(*BYPASSES), commands(*BENIGN)]
    async with sitting(tmp_path, *turns, shell=shell) as here:
        await accept_for_the_session(here, len(BENIGN))
        decided, finished = await here.says(lambda _: REJECT)
        assert by(decided) == ["remembered"] * len(BENIGN) and not here.expert.asked
        assert [result.status for result in finished] == ["done"] * len(BENIGN)
        assert finished[0].result.startswith("one\n") and finished[4].result.startswith("ran\n")

        decided, finished = await here.says(lambda _: REJECT)
        assert [command_of(proposal) for proposal in here.expert.asked] == list(BYPASSES)
        assert {(d.by, d.decision) for d in decided} == {("human", "reject")}
        assert {result.status for result in finished} == {"denied"}
        # Accepting for the session is offered for a single plain command only.
        for proposal in here.expert.asked:
            bare = QUOTED.sub("", command_of(proposal))
            assert not proposal.rememberable or (bare.isprintable() and bare.isascii() and not set(bare) & SPECIAL)
            assert bool(proposal.rememberable) != bool(proposal.not_rememberable)
        # What was refused changed nothing of what was accepted.
        decided, _ = await here.says(lambda _: REJECT)
        assert by(decided) == ["remembered"] * len(BENIGN)


REDEFINED = {
    "bash": ["alias cat='echo evil'", "cat() { echo evil; }", "PATH=.:$PATH", "export PATH=.:$PATH",
             "eval \"alias cat='echo evil'\"", "source ./define", "true && alias cat='echo evil'",
             "trap 'echo evil' DEBUG", "hash -p ./evil.sh cat",
             "al''ias cat=evil", "X=alias; $X cat=evil", "set -o noglob", "shopt -s expand_aliases", "enable -n echo",
             "read -r PATH < a.txt", "printf -v PATH ."],
    "zsh": ["alias -g a.txt='evil.sh'", "cat() { echo evil }", "path=(. $path)", "export PATH=.:$PATH",
            "hash cat=./evil.sh", "functions[cat]='echo evil'", "source ./define", "setopt extended_glob",
            "preexec() { echo evil }"],
    "fish": ["alias cat 'echo evil'", "function cat; echo evil; end", "set -x PATH . $PATH", "abbr -a cat echo evil",
             "source ./define", "true; and alias cat 'echo evil'", "eval \"alias cat 'echo evil'\""],
}  # fmt: skip


@each_shell
async def test_the_same_words_are_asked_about_once_they_may_mean_something_else(
    tmp_path: Path, shell: ShellName
) -> None:
    (tmp_path / "ws").mkdir()
    furnish(tmp_path / "ws")
    (tmp_path / "ws" / "define").write_text("alias cat='echo evil'\n")
    redefined = REDEFINED[shell]
    asked: list[str] = []

    def rule(proposal: Proposal) -> Decision:
        asked.append(command_of(proposal))
        return REMEMBER if command_of(proposal) == "echo x" else ACCEPT

    round_ = [line for change in redefined for line in (change, "echo x", "echo x")]
    async with sitting(tmp_path, commands("echo x"), commands(*round_), shell=shell) as here:
        await here.says(rule)
        asked.clear()
        decided, finished = await here.says(rule)
        # After each change the words are asked about once, and run unasked after that: so the test can fail both ways.
        assert asked == [line for change in redefined for line in (change, "echo x")]
        assert by(decided) == ["human", "human", "remembered"] * len(redefined)
        assert {result.status for result in finished} == {"done"}


@each_shell
async def test_the_same_words_over_other_files_are_asked_about(tmp_path: Path, shell: ShellName) -> None:
    (tmp_path / "ws").mkdir()
    furnish(tmp_path / "ws")
    lines = ("./run.sh", "cat a.txt", "make -s", "git status")
    async with sitting(tmp_path, *([commands(*lines)] * 7), shell=shell) as here:
        ws = here.workspace
        await accept_for_the_session(here, 4)

        async def unasked() -> list[str]:
            decided, _ = await here.says(lambda _: REJECT)
            return [line for line, decision in zip(lines, decided, strict=True) if decision.by == "remembered"]

        assert await unasked() == list(lines)
        (ws / "run.sh").write_text("#!/bin/sh\necho evil\n")
        assert await unasked() == ["cat a.txt", "make -s", "git status"]
        (ws / "run.sh").unlink()
        (ws / "run.sh").symlink_to("evil.sh")
        (ws / "Makefile").write_text("all:\n\t@echo evil\n")
        assert await unasked() == ["cat a.txt", "git status"]
        (ws / "run.sh").unlink()
        (ws / "run.sh").write_text("#!/bin/sh\necho ran\n")
        (ws / "Makefile").write_text("all:\n\t@echo made\n")
        config = (ws / ".git" / "config").read_bytes()
        subprocess.run(["git", "config", "core.fsmonitor", "./evil.sh"], cwd=ws, check=True)
        (ws / "a.txt").rename(ws / "b.txt")
        (ws / "a.txt").symlink_to("b.txt")
        assert await unasked() == ["./run.sh", "make -s"]
        (ws / ".git" / "config").write_bytes(config)
        (ws / ".git" / "hooks" / "post-index-change").write_text("#!/bin/sh\necho evil\n")
        (ws / "GNUmakefile").write_text("all:\n\t@echo evil\n")
        (ws / "a.txt").unlink()
        os.mkfifo(ws / "a.txt")
        assert await unasked() == ["./run.sh"]
        for name in (".git/hooks/post-index-change", "GNUmakefile", "a.txt"):
            (ws / name).unlink()
        (ws / "a.txt").write_text("one\n")
        assert await unasked() == list(lines)


@each_shell
async def test_another_directory_another_way_to_run_and_another_hand_are_asked_about(
    tmp_path: Path, shell: ShellName
) -> None:
    (tmp_path / "ws").mkdir()
    furnish(tmp_path / "ws")
    turns = [
        commands("cat a.txt", "ls"),
        commands("cd sub", "cat a.txt", "ls", "cd ..", "cat a.txt", "ls"),
        turn(
            ("terminal_send", {"text": "cat a.txt", "keys": ["enter"]}),
            ("run_shell_command", {"command": "cat a.txt", "is_background": True}),
            ("run_shell_command", {"command": "cat a.txt", "description": "again", "wait_s": 5}),
        ),
    ]
    moves = {"cd sub", "cd .."}
    async with sitting(tmp_path, *turns, shell=shell) as here:
        await accept_for_the_session(here, 2)
        decided, finished = await here.says(lambda p: ACCEPT if command_of(p) in moves else REJECT)
        assert by(decided) == ["human"] * 4 + ["remembered"] * 2
        assert finished[1].status == "denied" and finished[4].result.startswith("one\n")
        decided, _ = await here.says(lambda _: REJECT)
        assert by(decided) == ["human", "human", "remembered"]
        assert here.expert.asked[0].not_rememberable


@each_shell
async def test_what_the_expert_types_between_decision_and_run_undoes_the_decision(
    tmp_path: Path, shell: ShellName
) -> None:
    async with sitting(tmp_path, *([commands("echo x")] * 4), shell=shell) as here:
        await accept_for_the_session(here, 1)
        assert by((await here.says(lambda _: REJECT))[0]) == ["remembered"]
        shared = here.session.shell.shell
        assert shared is not None
        shared.lease.take_over()
        working = asyncio.create_task(here.says(lambda _: REJECT))
        await here.expert.until("waiting for the shell")
        define = "alias echo 'true'" if shell == "fish" else "alias echo=true"
        assert shared.type_human(f"{define}\r".encode()) == "typed"
        shared.lease.hand_back()
        decided, finished = await working
        assert by(decided) == ["remembered"] and finished[0].status == "error"
        assert "propose it again" in finished[0].result
        assert by((await here.says(lambda _: REJECT))[0]) == ["human"]


async def test_a_file_accepted_for_the_session_is_that_path_and_no_other(tmp_path: Path) -> None:
    def write(path: str, content: str) -> tuple[str, dict[str, object]]:
        return "write_file", {"file_path": path, "content": content}

    changes = [
        write("a.txt", "two\n"),
        ("replace", {"file_path": "a.txt", "old_string": "two", "new_string": "three"}),
        write(str(tmp_path / "ws" / "a.txt"), "four\n"),
    ]
    others = [write(path, "x") for path in ("A.txt", "sub/a.txt", "a.txt ", "b.txt", ".git/config", "link/a.txt")]
    async with sitting(
        tmp_path, turn(write("a.txt", "one\n")), turn(*changes), turn(*others), turn(changes[0])
    ) as here:
        (here.workspace / "sub").mkdir()
        (here.workspace / "link").symlink_to("sub")
        await accept_for_the_session(here, 1)
        decided, _ = await here.says(lambda _: REJECT)
        assert by(decided) == ["remembered"] * 3 and (here.workspace / "a.txt").read_text() == "four\n"
        decided, _ = await here.says(lambda _: REJECT)
        assert by(decided) == ["human"] * len(others)
        # The same name, led elsewhere.
        (here.workspace / "a.txt").unlink()
        (here.workspace / "a.txt").symlink_to("sub/a.txt")
        assert by((await here.says(lambda _: REJECT))[0]) == ["human"]

"""Verbs about branches: shown, compared, forked and exported as pairs by the real program."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_house import HOSTILE, SHELL_TOOL, House

from limi_sessions.checkpoints import Checkpoints
from limi_sessions.journal import Journal
from limi_sessions.records.message import Completion, ToolCall
from limi_sessions.records.payload import (
    ModelMessage,
    Payload,
    Rewound,
    SessionFinished,
    SessionStarted,
    ToolDecided,
    ToolFinished,
    UserMessage,
    WorkspaceSnapshotTaken,
)

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
PROPOSED = ToolCall(call_id="c1", name="run_shell_command", arguments='{"command": "rm -rf ."}')
EDITED = PROPOSED.model_copy(update={"arguments": '{"command": "rm -rf build"}'})


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    return place


def answered(content: str, *calls: ToolCall) -> ModelMessage:
    finish = "tool_calls" if calls else "stop"
    return ModelMessage(request_id="r", completion=Completion(content=content, tool_calls=calls, finish_reason=finish))


def branched(house: House, workspace: Path, session_id: str = "0199aaaa-parent") -> str:
    """Turns 0 to 4 on main with an edited call; b1 leaves after turn 3; each tip has files of its own."""
    checkpoints = Checkpoints(
        workspace, house.home.session(session_id).workspace_git, limi_home=house.root, secrets=lambda: ()
    )

    def kept(**files: str) -> WorkspaceSnapshotTaken:
        for name, content in files.items():
            (workspace / name).write_text(content)
        taken = checkpoints.take()
        return WorkspaceSnapshotTaken(tree=taken.tree, checkpoint=taken.id, skipped=taken.skipped)

    house.home.session(session_id).root.mkdir(parents=True, mode=0o700)
    house.home.sessions.chmod(0o700)
    house.root.chmod(0o700)
    payloads: list[tuple[Payload, str]] = [
        (
            SessionStarted(
                limi_version="0",
                query="clean up",
                workspace=str(workspace),
                model="m",
                system_prompt=f"The workspace is {workspace}.",
                tools=(SHELL_TOOL,),
            ),
            "system",
        ),
        (UserMessage(content="clean up"), "ada"),
        (kept(a="one\n"), "system"),
        (answered("I clean.", PROPOSED), "agent"),
        (ToolDecided(call_id="c1", decision="accept", by="human", edited=EDITED), "ada"),
        (ToolFinished(call_id="c1", name="run_shell_command", status="done", result="ok"), "agent"),
        (answered(f"first answer {HOSTILE}"), "agent"),
        (kept(a="first\n"), "system"),
        (Rewound(branch="b1", from_branch="main", from_turn=5, to_branch="main", to_turn=4), "ada"),
        (answered("second answer"), "agent"),
        (kept(a="second\nmore\n", b="new\n"), "system"),
        (SessionFinished(status="done", outcome="success"), "ada"),
    ]
    return house.record(payloads, session_id=session_id)


def ran_json(house: House, *arguments: str) -> Any:
    ran = house.call(*arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.json()


def contents(turns: list[dict[str, Any]]) -> list[str]:
    return [turn["content"] for turn in turns]


@needs_git
def test_show_gives_the_path_and_names_every_branch(house: House, workspace: Path) -> None:
    session_id = branched(house, workspace)
    shown = ran_json(house, "session", "show", session_id)
    assert [{k: v for k, v in branch.items() if k != "ts"} for branch in shown["branches"]] == [
        {"name": "main", "parent": None, "at_turn": 0, "turns": 5, "current": False},
        {"name": "b1", "parent": "main", "at_turn": 4, "turns": 1, "current": True},
    ]
    assert [branch["ts"] for branch in shown["branches"]] == [shown["events"][0]["ts"], shown["events"][8]["ts"]]
    assert contents(shown["turns"])[3:] == ["ok", "second answer"]
    assert shown["turns"][3]["edited"]["arguments"] == EDITED.arguments
    assert len(shown["events"]) == 12
    assert (shown["session"]["branches"], shown["session"]["turns"]) == (2, 5)
    other = ran_json(house, "session", "show", session_id, "--branch", "main")
    assert contents(other["turns"])[3:] == ["ok", f"first answer {HOSTILE}"]
    assert other["events"] == shown["events"]
    ran = house.call("session", "show", session_id, "--branch", "b7")
    assert ran.code == 2 and "there is no branch 'b7'; there are: main, b1" in ran.err


@needs_git
def test_a_person_reads_one_path_with_a_line_where_it_was_rewound(house: House, workspace: Path) -> None:
    session_id = branched(house, workspace)
    text = house.call("session", "show", session_id).out
    assert "first answer" not in text
    assert text.index("changed before it ran") < text.index("[rewound to turn 3 of main") < text.index("second answer")
    assert "main was left after 5 turns, b1 begins" in text
    assert "branches: main, b1 · shown: b1" in text
    left = house.call("session", "show", session_id, "--branch", "main").out
    assert "first answer" in left and "second answer" not in left and "rewound" not in left
    assert not set(left) & set("\x1b\x07\x9b\u202e\u200b")
    plain = house.record_session()
    assert "branches:" not in house.call("session", "show", plain).out


@needs_git
def test_two_branches_are_compared_turn_by_turn_and_file_by_file(house: House, workspace: Path) -> None:
    session_id = branched(house, workspace)
    compared = ran_json(house, "session", "compare", session_id, "main")
    assert compared["common_turns"] == 4
    first, second = compared["sides"]
    assert (first["branch"], contents(first["turns"])) == ("main", [f"first answer {HOSTILE}"])
    assert (second["branch"], contents(second["turns"])) == ("b1", ["second answer"])
    assert first["outcome"] == "left: the agent had the last word"
    assert second["outcome"] == "ended: done, judged a success"
    assert [(f["path"], f["kind"], f["added"], f["removed"]) for f in compared["files"]] == [
        ("a", "modified", 2, 1),
        ("b", "added", 1, 0),
    ]
    same = ran_json(house, "session", "compare", session_id, "main", "main")
    assert same["common_turns"] == 5 and same["files"] == [] and contents(same["sides"][0]["turns"]) == []
    text = house.call("session", "compare", session_id, "main", "b1").out
    assert text.index("4 turns in common") < text.index("first answer") < text.index("second answer")
    assert "files that differ from the end of A to the end of B: 2" in text and "modified a  +2 -1" in text
    assert not set(text) & set("\x1b\x07\x9b\u202e\u200b")
    assert "�" not in text


@needs_git
def test_a_fork_is_a_session_like_any_other_and_is_compared_with_its_parent(
    house: House, workspace: Path, tmp_path: Path
) -> None:
    parent = branched(house, workspace)
    copy = tmp_path / "copy"
    made = ran_json(
        house, "session", "fork", parent, "--branch", "main", "--at", "4", "--workspace", str(copy), "--as", "bob"
    )
    assert (made["parent_session_id"], made["branch"], made["turns"]) == (parent, "main", 5)
    assert (made["workspace"], made["problems"]) == (str(copy), [])
    assert (copy / "a").read_text() == "first\n" and not (copy / "b").exists()
    fork = made["session_id"]
    newest, _ = ran_json(house, "session", "list")
    assert (newest["session_id"], newest["parent_session_id"], newest["workspace"]) == (fork, parent, str(copy))
    assert newest["status"] == "cut_off" and newest["turns"] == 5
    shown = ran_json(house, "session", "show", fork)
    assert contents(shown["turns"])[-1] == f"first answer {HOSTILE}"
    assert shown["events"][-1]["kind"] == "session_forked" and shown["events"][-1]["actor"] == "bob"
    assert "forked from main of session" in house.call("session", "show", fork).out

    journal = Journal(house.home.session(fork).journal, fork)
    journal.append(UserMessage(content="on we go"), actor="bob")
    journal.close()
    compared = ran_json(house, "session", "compare", parent, fork)
    assert compared["common_turns"] == 4
    assert [contents(side["turns"])[-1] for side in compared["sides"]] == ["second answer", "on we go"]
    assert compared["sides"][1]["outcome"] == "cut off: the agent had not answered"
    assert [(f["path"], f["kind"]) for f in compared["files"]] == [("a", "modified"), ("b", "deleted")]
    assert [path.name for path in house.root.iterdir() if path.name.startswith(".compare")] == []
    for arguments in (["store", "check"], ["session", "delete", parent]):
        assert house.call(*arguments).code == 0
    assert ran_json(house, "session", "compare", fork, parent)["common_turns"] == 4  # it lies in the bin


@needs_git
def test_states_of_two_forks_are_compared_though_each_keeps_its_own(
    house: House, workspace: Path, tmp_path: Path
) -> None:
    parent = branched(house, workspace)
    forks = [ran_json(house, "session", "fork", parent, "-w", str(tmp_path / name))["session_id"] for name in "xy"]
    for fork, name in zip(forks, "xy", strict=True):
        (tmp_path / name / "a").write_text(f"only in {name}\n")
        paths = house.home.session(fork)
        taken = Checkpoints(tmp_path / name, paths.workspace_git, limi_home=house.root, secrets=lambda: ()).take()
        assert taken.id is not None
        journal = Journal(paths.journal, fork)
        journal.append(WorkspaceSnapshotTaken(tree=taken.tree, checkpoint=taken.id), actor="system")
        journal.close()
    compared = ran_json(house, "session", "compare", *forks)
    assert [(f["path"], f["kind"], f["added"], f["removed"]) for f in compared["files"]] == [("a", "modified", 1, 1)]
    assert compared["common_turns"] == 5


def test_what_cannot_be_forked_or_compared_says_what_to_do(house: House, tmp_path: Path) -> None:
    one, other = house.record_session(query="one"), house.record_session(query="other")
    binned = house.record_session(query="binned")
    house.call("session", "delete", binned)
    for arguments, said in (
        (["fork", one, "--at", "99"], "the turns are 0 to 4"),
        (["fork", one, "--branch", "b1"], "there are: main"),
        (["fork", one, "--workspace", str(tmp_path / "new")], "without --workspace"),
        (["fork", one, "--workspace", str(house.root)], "limi's own home"),
        (["fork", binned], f"limi session restore {binned}"),
        (["fork", "ffffffff"], "ffffffff"),
        (["fork", one, "--at", "-1"], "--at"),
        (["compare", one, "b1"], "neither a branch of session"),
        (["compare", one, other], "was not forked from"),
        (["compare", one, "main", "b1"], "there is no branch 'b1'"),
        (["compare", one], "BRANCH|ID"),
    ):
        ran = house.call("session", *arguments)
        assert ran.code == 2 and said in ran.err, (arguments, ran.err)
        assert ran.out == ""
    assert len(ran_json(house, "session", "list")) == 2
    assert not (tmp_path / "new").exists()
    compared = ran_json(house, "session", "compare", one, "main")
    assert compared["files"] is None and "no state of the files was kept" in compared["files_unknown_because"]


def test_a_fork_without_a_workspace_works_where_its_parent_does(house: House) -> None:
    parent = house.record_session()
    ran = house.call("session", "fork", parent, "--at", "2")
    assert ran.code == 0
    assert f"of {parent} (main)" in ran.out and "4 turns" in ran.out and "limi session resume" in ran.out
    newest = ran_json(house, "session", "list")[0]
    assert (newest["workspace"], newest["turns"]) == ("/w", 4)  # the call that turn 2 made has its result


@needs_git
def test_a_session_shell_cannot_make_other_sessions(house: House) -> None:
    session_id = house.record_session()
    before = sorted(path.name for path in house.home.sessions.iterdir())
    ran = house.call("session", "fork", session_id, LIMI_STORE_SOCKET="/run/limi.sock")
    assert ran.code == 2 and "another terminal" in ran.err
    assert sorted(path.name for path in house.home.sessions.iterdir()) == before


@needs_git
def test_pairs_are_exported_by_the_verb(house: House, workspace: Path, tmp_path: Path) -> None:
    branched(house, workspace)
    plain = house.record_session()
    target = tmp_path / "pairs.jsonl"
    report = ran_json(house, "export", "--format", "preference", "--all", "-o", str(target))
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert report["rows"] == len(rows) == 2
    assert [(loss["kind"], loss["session_id"]) for loss in report["losses"]] == [
        ("edited_call", "0199aaaa-parent"),
        ("session_without_pair", plain),
    ]
    edited, divergence = rows
    for side, command in (("chosen", "rm -rf build"), ("rejected", "rm -rf .")):
        assert edited[side][0]["tool_calls"][0]["function"]["arguments"] == {"command": command}
    assert divergence["chosen"] == [{"role": "assistant", "content": "second answer"}]
    assert divergence["prompt"][2]["tool_calls"][0]["function"]["arguments"] == {"command": "rm -rf build"}
    before = target.read_bytes()
    assert house.call("export", "--format", "preference", "--all", "--whole", "-o", str(target)).code == 0
    assert target.read_bytes() == before  # one answer is all that followed
    ran = house.call("export", "--all", "--whole", "-o", str(target))
    assert ran.code == 2 and "--format preference" in ran.err
    text = house.call("export", "--format", "preference", "--all", "-o", "-").out
    assert [json.loads(line) for line in text.splitlines()] == rows

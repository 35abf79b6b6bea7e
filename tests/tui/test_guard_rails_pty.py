"""The guard rails as a person meets them: the real program in a real pty, and what became of it on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli_house import House
from workstation import CTRL_Q, F6, Workstation, call, empty_workspace, new_house, nothing_runs_in, script

F4, F7, F9 = "\x1bOS", "\x1b[18~", "\x1b[20~"
CTRL_S, CTRL_U, UP = "\x13", "\x15", "\x1b[A"


@dataclass
class Guarded:
    """One session with every guard rail used, as it was seen, and what was recorded."""

    house: House
    workspace: Path
    seen: dict[str, str] = field(default_factory=dict[str, str])
    shown: dict[str, Any] = field(default_factory=dict[str, Any])
    preferences: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    files: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    code: int = -1

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.shown["events"] if event["kind"] == kind]

    def list_files(self, moment: str) -> None:
        self.files[moment] = sorted(path.name for path in self.workspace.iterdir())


def _decisions(limi: Workstation, guarded: Guarded) -> None:
    """Edit then accept; reject with a chip and words; switch the mode."""
    guarded.seen["confined"] = limi.shows("sandbox: ", "echo original")
    limi.decide("e")
    limi.until(lambda text: "edit command" in text and text.count("▌ echo original") == 2)
    limi.send(CTRL_U)
    limi.until(lambda text: text.count("▌ echo original") == 1)
    limi.send("echo ed''ited")
    limi.shows("echo ed''ited")
    limi.send(CTRL_S)
    guarded.seen["edited"] = limi.shows("edited", "create notes.md")
    limi.decide("r")
    limi.shows("wrong approach", "Tab marks several")
    limi.send("\t")
    limi.shows("1-8 marks")
    limi.send("1")
    limi.line("use docs/ instead")
    limi.shows("rejected: wrong approach; use docs/ instead", "The first answer.")
    limi.send(F4)
    limi.shows("AUTO-EDIT")


def _going_back(limi: Workstation, guarded: Guarded) -> None:
    """A file is written unasked; undone and redone; the turn is done again on another branch."""
    limi.line("write it")
    limi.shows("Written.")
    guarded.list_files("written")
    limi.line("/undo")
    limi.shows("workspace undone: 1 file (kept.txt)")
    guarded.list_files("undone")
    limi.line("/redo")
    limi.shows("workspace done again: 1 file")
    guarded.list_files("redone")
    limi.line("/retry")
    limi.shows("branch b1 begins", "Written in other words.")
    limi.send(F7)
    guarded.seen["turns"] = limi.shows("Go back to", "branch b1 of 2")
    limi.send("b")
    limi.shows("branch main of 2", "left behind")
    limi.send("\x1b")
    limi.hides("Go back to")


def _own_shell(limi: Workstation, guarded: Guarded) -> None:
    """A shell that nothing confines and nobody records."""
    outside = guarded.house.root / "outside.txt"
    limi.send(F6)
    limi.shows("f7 Review")
    limi.line("echo x > /usr/share/in$((1+1))side.txt; echo re''fused")
    limi.shows("refused")
    limi.send(F9)
    limi.shows("YOUR OWN SHELL", "not recorded")
    limi.line(f"echo x > {outside} && echo own-shell-$((40+2))")
    guarded.seen["own shell"] = limi.shows("own-shell-42")
    limi.send(F9)
    limi.until(lambda text: "YOUR OWN SHELL" not in text)
    limi.send(F6)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    root = tmp_path_factory.mktemp("guarded")
    house, workspace = new_house(root), empty_workspace(root)
    model = script(
        root / "script.json",
        call("run_shell_command", command="echo original"),
        call("write_file", file_path="notes.md", content="one\n"),
        "The first answer.",
        call("write_file", file_path="kept.txt", content="kept\n"),
        "Written.",
        "Written in other words.",
    )
    made = Guarded(house, workspace)
    arguments = ("session", "new", "--model", model, "--query", "guard me", "--workspace", str(workspace))
    limi = Workstation(house, *arguments, cols=140, rows=40)
    try:
        _decisions(limi, made)
        _going_back(limi, made)
        _own_shell(limi, made)
        limi.send(CTRL_Q)
        limi.shows("Finish the session")
        limi.send("\r")
        made.code = limi.ends()
    finally:
        limi.close()
    made.shown = json.loads(house.limi("session", "show", "latest", "--json").out)
    place = root / "preference.jsonl"
    exported = house.limi("export", "--format", "preference", "--session", "latest", "-o", str(place))
    assert exported.code == 0, exported.err
    made.preferences = [json.loads(line) for line in place.read_text().splitlines()]
    yield made
    nothing_runs_in(house.root)


def test_an_edited_call_is_recorded_beside_the_original(guarded: Guarded) -> None:
    first = guarded.of("tool_decided")[0]["payload"]
    assert (first["decision"], first["by"], first["mode"]) == ("accept", "human", "ask")
    assert json.loads(first["edited"]["arguments"])["command"] == "echo ed''ited"
    proposed = guarded.of("tool_proposed")[0]["payload"]["call"]
    assert json.loads(proposed["arguments"])["command"] == "echo original"
    assert "edited\n" in guarded.of("tool_finished")[0]["payload"]["result"]


def test_a_rejection_says_why_to_the_model(guarded: Guarded) -> None:
    second = guarded.of("tool_decided")[1]["payload"]
    assert (second["decision"], second["reason_codes"]) == ("reject", ["wrong-approach"])
    assert second["reason"] == "wrong approach; use docs/ instead"
    assert "use docs/ instead" in guarded.of("tool_finished")[1]["payload"]["result"]


def test_a_mode_is_switched_by_key_and_holds(guarded: Guarded) -> None:
    assert guarded.of("settings_changed")[0]["payload"]["mode"] == "auto-edit"
    third = guarded.of("tool_decided")[2]["payload"]
    assert (third["decision"], third["by"], third["mode"]) == ("accept", "mode", "auto-edit")


def test_undo_and_redo_move_files_and_are_recorded(guarded: Guarded) -> None:
    assert guarded.files == {"written": ["kept.txt"], "undone": [], "redone": ["kept.txt"]}
    causes = [event["payload"]["cause"] for event in guarded.of("workspace_restored")]
    assert causes[:2] == ["undo", "redo"]


def test_a_retry_keeps_the_abandoned_branch(guarded: Guarded) -> None:
    rewound = guarded.of("rewound")[0]["payload"]
    assert (rewound["branch"], rewound["to_branch"], rewound["retry"]) == ("b1", "main", True)
    contents = [turn["content"] for turn in guarded.shown["turns"]]
    assert "Written in other words." in contents and "Written." not in contents
    assert [branch["name"] for branch in guarded.shown["branches"]] == ["main", "b1"]


def test_preferences_are_the_edit_and_the_divergence(guarded: Guarded) -> None:
    assert len(guarded.preferences) == 2
    for row in guarded.preferences:
        assert set(row) >= {"prompt", "chosen", "rejected", "tools"}
        assert row["chosen"] != row["rejected"]
        assert row["chosen"][0]["role"] == row["rejected"][0]["role"] == "assistant"
        assert row["prompt"][-1]["role"] in {"user", "tool"}
    edited = next(row for row in guarded.preferences if row["chosen"][0].get("tool_calls"))
    chosen = edited["chosen"][0]["tool_calls"][0]["function"]["arguments"]
    assert chosen["command"] == "echo ed''ited"
    other = next(row for row in guarded.preferences if row is not edited)
    assert (other["chosen"][0]["content"], other["rejected"][0]["content"]) == ("Written in other words.", "Written.")


def test_the_own_shell_is_free_and_leaves_no_trace(guarded: Guarded) -> None:
    assert (guarded.house.root / "outside.txt").read_text() == "x\n"
    assert guarded.code == 0
    for path in guarded.house.home.sessions.rglob("*"):
        if path.is_file():
            assert b"own-shell-42" not in path.read_bytes(), path


def test_the_shared_shell_is_confined_where_it_can_be(guarded: Guarded) -> None:
    sandbox = guarded.of("shell_started")[0]["payload"]["sandbox"]
    if sandbox == "none":
        pytest.skip("no sandbox works here")
    assert f"sandbox: {sandbox}, no network" in guarded.seen["confined"]
    ran = next(e["payload"] for e in guarded.of("human_ran") if "in$((1+1))side" in e["payload"]["command"])
    assert "ead-only file system" in ran["output"] or "ermission denied" in ran["output"]
    assert not Path("/usr/share/in2side.txt").exists()

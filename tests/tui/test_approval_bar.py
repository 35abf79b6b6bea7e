from __future__ import annotations

import json
from pathlib import Path

from approval_proposals import command_proposal, edit_proposal
from conversation_apps import PostedApp
from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Static

from limi_sessions.agent.ports import Decision, Proposal
from limi_sessions.approval.reasons import REASONS
from limi_sessions.records.message import ToolCall
from limi_tui.widgets.approval import ApprovalBar
from limi_tui.widgets.approval_editor import ApprovalEditor
from limi_tui.widgets.approval_keys import ApprovalFoot, KeyWord
from limi_tui.widgets.approval_preview import ApprovalPreview
from limi_tui.widgets.approval_quiet import QUIET_S
from limi_tui.widgets.approval_reject import ApprovalReasons
from limi_tui.widgets.approval_shown import shown_of


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class BarApp(PostedApp):
    def __init__(self, proposal: Proposal | None = None, *, beside: bool | None = None) -> None:
        super().__init__()
        self.clock = Clock()
        self.typed: list[str] = []
        proposal = proposal or command_proposal("rm -rf build")
        shown = shown_of(proposal, workspace=Path("/srv/app"))
        self.bar = ApprovalBar(proposal, shown, beside=beside, clock=self.clock)

    def compose(self) -> ComposeResult:
        yield Input()
        yield self.bar

    async def ready(self, pilot: Pilot[None]) -> None:
        """Focus the bar and let its quiet time pass."""
        self.bar.focus()
        await pilot.pause()
        self.clock.now += QUIET_S

    def on_approval_bar_typed(self, message: ApprovalBar.Typed) -> None:
        self.typed.append(message.text)

    def decisions(self) -> list[Decision]:
        decided = [message for message in self.posted if isinstance(message, ApprovalBar.Decided)]
        assert all(message.call_id == "c1" for message in decided)
        return [message.decision for message in decided]

    def shown(self) -> list[str]:
        """The rows of the exact text that are in view."""
        preview = self.query_one(ApprovalPreview)
        return [preview.render_line(y).text.rstrip() for y in range(preview.size.height)]

    def words(self, selector: str) -> str:
        found = self.query(selector)
        return found.first(Static).render().plain if found else ""  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_accepts_once() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("a", "a", "r")
        await pilot.pause()
    assert app.decisions() == [Decision(accept=True)]


async def test_keys_of_an_expert_who_was_typing_decide_nothing_and_are_kept() -> None:
    app = BarApp(command_proposal("ls", rememberable="ls here"))
    async with app.run_test() as pilot:
        app.bar.focus()
        await pilot.pause()
        app.clock.now += QUIET_S - 0.01
        await pilot.press("r", "e", "a", "d", "s")
        app.clock.now += QUIET_S - 0.01
        await pilot.press("a")
        await pilot.pause()
        assert not app.query_one(ApprovalReasons).display
        app.clock.now += QUIET_S - 0.01
        await pilot.press("!", "a", "?")
        await pilot.pause()
        assert app.typed == ["readsa!", "a", "?"]
    assert app.decisions() == []


async def test_without_the_focus_the_keys_are_text() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        app.clock.now += 10
        app.query_one(Input).focus()
        await pilot.press(*"areads")
        await pilot.pause()
        assert app.query_one(Input).value == "areads"
    assert app.decisions() == []


async def test_s_accepts_for_the_session_only_what_can_be_remembered() -> None:
    words = "exactly this command, in /srv/app"
    for proposal, expected in (
        (command_proposal("ls", rememberable=words), [Decision(accept=True, remember=True)]),
        (command_proposal("ls; ls", not_rememberable="it is more than one command"), []),
    ):
        app = BarApp(proposal)
        async with app.run_test() as pilot:
            await app.ready(pilot)
            covers = app.words(".approval-covers")
            is_off = app.query(KeyWord)[1].has_class("-off")
            await pilot.press("s")
            await pilot.pause()
        assert app.decisions() == expected
        assert is_off is not bool(expected)
        assert covers == (
            f"for this session: {words}" if expected else "not for this session: it is more than one command"
        )


async def test_a_rejection_is_two_keys() -> None:
    for keys, expected in (
        (("r", "enter"), Decision(accept=False)),
        (("r", "3"), Decision(accept=False, reason=REASONS[2].words, reason_codes=(REASONS[2].code,))),
    ):
        app = BarApp()
        async with app.run_test() as pilot:
            await app.ready(pilot)
            await pilot.press(*keys)
            await pilot.pause()
        assert app.decisions() == [expected]


async def test_several_reasons_are_marked_and_words_added() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("r", "tab", "4", "1", "8", "8", *"use docs/ 2", "enter")
        await pilot.pause()
    wanted = (REASONS[0], REASONS[3])
    words = "; ".join([*(reason.words for reason in wanted), "use docs/ 2"])
    codes = tuple(reason.code for reason in wanted)
    assert app.decisions() == [Decision(accept=False, reason=words, reason_codes=codes)]


async def test_a_digit_without_a_reason_does_nothing_and_after_a_letter_it_is_text() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("r", "9", "0", "x", "1", "enter")
        await pilot.pause()
    assert app.decisions() == [Decision(accept=False, reason="x1")]


async def test_escape_takes_a_rejection_back_and_letters_are_keys_again() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("r", "a", "escape")
        await pilot.pause()
        assert app.bar.has_focus
        assert app.query_one(ApprovalFoot).display
        app.clock.now += QUIET_S
        await pilot.press("a")
        await pilot.pause()
    assert app.decisions() == [Decision(accept=True)]


async def test_keys_that_come_in_one_go_act_in_their_order() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await app.ready(pilot)
        for key in ("r", "n", "o", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await pilot.pause()
        await pilot.pause()
    assert app.decisions() == [Decision(accept=False, reason="no")]


async def test_letters_that_come_in_one_go_are_passed_on_in_their_order() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await app.ready(pilot)
        for key in "wait a sec":
            app.post_message(events.Key(key, key))
        await pilot.pause()
        await pilot.pause()
        assert "".join(app.typed) == "wait a sec"
    assert app.decisions() == []


async def test_the_words_and_chips_can_be_clicked_but_not_at_once() -> None:
    app = BarApp()
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.click(".approval-key")
        await pilot.pause()
        assert app.decisions() == []
        app.clock.now += QUIET_S
        reject = app.query(KeyWord)[3]
        assert await pilot.click(reject)
        await pilot.pause()
        chips = app.query(".reason-chip")
        assert await pilot.click(chips[1])
        assert await pilot.click(chips[5])
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
    codes = (REASONS[1].code, REASONS[5].code)
    assert [decision.reason_codes for decision in app.decisions()] == [codes]


async def test_an_edited_command_keeps_the_call_and_the_original_stays_visible() -> None:
    app = BarApp(command_proposal("rm -rf build"))
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("e", *"/old", "ctrl+s")
        await pilot.pause()
        assert app.shown()[0] == "rm -rf build"
    (decision,) = app.decisions()
    assert decision.accept
    assert decision.edited is not None
    assert (decision.edited.call_id, decision.edited.name) == ("c1", "run_shell_command")
    assert json.loads(decision.edited.arguments) == {"command": "rm -rf build/old", "wait_s": 5}


async def test_an_edit_that_cannot_run_is_told_and_nothing_is_accepted() -> None:
    def problem_of(call: ToolCall) -> str:
        return "command is empty" if json.loads(call.arguments)["command"] == "" else ""

    app = BarApp(command_proposal("ls", problem_of=problem_of))
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("e", "backspace", "backspace", "alt+enter")
        await pilot.pause()
        assert app.words(".editor-problem") == "✗ cannot run: command is empty"
        assert app.decisions() == []
        await pilot.press("w")
        await pilot.pause()
        assert not app.query_one(".editor-problem").display
        await pilot.press("ctrl+j")
        await pilot.pause()
    assert [json.loads(each.edited.arguments)["command"] for each in app.decisions() if each.edited] == ["w"]


async def test_an_edit_that_changes_nothing_is_the_proposal() -> None:
    app = BarApp(command_proposal("ls"))
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("e", "x", "backspace", "ctrl+s")
        await pilot.pause()
    assert app.decisions() == [Decision(accept=True)]


async def test_letters_are_text_while_editing_and_escape_goes_back_with_the_text_kept() -> None:
    app = BarApp(command_proposal("ls"))
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("e", *"areads1", "escape")
        await pilot.pause()
        assert app.bar.has_focus
        assert app.decisions() == []
        app.clock.now += QUIET_S
        await pilot.press("e")
        await pilot.pause()
        assert app.query_one(ApprovalEditor).typed_into.text == "lsareads1"


async def test_the_editor_names_what_is_hidden_in_its_text() -> None:
    app = BarApp(command_proposal("ls b\u200build"))
    async with app.run_test() as pilot:
        await app.ready(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert "U+200B ZERO WIDTH SPACE" in app.words(".editor-unusual")
        app.query_one(ApprovalEditor).typed_into.load("ls build")
        await pilot.pause()
        assert not app.query_one(".editor-unusual").display


async def test_a_change_is_side_by_side_where_there_is_room_and_d_turns_it() -> None:
    proposal = edit_proposal("a.txt", "one\ntwo\n", "one\nzwei\n")
    unified, beside = ["1  one", "2 -two", "2 +zwei"], ["1  one", "2 -two"]
    for width, first in ((100, unified), (130, beside)):
        app = BarApp(proposal)
        async with app.run_test(size=(width, 30)) as pilot:
            await app.ready(pilot)
            assert [row[:8].strip(" │") for row in app.shown()] == [row[:8] for row in first]
            await pilot.press("d")
            await pilot.pause()
            second = beside if first is unified else unified
            assert [row[:8].strip(" │") for row in app.shown()] == [row[:8] for row in second]
            assert app.bar.sheet.wants_beside is (first is unified)


async def test_a_new_file_has_no_second_side() -> None:
    app = BarApp(edit_proposal("a.txt", None, "one\ntwo"))
    async with app.run_test(size=(130, 30)) as pilot:
        await app.ready(pilot)
        await pilot.press("d")
        await pilot.pause()
        assert app.shown() == ["1 +one", "2 +two ⊘ no line end"]
        assert "new file, +2 lines" in app.words(".approval-title")


async def test_the_preview_shows_every_character_and_names_the_unusual() -> None:
    text = "rm -rf b\u200build\u202e\t&& ls \x1b]52;c;x\x07 \nраss " + "x" * 300 + " end  "
    app = BarApp(command_proposal(text, demo=True))
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.pause()
        preview = app.query_one(ApprovalPreview)
        rows = [preview.render_line(y).text for y in range(preview.size.height)]
        command = [row for row in rows if " │ " in row[:5]]
        joined = "".join(row.partition(" │ ")[2].rstrip() for row in command)
        assert {cell_len(row) for row in rows} == {preview.scrollable_content_region.width}
        assert "DEMO" in app.words(".approval-title")
        assert "U+200B ZERO WIDTH SPACE" in app.words(".approval-warning")
    assert "b<U+200B>uild<U+202E>→   && ls ␛]52;c;x␇" in joined
    assert joined.count("x") == 301
    assert joined.endswith("end··")
    assert not set("".join(rows)) & set("\x1b\x07\u200b\u202e")


async def test_what_a_command_hides_and_risks_is_said_in_words_below_it() -> None:
    app = BarApp(command_proposal("sudo $'\\x72m' -rf / && c''at x > ~/y"))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        rows = app.shown()
    assert rows[0] == "sudo $'\\x72m' -rf / && c''at x > ~/y"
    assert any(row.startswith("!! danger: runs with another user's rights  sudo") for row in rows)
    assert any(row.startswith("!  warning: writes outside of the workspace") for row in rows)
    assert "=  disguised: $'\\x72m' is rm" in rows
    assert "=  disguised: c''at is cat" in rows


async def test_dangers_out_of_view_are_summed_up_above_the_command() -> None:
    app = BarApp(command_proposal("\n".join(["echo x"] * 50 + ["sudo rm -rf /"])))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.ready(pilot)
        assert app.words(".approval-summary") == "! 2 dangers: see below the command"
        assert app.query_one(".approval-summary").display
        await pilot.press(*["pagedown"] * 6)
        await pilot.pause()
        assert not app.query_one(".approval-summary").display


async def test_a_long_preview_scrolls_and_says_how_far() -> None:
    app = BarApp(command_proposal("\n".join(f"line {number}" for number in range(100))))
    async with app.run_test(size=(60, 30)) as pilot:
        await app.ready(pilot)
        await pilot.press("pagedown", "down")
        await pilot.pause()
        preview = app.query_one(ApprovalPreview)
        assert preview.render_line(0).text.startswith(" 12 │ line 11")
        assert preview.max_scroll_y == 100 - preview.size.height
        assert app.words(".approval-place") == f"↑↓ {11 + preview.size.height}/100"


async def test_keys_are_called_what_they_are_bound_to() -> None:
    app = BarApp()
    app.set_keymap({"approval-accept": "y"})
    async with app.run_test() as pilot:
        await app.ready(pilot)
        assert app.words(".approval-key") == "y accept"
        await pilot.press("y", "a")
        await pilot.pause()
        assert app.typed == ["a"]
    assert app.decisions() == [Decision(accept=True)]

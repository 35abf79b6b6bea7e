"""How an approval looks; the pictures are beside this file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from approval_proposals import command_proposal, edit_proposal
from conversation_apps import PostedApp
from textual.app import ComposeResult
from textual.pilot import Pilot

from limi_sessions.agent.ports import Proposal
from limi_sessions.records.message import ToolCall
from limi_tui.widgets.approval import ApprovalBar
from limi_tui.widgets.approval_quiet import QUIET_S
from limi_tui.widgets.approval_shown import shown_of

BEFORE = "def f(x):\n\treturn x + 1\n\n\nprint(f(2))\nend"
AFTER = "def f(value):\n\treturn value + 1  \n\n\nprint(f(2))\nprint('q\u200bq')\nend\n"


def _empty(call: ToolCall) -> str:
    return "command is empty" if '"command": ""' in call.arguments else ""


LONG = command_proposal(
    "cd /srv/app && FOO=bar python -m pytest -k 'empty and not slow' 2>&1 | tail -n 40; echo \"$(id)\" > /tmp/out.txt",
    not_rememberable="it is more than one simple command",
    problem_of=_empty,
)
HIDDEN = command_proposal(
    "rm -rf b\u200build\u202e && c''at $'\\x2fetc\\x2fpasswd' | sudo tee /etc/х.conf  ", demo=True
)
SIMPLE = command_proposal("ls", rememberable="exactly this command in /srv/app", problem_of=_empty)


class ApprovalApp(PostedApp):
    CSS = "Screen { layers: base; } ApprovalBar { dock: bottom; }"

    def __init__(self, proposal: Proposal) -> None:
        super().__init__()
        self.now = 0.0
        shown = shown_of(proposal, workspace=Path("/srv/app"))
        self.bar = ApprovalBar(proposal, shown, clock=lambda: self.now)

    def compose(self) -> ComposeResult:
        yield self.bar

    def on_mount(self) -> None:
        self.bar.focus()


@pytest.mark.parametrize(
    ("proposal", "size", "keys"),
    [
        pytest.param(LONG, (80, 24), (), id="command"),
        pytest.param(HIDDEN, (80, 24), (), id="hidden"),
        pytest.param(HIDDEN, (80, 24), ("r", "tab", "3"), id="rejecting"),
        pytest.param(SIMPLE, (80, 24), ("e", "backspace", "backspace", "ctrl+s"), id="edit-cannot-run"),
        pytest.param(edit_proposal("p.py", BEFORE, AFTER), (120, 30), (), id="beside"),
        pytest.param(edit_proposal("p.py", BEFORE, AFTER), (80, 24), (), id="unified"),
    ],
)
def test_an_approval_looks_as_it_did(
    snap_compare: Callable[..., bool], proposal: Proposal, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    app = ApprovalApp(proposal)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.pause()
        app.now += 2 * QUIET_S
        await pilot.press(*keys)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=act)


def test_an_approval_is_readable_without_colour(
    snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ApprovalApp(edit_proposal("p.py", BEFORE, AFTER))
    assert snap_compare(app, terminal_size=(120, 30))

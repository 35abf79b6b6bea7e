"""Small apps around the widgets of the conversation, with what they posted."""

from __future__ import annotations

from pathlib import Path

from approval_proposals import command_proposal
from textual.app import App, ComposeResult
from textual.message import Message

from limi_tui.theme import register_themes
from limi_tui.widgets.approval import ApprovalBar
from limi_tui.widgets.approval_shown import shown_of
from limi_tui.widgets.composer import Composer
from limi_tui.widgets.status_line import StatusLine
from limi_tui.widgets.status_parts import StatusValues
from limi_tui.widgets.transcript import Transcript
from limi_tui.widgets.transcript_blocks import (
    AgentBlock,
    Block,
    HumanCommandBlock,
    NoticeBlock,
    ReasoningBlock,
    ToolBlock,
    UserBlock,
)

COMMANDS = (("help", "keys and commands"), ("model", "change the model"), ("mode", "ask or yolo"))
MARKDOWN = """The **parser** drops `None` values:

## What happens
- `read_rows` skips empty rows
- 日本語の文章がここで折り返されるかどうかを確認するための長い行です。日本語の文章。

```python
def read_rows(path):
    return [row for row in path if row]  # drops
```

| file | failing |
|---|---|
| parser.py | 2 |
"""
DIFF = "--- a/p.py\n+++ b/p.py\n@@ -1,2 +1,2 @@\n def read_rows(path):\n-    return []\n+    return list(path)\n"
CONVERSATION: tuple[Block, ...] = (
    UserBlock("u1", "The import loses rows when a file has empty lines. Find out why and fix it."),
    ReasoningBlock("r1", "The user wants a fix.\nLet me look.", seconds=3.2),
    AgentBlock("a1", MARKDOWN),
    ToolBlock(
        "t1",
        "run_shell_command",
        '{"command": "pytest -q tests/test_parser.py", "timeout_s": 60}',
        "done",
        exit_code=1,
        duration_ms=1240,
        output="..F\nFAILED test_empty",
    ),
    NoticeBlock("n1", "retry", "429 rate limited; attempt 2 of 5 in 4 s"),
    HumanCommandBlock("h1", "git stash list", 0, "stash@{0}", 12),
    ToolBlock("t2", "replace", '{"file_path": "p.py"}', "done", diff=DIFF, duration_ms=8, output="replaced 1"),
    ToolBlock("t3", "run_shell_command", '{"command": "git push"}', "denied", remark="rejected by you: never push"),
    ToolBlock("t4", "run_shell_command", '{"command": "pytest -q"}', "waiting"),
)


class PostedApp(App[None]):
    """Keeps what its widgets post."""

    CSS = "Transcript { height: 1fr; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[Message] = []
        register_themes(self)

    def on_transcript_copy_requested(self, message: Transcript.CopyRequested) -> None:
        self.posted.append(message)

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.posted.append(message)

    def on_composer_command_entered(self, message: Composer.CommandEntered) -> None:
        self.posted.append(message)

    def on_composer_answered(self, message: Composer.Answered) -> None:
        self.posted.append(message)

    def on_approval_bar_decided(self, message: ApprovalBar.Decided) -> None:
        self.posted.append(message)


class TranscriptApp(PostedApp):
    def __init__(self, blocks: tuple[Block, ...] = ()) -> None:
        super().__init__()
        self.blocks = blocks
        self.transcript = Transcript(empty="Write to the agent below.")

    def compose(self) -> ComposeResult:
        yield self.transcript

    def on_mount(self) -> None:
        self.transcript.extend(self.blocks)
        self.transcript.focus()

    def shown(self) -> list[str]:
        """The rows of the view as text, right-trimmed."""
        height = self.transcript.scrollable_content_region.height
        return [self.transcript.render_line(y).text.rstrip() for y in range(height)]


class ComposerApp(PostedApp):
    def __init__(self, history: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.composer = Composer(commands=COMMANDS, history=history)

    def compose(self) -> ComposeResult:
        yield self.composer

    def on_mount(self) -> None:
        self.composer.focus()


class ConversationApp(PostedApp):
    """All of it, as a session shows it."""

    def compose(self) -> ComposeResult:
        yield Transcript()
        proposal = command_proposal(
            "cd /tmp && rm -rf b\u200build\u202e",
            demo=True,
            not_rememberable="the demo model's calls are always asked about",
        )
        yield ApprovalBar(proposal, shown_of(proposal, workspace=Path("/srv/app")))
        yield Composer(commands=COMMANDS)
        yield StatusLine(
            StatusValues(
                mode="ask",
                lease="agent",
                model="zai/glm-4.5",
                tokens=45_210,
                cost_usd=0.0123,
                active_s=871,
                activity="waiting",
            )
        )

    def on_mount(self) -> None:
        self.query_one(Transcript).extend(CONVERSATION)
        self.query_one(Transcript).toggle("t2")
        self.query_one(Transcript).jump_to_end()
        self.query_one(ApprovalBar).focus()

"""Every default key of the workstation, once. Users remap by binding id in settings."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from limi_tui.widgets.terminal_keys import LEAVE_KEY

TAKE_OVER_KEY = "f8"

APP: list[BindingType] = [
    Binding("ctrl+q", "quit_session", "Quit", id="quit", priority=True),
    Binding("ctrl+p", "command_palette", "Commands", id="command-palette", show=False),
]

SESSION: list[BindingType] = [
    Binding("f1", "help", "Help", id="help"),
    Binding(LEAVE_KEY, "switch_pane", "Shell/talk", id="switch-pane", priority=True),
    Binding(TAKE_OVER_KEY, "take_over", "Take over", id="take-over", priority=True),
    Binding("escape", "stop_agent", "Stop agent", id="stop-agent", show=False),
    Binding("alt+z", "zoom", "Zoom", id="zoom", priority=True, show=False),
    Binding("ctrl+shift+left", "resize_panes(-5)", "Shell wider", id="shell-wider", priority=True, show=False),
    Binding("ctrl+shift+right", "resize_panes(5)", "Talk wider", id="talk-wider", priority=True, show=False),
    Binding("alt+a", "answer_approval", "Approval", id="focus-approval", priority=True, show=False),
    Binding("f4", "cycle_mode", "Mode", id="cycle-mode", show=False),
    Binding("f9", "private_shell", "Own shell", id="private-shell", priority=True, show=False),
    Binding("f7", "rewind", "Go back", id="rewind", show=False),
    Binding("f2", "transcript", "Transcript", id="focus-transcript", show=False),
    Binding("f5", "sessions", "Sessions", id="sessions"),
]

REWIND: list[BindingType] = [
    Binding("c", "rewind('conversation')", "Conversation only", id="rewind-conversation"),
    Binding("f", "rewind('files')", "Files only", id="rewind-files"),
    Binding("t", "retry", "Try again", id="rewind-retry"),
    Binding("b", "next_branch", "Other branch", id="rewind-branch"),
    Binding("escape", "leave", "Back", id="leave-rewind"),
]

SESSIONS: list[BindingType] = [
    Binding("enter", "resume", "Resume", id="resume-session", show=True),
    Binding("slash", "filter", "Filter", id="filter-sessions"),
    Binding("n", "new", "New", id="new-session"),
    Binding("r", "rename", "Rename", id="rename-session"),
    Binding("t", "tag", "Tag", id="tag-session"),
    Binding("d", "delete", "Delete", id="delete-session"),
    Binding("u", "undo_delete", "Undo", id="undo-delete"),
    Binding("escape", "leave", "Back", id="leave-sessions"),
]

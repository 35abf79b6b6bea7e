"""Where the expert changes a proposed call before accepting it.

Letters are text here. What is wrong with the edited call is said, and nothing is accepted until it can run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Static, TextArea

from limi_sessions.agent.ports import Decision
from limi_sessions.records.message import ToolCall
from limi_sessions.records.visible import suspicious_characters, visible_text
from limi_sessions.tools.arguments import ArgumentsUnreadable
from limi_tui.widgets.approval_edits import editable_text, edited_argument, edited_call
from limi_tui.widgets.approval_keys import actions_by_key
from limi_tui.widgets.approval_part import ApprovalPart

_MOST_NAMED = 3
_TALLEST = 25
"""Percent of the window's height that the text takes at most."""
_LEFT_TO_THE_SCREEN = ("f6", "f7")
"""Keys that a text area selects with."""


class ApprovalEditor(ApprovalPart):
    """The edited part of a call, and what is wrong with it."""

    DEFAULT_CSS = """
    ApprovalEditor {
        height: auto;
        & > EditorText { height: auto; min-height: 1; border: none; padding: 0; background: $panel; }
        .editor-title, .editor-keys { height: auto; color: $text-muted; }
        .editor-problem { height: auto; max-height: 4; color: $text-error; text-style: bold; }
        .editor-unusual { height: auto; color: $text-warning; }
    }
    """

    share_of_sheet = 20

    def __init__(self, call: ToolCall, problem_of: Callable[[ToolCall], str]) -> None:
        """Edit a call.

        Args:
            call: as proposed; its arguments are a JSON object.
            problem_of: what is wrong with an edited call; empty when it can run.
        """
        super().__init__()
        self._call = call
        self._problem_of = problem_of
        self._area = EditorText()
        self._loaded: str | None = None
        self._title = Static(classes="editor-title", markup=False)
        self._problem = Static(classes="editor-problem", markup=False)
        self._unusual = Static(classes="editor-unusual", markup=False)
        self._refused = False

    def compose(self) -> ComposeResult:
        """What is edited, the text, what is wrong, the keys."""
        yield self._title
        yield self._area
        yield self._problem
        yield self._unusual
        keys = "Ctrl+S or Alt+Enter accepts what stands here · Esc goes back"
        yield Static(Content(keys), classes="editor-keys")

    def on_mount(self) -> None:
        """Nothing is wrong yet."""
        self._problem.display = self._unusual.display = False

    def open(self) -> None:
        """Load what is edited; what was typed before stays."""
        if self._loaded is not None:
            return
        original = editable_text(self._call)
        self._area.load(original)
        self._loaded = self._area.text
        argument = edited_argument(self._call) or "arguments as JSON"
        losses = "" if self._loaded == original else " · unusual line ends of the text become line feeds here"
        self._title.update(Content(f"edit {argument.replace('_', ' ')}{losses}"))
        self._name_unusual()

    @property
    def typed_into(self) -> EditorText:
        """The text."""
        return self._area

    @on(TextArea.Changed)
    def _text_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._name_unusual()
        if self._refused:
            self._show_problem(self._checked()[1])

    def on_editor_text_pressed(self, message: EditorText.Pressed) -> None:
        """Accept if it can run, or go back."""
        message.stop()
        if message.action == "leave_edit":
            self.post_message(self.Left())
            return
        edited, problem = self._checked()
        if problem:
            self._refused = True
            self._show_problem(problem)
        else:
            self.post_message(self.Concluded(Decision(accept=True, edited=edited)))

    def _checked(self) -> tuple[ToolCall | None, str]:
        """The edited call, None when nothing was edited, and what is wrong with it."""
        text = self._area.text
        if text == self._loaded:
            return None, ""
        try:
            edited = edited_call(self._call, text)
        except ArgumentsUnreadable as error:
            return None, str(error)
        return edited, self._problem_of(edited)

    def _show_problem(self, problem: str) -> None:
        self._problem.display = bool(problem)
        self._problem.update(Content(f"✗ cannot run: {visible_text(problem)}") if problem else Content())

    def _name_unusual(self) -> None:
        found = list(dict.fromkeys(each.label for each in suspicious_characters(self._area.text, keep="\r\n\t")))
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        self._unusual.display = bool(found)
        self._unusual.update(Content(f"! in this text, perhaps not to be seen: {', '.join(found[:_MOST_NAMED])}{more}"))


class EditorText(TextArea):
    """Several lines of exact text; keys that decide act at once, before the next one is typed."""

    DEFAULT_CSS = """
    EditorText { scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,alt+enter,ctrl+j", "accept_edit", "Accept as edited", id="approval-accept-edit"),
        Binding("escape", "leave_edit", "Back to the proposal", id="approval-leave-edit", show=False),
    ]

    class Pressed(Message):
        """A key that is no text."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__(compact=True, highlight_cursor_line=False, soft_wrap=True, tab_behavior="indent")
        self.indent_type = "tabs"
        self.cursor_blink = False
        for key in _LEFT_TO_THE_SCREEN:
            self._bindings.key_to_bindings.pop(key, None)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows of the text, or its share of the window."""
        # Not `max-height`: Textual leaves a relative one out of an automatic height.
        return min(super().get_content_height(container, viewport, width), viewport.height * _TALLEST // 100)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of the text; blank ones while this is being taken away.

        A frame that was asked for before may come after that, when Textual has dropped the styles that it needs.
        """
        if not self.is_attached:
            return [Strip.blank(crop.width)] * crop.height
        return super().render_lines(crop)

    def load(self, text: str) -> None:
        """Put a text in the place of all; the cursor at the end of a single line."""
        self.load_text(text)
        if "\n" not in text:
            self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        action = actions_by_key(self).get(event.key)
        if action in {"accept_edit", "leave_edit"}:
            event.stop()
            event.prevent_default()
            self.post_message(self.Pressed(action))
        else:
            await super()._on_key(event)

"""Why a call is rejected: ready-made reasons on digits, several of them by mark, and words of the expert's own."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import ItemGrid
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from limi_sessions.agent.ports import Decision
from limi_sessions.approval.reasons import REASONS, Reason, reason_text
from limi_tui.widgets.approval_part import ApprovalPart

_HINT = "1-{count} rejects at once · Tab marks several · Enter rejects · Esc goes back"
_HINT_MARKING = "1-{count} marks · Tab ends marking · Enter rejects · Esc goes back"
_PLACEHOLDER = "your own words for the agent (may be empty)"


class ApprovalReasons(ApprovalPart):
    """Chips and a line of text."""

    DEFAULT_CSS = """
    ApprovalReasons {
        height: auto;
        & > ItemGrid { height: auto; grid-gutter: 0 2; }
        .reason-chip { height: 1; width: 1fr; color: $text; }
        .reason-chip.-marked { text-style: bold reverse; }
        .reason-chip:hover { text-style: underline; }
        & > Input { height: 1; border: none; padding: 0; background: $panel; }
        .reason-hint { color: $text-muted; height: auto; }
    }
    """

    share_of_sheet = 30

    def __init__(self) -> None:
        super().__init__()
        self._marked: set[str] = set()
        self._chips = {reason.code: Static(classes="reason-chip") for reason in REASONS}
        self._words = ReasonWords()
        self._hint = Static(classes="reason-hint")
        self._marks_several = False

    def compose(self) -> ComposeResult:
        """Chips, text, keys."""
        with ItemGrid(min_column_width=max(len(reason.words) for reason in REASONS) + 6):
            yield from self._chips.values()
        yield self._words
        yield self._hint

    def on_mount(self) -> None:
        """Name the chips."""
        self._draw()

    @property
    def typed_into(self) -> ReasonWords:
        """The expert's words."""
        return self._words

    def on_click(self, event: events.Click) -> None:
        """A chip is a button that stays pressed."""
        for code, chip in self._chips.items():
            if event.widget is chip:
                event.stop()
                self._toggle(code)

    def on_reason_words_digit(self, message: ReasonWords.Digit) -> None:
        """A ready-made reason by its number."""
        message.stop()
        if not 1 <= message.digit <= len(REASONS):
            return
        code = REASONS[message.digit - 1].code
        if self._marks_several:
            self._toggle(code)
        else:
            self._marked.add(code)
            self._give()

    def on_reason_words_tab(self, message: ReasonWords.Tab) -> None:
        """Digits mark from now on, or reject at once again."""
        message.stop()
        self._marks_several = not self._marks_several
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Reject with what is marked and typed."""
        event.stop()
        self._give()

    def _toggle(self, code: str) -> None:
        self._marked ^= {code}
        self._marks_several = True
        self._draw()
        self.screen.set_focus(self._words)

    def _draw(self) -> None:
        hint = _HINT_MARKING if self._marks_several else _HINT
        self._hint.update(Content(hint.format(count=len(REASONS))))
        for number, reason in enumerate(REASONS, start=1):
            self._chips[reason.code].set_class(reason.code in self._marked, "-marked")
            self._chips[reason.code].update(_chip(number, reason, marked=reason.code in self._marked))

    def _give(self) -> None:
        codes = tuple(reason.code for reason in REASONS if reason.code in self._marked)
        reason = reason_text(codes, self._words.value)
        self.post_message(self.Concluded(Decision(accept=False, reason=reason, reason_codes=codes)))


class ReasonWords(Input):
    """The expert's own words; digits are reasons as long as there are no words."""

    class Digit(Message):
        """A digit that is no text."""

        def __init__(self, digit: int) -> None:
            super().__init__()
            self.digit = digit

    class Tab(Message):
        """The tab key."""

    def __init__(self) -> None:
        super().__init__(placeholder=_PLACEHOLDER, compact=True)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "tab":
            self.post_message(self.Tab())
        elif event.key == "escape":
            self.post_message(ApprovalReasons.Left())
        elif len(event.key) == 1 and event.key.isdecimal() and not self.value:
            self.post_message(self.Digit(int(event.key)))
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()


def _chip(number: int, reason: Reason, *, marked: bool) -> Content:
    return Content.assemble((f"{number}", "bold"), f" {'✓' if marked else ' '}{reason.words}")

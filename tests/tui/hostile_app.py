"""A Textual app that shows one hostile text on every surface; run in a real pty by test_guard_pty.py.

Keys: x raises an exception, m leaves with a message, c copies. ``--unguarded`` runs it as Textual is.
"""

from __future__ import annotations

import sys

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import (
    DataTable,
    Header,
    Input,
    Label,
    Log,
    Markdown,
    OptionList,
    RichLog,
    Static,
    TextArea,
    Tree,
)
from textual.widgets.option_list import Option

from limi_tui.guard import install_guard

ATTACKS = (
    "\x1b]52;c;SEFDSw==\x07\x1b]0;TITLE\x07\x1b]2;TITLE\x1b\\\x1b]8;;http://evil/\x1b\\\x1bPq#0;2;0;0;0\x1b\\\x1b_Gq\x1b\\\x1bc"
    "\x9b31m\x9d0;EVIL\x9c\x90q\x9c\u202e\u2066\u200b\u200d\u200f\ufeff\U000e0041\x08\x0e\x07"
)
SURFACES = (
    "static label log richlog markdown input textarea datatable optionlist tree border title subtitle toast".split()
)


def hostile(surface: str) -> str:
    return f"mk{surface}{ATTACKS}end"


class HostileApp(App[None]):
    CSS = "* { height: auto; } VerticalScroll { height: 1fr; } Log, RichLog, TextArea, Tree, DataTable { height: 4; }"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("x", "explode", priority=True),
        Binding("m", "leave", priority=True),
        Binding("c", "take", priority=True),
    ]

    def compose(self) -> ComposeResult:
        yield Header()
        with VerticalScroll():
            yield Static(hostile("static"), markup=False)
            yield Label(hostile("label"), markup=False)
            yield Log()
            yield RichLog()
            yield Markdown(hostile("markdown"))
            yield Input(hostile("input"))
            yield TextArea(hostile("textarea"))
            yield DataTable()
            yield OptionList(Option(Text(hostile("optionlist"))))
            yield Tree(Text(hostile("tree")))
            framed = Static(Text("linked", style="link http://evil/\x1b\\\x1b]52;c;SEFDSw==\x07"))
            framed.styles.border = ("solid", "red")
            framed.border_title = hostile("border")
            yield framed

    def on_mount(self) -> None:
        self.title, self.sub_title = hostile("title"), hostile("subtitle")
        self.query_one(Log).write_line(hostile("log"))
        self.query_one(RichLog).write(hostile("richlog"))
        table = self.query_one(DataTable)
        table.add_column(hostile("column"))
        table.add_row(hostile("datatable"))
        self.copy_to_clipboard("stolen")
        self.notify(hostile("toast"), title=hostile("toasttitle"), timeout=600)

    def action_explode(self) -> None:
        raise ValueError(hostile("exception"))

    def action_leave(self) -> None:
        self.exit(message=hostile("message"))

    def action_take(self) -> None:
        self.copy_to_clipboard("taken\x1b[201~")


if __name__ == "__main__":
    if "--unguarded" not in sys.argv:
        install_guard()
    HostileApp().run()

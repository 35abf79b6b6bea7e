"""The composer in a real terminal: what only the bytes of a keyboard and a real editor show."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest

PROGRAM = """
from conversation_apps import ComposerApp
app = ComposerApp()
app.run()
print("POSTED", [getattr(message, "text", "") for message in app.posted])
"""


@pytest.fixture
def terminal(tmp_path: Path) -> pexpect.spawn[str]:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf \'%s and edited\' "$(cat "$1")" > "$1"\n')
    editor.chmod(0o700)
    environment = {**os.environ, "VISUAL": str(editor), "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
    environment.pop("NO_COLOR", None)
    child: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM],
        env=environment,
        cwd=str(Path(__file__).parent),
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=30,
    )
    yield child
    child.close(force=True)


def test_alt_enter_wide_input_and_the_editor_reach_the_message(terminal: pexpect.spawn[str]) -> None:
    terminal.expect("essage the agent")
    terminal.send("漢字 typed")
    terminal.expect("typed")
    terminal.send("\x1b\r")
    terminal.send("second")
    terminal.expect("second")
    terminal.send("\x18")
    terminal.expect("edited")
    terminal.send("\r")
    terminal.expect("essage the agent")
    terminal.send("\x11")
    terminal.expect(r"POSTED \['漢字 typed\\nsecond and edited'\]")
    terminal.expect(pexpect.EOF)

"""What is typed at a prompt so that a command runs as it was written.

A bracketed paste keeps newlines, tabs and a shell's editing keys out of the way; where the shell has no paste mode, a
line of one `eval` does. A shell without hooks gets the command between two sentinels.
"""

from __future__ import annotations

import re
from typing import Literal

from limi_sessions.pty.quoting import fish_quoted, single_quoted
from limi_sessions.records.payload import ShellName

KEYS = frozenset(
    "enter tab escape backspace delete insert up down left right home end pageup pagedown space".split()
    + [f"f{n}" for n in range(1, 13)]
    + [f"c-{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
)
"""Names of keys that can be sent, those of prompt_toolkit."""

_UNTYPABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SIMPLE = re.compile(r"[^\n;&|#<>(){}\\'\"]+")


def refusal(command: str) -> str | None:
    """Why a command cannot be typed, None when it can."""
    if not command.strip():
        return "the command is empty"
    if found := _UNTYPABLE.search(command):
        return (
            f"the command holds the control character U+{ord(found.group()):04X}, which the terminal would act on; "
            "write it as an escape of the shell, or use terminal_send for keys"
        )
    return None


def background_form(command: str, shell: ShellName) -> str:
    """The command as a job of the shell."""
    if shell == "fish":
        # fish cannot put a block into the background.
        return f"{command} &" if _SIMPLE.fullmatch(command) else f"fish -c {fish_quoted(command)} &"
    return f"{command} &" if _SIMPLE.fullmatch(command) else f"{{ {command}\n}} &"


def one_line(command: str, shell: ShellName) -> str:
    """The command as one line, for a shell without a paste mode."""
    if "\n" not in command and "\t" not in command:
        return command
    if shell == "fish":
        pieces = (fish_quoted(piece) for piece in re.split(r"([\n\t])", command))
        return "eval " + "".join({"'\n'": "\\n", "'\t'": "\\t"}.get(piece, piece) for piece in pieces)
    escaped = command.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"eval $'{escaped}'"


def sentinel_line(command: str, nonce: str, program: str) -> str:
    """The command between the sentinels that `MarkScanner` finds; their echo does not hold them."""
    status, quoted = ("$status", fish_quoted) if program == "fish" else ("$?", single_quoted)
    return f"printf '[%s C]\\n' limi-{nonce}; eval {quoted(command)}; printf '[%s D %s]\\n' limi-{nonce} {status}"


def spelled(text: str) -> bytes:
    """Typed text: a line's end is the Enter key."""
    return text.replace("\r\n", "\n").replace("\n", "\r").encode("utf-8", "replace")


Marks = Literal["osc133", "plain"]

"""What the parts of a shell command are, roughly: programs, operators, strings, substitutions, comments.

Only for colours. It never decides, and it never changes a character: it gives marks, not text. Good enough for bash,
zsh and fish; a here-document's body reads as commands.
"""

from __future__ import annotations

import re

from limi_tui.widgets.approval_text import Mark, Role

LONGEST_MARKED = 20_000
"""Characters; a longer command is drawn without colours."""

_TOKEN = re.compile(
    r"""
    (?P<comment>(?:(?<=^)|(?<=[\s;&|(]))\#[^\n]*)
    |(?P<string>\$'(?:[^'\\]|\\.)*'?|'[^']*'?)
    |(?P<quoted>"(?:[^"\\]|\\.)*"?)
    |(?P<open>\$\(\(?|`|[<>]\()
    |(?P<variable>\$\{[^}]*\}?|\$\w+|\$[@*\#?$!-])
    |(?P<redirection>\d*(?:<<<|<<-?|>>|>\||&>>?|[<>]&?)-?)
    |(?P<control>&&|\|[|&]?|;[;&]?|&|\n|[(){}])
    |(?P<blank>[ \t\r]+|\\\n)
    |(?P<word>(?:\\.|[^\s;&|<>(){}`'"$\\])+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_INSIDE_QUOTES = re.compile(r"\$\([^)]*\)?|`[^`]*`?|\$\{[^}]*\}?|\$\w+")
_ASSIGNMENT = re.compile(r"\w+\+?=")
_KEYWORDS = frozenset(
    "if then elif else fi for while until do done case esac in select function time ! begin end and or not".split()
)
_NO_PROGRAM_FOLLOWS = frozenset({"for", "case", "in", "select", "function", "esac"})
_STARTERS = frozenset("sudo doas env exec command builtin nohup nice time xargs setsid".split())
"""Programs whose argument is a program."""
_PLAIN_ROLES: dict[str, Role] = {
    "comment": "comment",
    "string": "string",
    "quoted": "string",
    "variable": "variable",
    "open": "operator",
    "redirection": "operator",
    "control": "operator",
}


def command_marks(command: str) -> tuple[Mark, ...]:
    """Marks by start; the marks of substitutions lie within those of the strings that hold them."""
    if len(command) > LONGEST_MARKED:
        return ()
    marks: list[Mark] = []
    reader = _Reader()
    for found in _TOKEN.finditer(command):
        kind, text = found.lastgroup or "word", found.group()
        role = reader.role_of(kind, text)
        if role is not None:
            marks.append(Mark(found.start(), found.end(), role))
        if kind == "quoted":
            inner = _INSIDE_QUOTES.finditer(text)
            marks += [Mark(found.start() + part.start(), found.start() + part.end(), "variable") for part in inner]
    return tuple(marks)


class _Reader:
    """Knows whether the next word is a program."""

    def __init__(self) -> None:
        self._expects = True
        self._within = ""
        """The program's name as far as it is read."""
        self._skips = False
        """The word that is being read is an assignment or the target of a redirection."""
        self._in_backquotes = False

    def role_of(self, kind: str, text: str) -> Role | None:
        """The role of the next token; None for a plain argument."""
        if kind == "blank":
            self._end_word()
        elif kind in {"control", "open"}:
            if text == "`":
                self._in_backquotes = not self._in_backquotes
            closes = text in {")", "}"} or (text == "`" and not self._in_backquotes)
            self._within, self._skips, self._expects = "", False, not closes
        elif kind == "redirection":
            self._end_word()
            self._skips = True
        elif kind != "comment" and self._expects and not self._skips:
            return self._first_word(kind, text)
        return _PLAIN_ROLES.get(kind)

    def _first_word(self, kind: str, text: str) -> Role | None:
        if kind == "word" and not self._within:
            if text in _KEYWORDS:
                self._expects = text not in _NO_PROGRAM_FOLLOWS
                return "keyword"
            if _ASSIGNMENT.match(text):
                self._skips = True
                return "variable"
        self._within += text
        return "program"

    def _end_word(self) -> None:
        if self._within:
            self._expects = self._within.rpartition("/")[2] in _STARTERS
        self._within, self._skips = "", False

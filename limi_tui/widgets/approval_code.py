"""What the parts of a source file are, by Pygments; only for colours.

A lexer is not trusted with the text: it gives marks, and one whose tokens are not the text, character by character, is
not believed at all. Huge or long-lined files stay plain.
"""

from __future__ import annotations

from functools import lru_cache

from limi_tui.widgets.approval_text import Mark, Role
from limi_tui.widgets.transcript_code import LONGEST_LINE

LONGEST_CODE = 200_000
"""Characters; Pygments reads about a million in a second, in a thread."""

_ROLES: tuple[tuple[str, Role], ...] = (
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Name.Function", "name"),
    ("Token.Name.Class", "name"),
    ("Token.Name.Decorator", "name"),
    ("Token.Name.Tag", "name"),
    ("Token.Name.Builtin", "name"),
    ("Token.Literal.String", "string"),
    ("Token.Literal.Number", "number"),
    ("Token.Comment", "comment"),
    ("Token.Generic.Heading", "keyword"),
    ("Token.Generic.Subheading", "keyword"),
)
LineMarks = tuple[tuple[Mark, ...], ...]


def code_marks(text: str, path: str) -> LineMarks:
    """The marks of each line, counted from the line's start; fewer lines than the text has where it stays plain.

    Args:
        text: the file, lines parted by line feeds.
        path: its name tells the language.
    """
    if not text or len(text) > LONGEST_CODE or max(map(len, text.split("\n"))) > LONGEST_LINE:
        return ()
    from pygments.lexers import get_lexer_for_filename  # pyright: ignore[reportUnknownVariableType]  # untyped options
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(path)
    except ClassNotFound:
        return ()
    lines: list[list[Mark]] = [[]]
    column = expected = 0
    # Not `get_tokens`: that one first changes line ends and drops a byte order mark.
    for offset, token, part in lexer.get_tokens_unprocessed(text):
        if offset != expected or text[offset : offset + len(part)] != part:
            return ()
        expected += len(part)
        role = _role(str(token))
        for number, piece in enumerate(part.split("\n")):
            if number:
                lines.append([])
                column = 0
            if piece and role is not None:
                lines[-1].append(Mark(column, column + len(piece), role))
            column += len(piece)
    return tuple([tuple(line) for line in lines])


@lru_cache(maxsize=256)
def _role(token: str) -> Role | None:
    return next((role for prefix, role in _ROLES if token.startswith(prefix)), None)

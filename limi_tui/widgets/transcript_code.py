"""Source code as spans, one tuple a line: Pygments' tokens reduced to five roles.

Hostile or huge text is shown plain rather than parsed slowly: the limits below bound the time spent on the event loop.
"""

from __future__ import annotations

from functools import lru_cache

from limi_tui.widgets.transcript_rows import Role, Span

LONGEST_LINE = 1_000
"""Characters; a text with a longer line is not highlighted."""
LONGEST_CODE = 40_000
"""Characters of code that is highlighted."""

_ROLES: tuple[tuple[str, Role], ...] = (
    ("Token.Keyword", "code-keyword"),
    ("Token.Operator.Word", "code-keyword"),
    ("Token.Name.Function", "code-name"),
    ("Token.Name.Class", "code-name"),
    ("Token.Name.Decorator", "code-name"),
    ("Token.Name.Tag", "code-name"),
    ("Token.Name.Builtin", "code-name"),
    ("Token.Literal.String", "code-string"),
    ("Token.Literal.Number", "code-number"),
    ("Token.Comment", "code-comment"),
    ("Token.Generic.Deleted", "removed"),
    ("Token.Generic.Inserted", "added"),
    ("Token.Generic.Subheading", "hunk"),
)


@lru_cache(maxsize=1024)
def highlighted(code: str, language: str) -> tuple[tuple[Span, ...], ...]:
    """The lines of a code text as spans.

    Args:
        code: visible text, lines parted by newlines.
        language: a name or alias that Pygments knows; any other gives plain lines.
    """
    lines = code.split("\n")
    if not language or len(code) > LONGEST_CODE or max(map(len, lines)) > LONGEST_LINE:
        return tuple([(Span(line),) for line in lines])
    return _tokenized(code, language, lines)


def _tokenized(code: str, language: str, lines: list[str]) -> tuple[tuple[Span, ...], ...]:
    from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]  # untyped options
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return tuple([(Span(line),) for line in lines])
    rows: list[list[Span]] = [[]]
    for token, text in lexer.get_tokens(code):
        role = _role(str(token))
        for number, piece in enumerate(text.split("\n")):
            if number:
                rows.append([])
            if piece:
                rows[-1].append(Span(piece, role))
    return tuple([tuple(row) for row in rows[: len(lines)]])


@lru_cache(maxsize=256)
def _role(token: str) -> Role:
    for prefix, role in _ROLES:
        if token.startswith(prefix):
            return role
    return "text"

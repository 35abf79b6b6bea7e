"""Inline Markdown of one line: code, bold, emphasis and links; everything else is shown as it was written.

The patterns have no nested repetition, so that hostile text costs linear time.
"""

from __future__ import annotations

import re

from limi_tui.widgets.transcript_rows import Role, Span

_INLINE = re.compile(
    r"``(?P<code2>(?:[^`]|`(?!`))+)``"
    r"|`(?P<code>[^`]+)`"
    r"|\*\*(?!\s)(?P<strong>(?:[^*]|\*(?!\*))+)\*\*"
    r"|(?<![\w*])\*(?![\s*])(?P<emphasis>[^*]+)(?<!\s)\*(?![\w*])"
    r"|(?<!\w)_(?![\s_])(?P<underline>[^_]+)(?<!\s)_(?!\w)"
    r"|\[(?P<label>[^\[\]]+)\]\((?P<target>[^()\s]+)\)"
)


def inline_spans(text: str, role: Role = "text") -> tuple[Span, ...]:
    """The spans of a line of Markdown, its marks removed.

    A link shows its target in words: what opens is what is read.
    """
    if not any(mark in text for mark in "`*_["):
        return (Span(text, role),) if text else ()
    spans: list[Span] = []
    end = 0
    for found in _INLINE.finditer(text):
        if found.start() > end:
            spans.append(Span(text[end : found.start()], role))
        spans.extend(_marked(found, role))
        end = found.end()
    if end < len(text):
        spans.append(Span(text[end:], role))
    return tuple(spans)


def _marked(found: re.Match[str], role: Role) -> tuple[Span, ...]:
    kind, inner = found.lastgroup, found[found.lastgroup or 0]
    if kind in {"code", "code2"}:
        return (Span(inner, "code"),)
    if kind == "strong":
        return inline_spans(inner, "strong" if role == "text" else role)
    if kind == "target":
        label = found["label"]
        return (Span(label, "link"),) if label == inner else (Span(label, "link"), Span(f" ({inner})", "muted"))
    return inline_spans(inner, "emphasis" if role == "text" else role)

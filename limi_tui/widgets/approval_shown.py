"""Everything that is shown of a proposed call, as entries of a preview: made once, may take a while, so in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from limi_sessions.agent.ports import Proposal
from limi_sessions.approval.decoded import Decoded, Remark, decoded, remarks
from limi_sessions.records.visible import suspicious_characters, visible_text
from limi_sessions.tools.tool import FileEdit, Preview
from limi_tui.widgets.approval_code import code_marks
from limi_tui.widgets.approval_command import command_marks
from limi_tui.widgets.approval_compare import Gap, compared, lines_of
from limi_tui.widgets.approval_entries import Entry, TextEntry, WordsEntry
from limi_tui.widgets.approval_pairs import Pair
from limi_tui.widgets.approval_sides import Colours, side_entries, unified_entries
from limi_tui.widgets.approval_text import ExactLine, Ground, Mark, Piece, Role, shifted, stretches

_EXAMINED = 20_000
"""Code points in which `remarks` looks."""
_LONGEST_QUOTED = 60
_SEVERITIES = ("danger", "warning", "note")


@dataclass(frozen=True)
class Shown:
    """What the expert sees of a call."""

    entries: tuple[Entry, ...]
    beside: tuple[Entry, ...] = ()
    """A change with old and new side by side; empty when there is nothing to set side by side."""
    unusual: tuple[str, ...] = ()
    """Names of hidden characters and look-alikes."""
    facts: str = ""
    """How much changes, in a few words."""
    summary: str = ""
    """What is remarked below the exact text, in a few words."""


def shown_of(proposal: Proposal, *, workspace: Path) -> Shown:
    """What is shown of a proposal.

    Args:
        proposal: with the exact text in its preview.
        workspace: real path of the session's workspace.
    """
    preview = proposal.preview
    found = preview.suspicious or suspicious_characters(preview.body)
    unusual = tuple(dict.fromkeys(each.label for each in found))
    if preview.edit is not None:
        return _shown_edit(preview.edit, unusual)
    if preview.form == "command" and proposal.call.name == "run_shell_command":
        return _shown_command(preview, workspace, unusual)
    return Shown(tuple(_text_entries(preview.body, (), is_diff=preview.form == "diff")), unusual=unusual)


def exact_entries(text: str) -> tuple[Entry, ...]:
    """A text without colours, numbered when it has several lines."""
    return tuple(_text_entries(text, (), is_diff=False, numbered="\n" in text))


def _shown_command(preview: Preview, workspace: Path, unusual: tuple[str, ...]) -> Shown:
    command = preview.body
    stand_ins = decoded(command)
    found = remarks(command, workspace=workspace)
    marks = [*command_marks(command)]
    marks += [Mark(each.start, each.end, "decoded") for each in stand_ins]
    marks += [Mark(each.start, each.end, "warning") for each in found if each.severity == "warning"]
    marks += [Mark(each.start, each.end, "danger") for each in found if each.severity == "danger"]
    entries = [*_text_entries(command, tuple(marks), is_diff=False, numbered="\n" in command)]
    entries += _note_entries(command, stand_ins, found)
    counts = [(sum(each.severity == severity for each in found), severity) for severity in _SEVERITIES[:2]]
    counts.append((len(stand_ins), "disguised part"))
    summary = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)
    return Shown(tuple(entries), unusual=unusual, summary=summary)


def _note_entries(command: str, stand_ins: tuple[Decoded, ...], found: tuple[Remark, ...]) -> Iterator[Entry]:
    """What the parts of a command mean, the worst first."""
    roles: dict[str, Role] = {"danger": "alarm", "warning": "caution", "note": "muted"}
    marks = {"danger": "!! ", "warning": "!  ", "note": "·  "}
    for severity in _SEVERITIES:
        parts: dict[str, list[str]] = {}
        for each in found:
            if each.severity == severity:
                parts.setdefault(each.why, []).append(command[each.start : each.end])
        for why, quoted in parts.items():
            named = Piece(f"  {_quoted(quoted[0])}" + (f" and {len(quoted) - 1} more" if quoted[1:] else ""), "muted")
            yield WordsEntry((Piece(f"{marks[severity]}{severity}: {why}", roles[severity]), named))
        if severity == "danger":
            for part in stand_ins:
                words = Piece(f"=  disguised: {_quoted(command[part.start : part.end])} is ", "decoded")
                yield WordsEntry((words, Piece(_quoted(part.text, longest=2_000), "strong")))
    if len(command) > _EXAMINED:
        yield WordsEntry(
            (Piece(f"·  only the first {_EXAMINED:,} characters were looked through for dangers", "warning"),)
        )


def _shown_edit(edit: FileEdit, unusual: tuple[str, ...]) -> Shown:
    before = edit.before or ""
    pairs = compared(before, edit.after)
    digits = len(str(max(len(lines_of(before)), len(lines_of(edit.after)))))
    quiet = frozenset(before) | {"\r"}
    colours = Colours(code_marks(before, edit.path), code_marks(edit.after, edit.path), quiet, digits)
    odd = tuple(each.label for each in suspicious_characters(edit.path, keep=""))
    head: list[Entry] = []
    if odd or len(edit.path) > _LONGEST_QUOTED:
        head += _text_entries(edit.path, (), is_diff=False)
    if edit.before is not None and not pairs:
        head.append(WordsEntry((Piece("nothing changes: the file holds exactly this already", "muted"),)))
    if not edit.after:
        head.append(WordsEntry((Piece("!  the file will be empty", "caution"),)))
    beside = (*head, *side_entries(pairs, colours)) if edit.before is not None and pairs else ()
    named = tuple(dict.fromkeys((*unusual, *odd)))
    return Shown((*head, *unified_entries(pairs, colours)), beside, named, facts=_facts(edit, pairs))


def _facts(edit: FileEdit, pairs: tuple[Pair | Gap, ...]) -> str:
    """How much changes, in a few words."""
    changed = [pair for pair in pairs if isinstance(pair, Pair) and not pair.is_equal]
    new = sum(pair.new is not None for pair in changed)
    old = sum(pair.old is not None for pair in changed)
    added = f"+{new:,} {'line' if new == 1 else 'lines'}"
    return f"new file, {added}" if edit.before is None else f"-{old:,} {added}"


def _text_entries(text: str, marks: tuple[Mark, ...], *, is_diff: bool, numbered: bool = False) -> Iterator[Entry]:
    lines = text.split("\n")
    digits = len(str(len(lines))) if numbered else 0
    offset = 0
    for number, line in enumerate(lines, start=1):
        ground: Ground = _diff_ground(line) if is_diff else "plain"
        for start, end in stretches(line):
            exact = ExactLine(line[start:end], shifted(marks, offset + start, offset + end), ground)
            if numbered:
                yield TextEntry(exact, f"{'' if start else number:>{digits}} │ ", f"{'':>{digits}} │ ")
            else:
                yield TextEntry(exact)
        offset += len(line) + 1


def _diff_ground(line: str) -> Ground:
    return "added" if line.startswith("+") else "removed" if line.startswith("-") else "plain"


def _quoted(text: str, *, longest: int = _LONGEST_QUOTED) -> str:
    """A part on one row: drawn, line ends as a picture."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return visible_text(cut, keep="").replace("␊", "⏎")

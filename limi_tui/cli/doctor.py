"""``limi doctor``: what works on this machine and how to mend the rest."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

import click

from limi_sessions.paths import Home
from limi_sessions.records.visible import visible_text
from limi_tui.cli.failures import PROBLEM_FOUND
from limi_tui.cli.options import acting_as, json_output
from limi_tui.cli.output import counted, print_json, print_line
from limi_tui.verbs.doctor.examination import examine
from limi_tui.verbs.doctor.finding import Finding, Verdict

_COLOUR: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "problem": "red"}
_WORD_WIDTH = len("problem")
_SUBJECT_WIDTH = len("terminal engine")
_INDENT = _WORD_WIDTH + _SUBJECT_WIDTH + 4


@click.command("doctor")
@json_output
@acting_as
def doctor(as_json: bool) -> int:
    """Say what works on this machine and how to mend the rest.

    Exit code: 0 when limi works here, warnings or not; 1 when there is a problem.
    """
    findings: list[Finding] = []
    for finding in examine(Home.default(), environ=os.environ, attached=sys.stdout.isatty()):
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    problems = sum(finding.verdict == "problem" for finding in findings)
    if as_json:
        print_json({"works": not problems, "findings": [finding.as_json() for finding in findings]})
    elif problems:
        print_line(f"\n{counted(problems, 'problem')}: limi does not work here as it should.")
    else:
        print_line("\nlimi works here.")
    return PROBLEM_FOUND if problems else 0


def _print_finding(finding: Finding) -> None:
    colour = None if os.environ.get("NO_COLOR") else _COLOUR[finding.verdict]
    word = click.style(f"{finding.verdict:<{_WORD_WIDTH}}", fg=colour)
    lines = _wrapped(visible_text(finding.text, keep=""))
    if finding.fix:
        first, *more = _wrapped(visible_text(finding.fix, keep=""))
        lines += [f"-> {first}", *(f"   {line}" for line in more)]
    print_line(f"{word}  {finding.subject:<{_SUBJECT_WIDTH}}  {lines[0]}")
    for line in lines[1:]:
        print_line(" " * _INDENT + line)


def _wrapped(text: str) -> list[str]:
    """The text in lines that leave room for the two columns before; whole where no one looks at a terminal."""
    if not sys.stdout.isatty():
        return [text]
    width = max(shutil.get_terminal_size().columns - _INDENT - len("-> "), 30)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]

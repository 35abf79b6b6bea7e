"""Which parts of a command deserve a second look before it is accepted. Only for drawing, never for deciding.

A command without remarks is not thereby harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

Severity = Literal["note", "warning", "danger"]


@dataclass(frozen=True, slots=True)
class Remark:
    """A part of a command, and why to look at it."""

    start: int
    """In code points from the command's start."""
    end: int
    why: str
    severity: Severity
    """``note``: worth knowing; ``warning``: changes or runs more than it seems; ``danger``: hard to undo or hostile."""


_FIRST = r"(?:^|(?<=[;&|({`])|(?<=\b(?:do|if))|(?<=\b(?:then|else|exec|sudo|time)))[ \t]*"
"""Where the first word of a command stands, roughly."""
_REST = r"[^;&|]*"
_WORD = r"(?<!\S)\S*"
_SHELL = r"(?:ba|z|fi|da|k)?sh"
_INTERPRETER = rf"(?:{_SHELL}|python[\d.]*|perl|ruby|node|php)"

_DANGER = {
    "deletes directories with all they hold": rf"\brm\b(?={_REST}\s(?:-\w*[rR]|--recursive)){_REST}",
    "deletes what it finds": rf"\bfind\b{_REST}\s-delete\b",
    "overwrites what cannot be brought back": (
        rf"\b(?:shred|wipefs|mkfs(?:\.\w+)?)\b|\bdd\b{_REST}\bof=/dev/\S+|>\s*/dev/(?:sd|nvme|vd|mmcblk|disk)\w*"
    ),
    "runs with another user's rights": rf"\b(?:sudo|doas|pkexec)\b|{_FIRST}su(?=\s|$)",
    "runs what it downloads": (
        rf"\b(?:curl|wget)\b[^;]*\|\s*(?:\w+=\S*\s+)*(?:sudo\s+)?{_INTERPRETER}\b"
        rf"|{_INTERPRETER}\s+<\(\s*(?:curl|wget)\b[^)]*\)|\$\(\s*(?:curl|wget)\b[^)]*\)"
    ),
    "runs what another command prints": rf"\|\s*(?:/\S*/)?{_INTERPRETER}\b(?=\s*(?:-\s*)?(?:$|[;&|]))",
    "hands a shell or a stream to the network": (
        rf"/dev/(?:tcp|udp)/\S+|\b(?:nc|ncat|netcat|socat)\b{_REST}\s(?:-\w*[ec]\b|EXEC:)\S*"
    ),
    "git runs such a file by itself": rf"{_WORD}\.git/hooks\S*|\bcore\.hooksPath\b",
    "names a program that git runs": (
        r"\bcore\.(?:pager|editor|sshCommand|fsmonitor|askPass)\b|\bGIT_(?:PAGER|EDITOR|SSH_COMMAND|EXTERNAL_DIFF)="
    ),
    "says who may log in": rf"{_WORD}\bauthorized_keys\b",
    "holds keys or passwords": (
        rf"{_WORD}(?:\.ssh/|/\.(?:aws|gnupg|netrc|kube)\b|\bid_(?:rsa|ed25519|ecdsa)\b|/etc/shadow\b)\S*"
    ),
    "runs with every new shell": (
        rf"{_WORD}(?:/|(?<=\s))\.(?:bashrc|bash_profile|bash_login|profile|zshrc|zshenv|zprofile|zlogin)\b"
        rf"|{_WORD}(?:\.config/fish\b|/etc/profile\b)\S*"
    ),
    "runs later, by itself": (
        rf"\bcrontab\b|/etc/cron\S*|\bsystemctl\b{_REST}\s(?:enable|start)\b|{_WORD}\.config/(?:systemd|autostart)\b\S*"
    ),
    "changes which programs run, or what they load": (
        r"\b(?:PATH|LD_PRELOAD|LD_LIBRARY_PATH|PYTHONPATH|PYTHONSTARTUP|BASH_ENV|PROMPT_COMMAND|IFS)\+?="
    ),
    "starts itself without end": r":\(\)\s*\{[^}]*\}",
    "lets others run it with its owner's rights": rf"\bchmod\b{_REST}\s(?:[ugoa]*\+\w*s\w*|[2467]\d{{3}})\b",
    "overwrites what others have": rf"\bgit\b{_REST}\bpush\b{_REST}\s(?:-f|--force\S*)",
}
_WARNING = {
    "lets everybody write": rf"\bchmod\b{_REST}\s(?:0?777|[oa]*\+\w*w\w*)\b",
    "changes rights of whole directories": rf"\b(?:chmod|chown|chgrp)\b{_REST}\s(?:-\w*R\w*|--recursive)\b",
    "drops work that is not committed": (
        rf"\bgit\b{_REST}\b(?:reset\b{_REST}--hard|clean\b{_REST}-\w*f\w*|checkout\b{_REST}\s\.|restore\b"
        r"|stash\s+(?:drop|clear))"
    ),
    "runs text or a file as commands of this shell": rf"{_FIRST}(?:eval|source|\.)\s+\S+",
    "changes what later words mean": rf"{_FIRST}(?:alias|function|unalias|abbr|hash|enable)\s+\S+",
    "runs a program given as text": rf"\b{_SHELL}\s+-\w*c\b|\b(?:python[\d.]*|perl|ruby|node|php)\s+-[ecr]\b",
    "runs a command for what it finds": r"\s-(?:exec|execdir|ok|okdir)\b|\bxargs\b|\bparallel\b",
    "an option that runs a program": (
        r"--checkpoint-action\S*|--use-compress-program\S*|--to-command\S*|\bProxyCommand\b|\bLocalCommand\b"
        rf"|\brsync\b{_REST}\s(?:-\w*e\b|--rsh\S*)"
    ),
    "decodes what cannot be read here": (
        rf"\bbase(?:32|64)\b{_REST}\s(?:-\w*[dD]\w*|--decode)|\bxxd\b{_REST}\s-\w*r\w*"
    ),
    "hides what was done": rf"{_FIRST}history\s+-\w*[cdw]\w*|\bunset\s+HISTFILE\b|\bHISTFILE=",
    "ends programs by name or all at once": rf"{_FIRST}(?:kill\s+(?:-\S+\s+)?-1|pkill|killall)\b{_REST}",
}
_NOTE = {
    "installs software, which may run code": (
        rf"\b(?:pipx?|pip3|uv|p?npm|yarn|cargo|gem|go|apt|apt-get|dnf|brew)\s+(?:\S+\s+)?(?:install|add|get)\b{_REST}"
    ),
    "reaches out to the network": r"\b(?:curl|wget|ssh|scp|sftp|rsync|ftp|telnet)\b(?=\s)",
    "goes on in the background": r"\b(?:nohup|setsid|disown)\b|(?<![&<>|])&(?![&>\d])(?=\s*(?:$|;|[^&>\s]))",
}
_BY_SEVERITY: tuple[tuple[Severity, dict[str, str]], ...] = (
    ("danger", _DANGER),
    ("warning", _WARNING),
    ("note", _NOTE),
)
_PATTERNS: tuple[tuple[re.Pattern[str], str, Severity], ...] = tuple(
    (re.compile(pattern), why, severity) for severity, rules in _BY_SEVERITY for why, pattern in rules.items()
)
_REDIRECTION = re.compile(r"(?:&>>?|\d?>>?\|?)\s*(?!&)(['\"]?)((?:~|/|\.\./|\$HOME|\$\{HOME)[^\s;&|<>()'\"]*)\1")
_HARMLESS = re.compile(r"/dev/(?:null|stdout|stderr|tty|fd/\d+)$")
_PIECE = re.compile(r"[^\n]{1,2000}")
"""A line, or a part of a very long one: the time of a search grows faster than its text."""
_MOST_EXAMINED = 20_000


def remarks(command: str, *, workspace: Path) -> tuple[Remark, ...]:
    """What to look at in the first 20,000 code points of a command, by start; parts may overlap.

    Args:
        command: what the shell would get.
        workspace: real path; redirections to files outside of it are remarked.
    """
    found: list[Remark] = []
    for piece in _PIECE.finditer(command[:_MOST_EXAMINED]):
        for remark in (*_by_rules(piece.group()), *_outside(piece.group(), workspace)):
            found.append(replace(remark, start=piece.start() + remark.start, end=piece.start() + remark.end))
    return tuple(sorted(found, key=lambda remark: (remark.start, remark.end)))


def _by_rules(line: str) -> Iterator[Remark]:
    for pattern, why, severity in _PATTERNS:
        for found in pattern.finditer(line):
            part = found.group()
            start = found.start() + len(part) - len(part.lstrip())
            yield Remark(start, found.start() + len(part.rstrip()), why, severity)


def _outside(line: str, workspace: Path) -> Iterator[Remark]:
    for found in _REDIRECTION.finditer(line):
        path = found.group(2)
        inside = path.startswith("/") and ".." not in path and PurePosixPath(path).is_relative_to(workspace)
        if not inside and not _HARMLESS.match(path):
            yield Remark(found.start(), found.end(), "writes outside of the workspace", "warning")

"""Whether a shell command is one simple command: a program and its arguments, each word exactly what it says.

Only such a command can be accepted for a session, because only its words are all there is to it. The rule is the part
that bash, zsh and fish read alike, and then less: words of plain ASCII characters, set apart by single spaces, and
words wholly in quotes that hold nothing a shell looks at. All else is not simple, also where it would be harmless.

Knows nothing of files: what a program does, and what its arguments make it do, is not seen here.

Source: the grammars of bash (reference manual 3.1.2, 3.5), zsh (zshmisc, zshexpn) and fish (language reference).
"""

from __future__ import annotations

import re

LONGEST = 4000
"""Code points of the longest command that is looked at."""
_PLAIN = r"[A-Za-z0-9_./:@%+,=-]+"
_SINGLE_QUOTED = r"'[ -&(-\[\]-~]*'"
_DOUBLE_QUOTED = r'"[ #%-\[\]_a-~]*"'
_WORD = re.compile(f"{_PLAIN}|{_SINGLE_QUOTED}|{_DOUBLE_QUOTED}")
_PROGRAM = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*")
_EXPANDED = re.compile(r"[=%]|.*[=:]=", re.DOTALL)
"""zsh replaces ``=name`` by a path, fish ``%self`` by a number; a job is ``%1``."""
_RESERVED = frozenset(
    # What begins or ends a compound command, or stands before another command.
    "if then elif else fi for foreach while until do done repeat select case esac switch function begin end in coproc "
    "time not and or nocorrect noglob builtin command exec eval source . "
    # What changes the meaning of later words, or of what is typed.
    "alias unalias abbr hash rehash unhash set setopt unsetopt shopt enable disable export typeset declare local "
    "readonly integer float unset functions unfunction autoload zmodload compdef complete compctl emulate trap bind "
    "bindkey zle vared read mapfile readarray getopts let print printf sched fc r history umask ulimit limit unlimit "
    "compopt private getln pushln zformat zparseopts zregexparse zstyle zselect sysread strftime emit block argparse "
    "commandline breakpoint funced funcsave fish_config compgen compadd comparguments compcall compdescribe compfiles "
    "compgroups compquote compset comptags comptry compvalues zcompile ttyctl shift status log "
    # What ends the shell or what it does.
    "exit bye logout return break continue suspend".split()
)
"""Words that, as the first one, are no program; builtins that only print or test are not among them."""
_MOVES = frozenset("cd chdir pushd popd dirs nextd prevd cdh fg bg jobs wait disown".split())
"""Builtins that change where the shell is and what it waits for, but no word's meaning."""
_FISH = re.compile(r"(?:^|[\s/'\"])fish(?:[\s'\"]|$)")
"""A fish sets universal variables, PATH among them, in every other fish at once."""
_REDIRECTION = re.compile(r"\s*(?:\d?>>?|&>>?|<)\s*(?:&\d|[\w./-]+)(?![\w./-])")
_OPERATOR = re.compile(r"\|\||&&|[;|&\n]")
_IN_ARGUMENT = re.compile(r"\$[A-Za-z_]\w*|[*?~!^#{}\[\]\\]")


def not_simple(command: str) -> str:
    """Why a command is not one simple command, for a person; empty when it is."""
    if len(command) > LONGEST:
        return f"it has more than {LONGEST:,} characters"
    if not all(" " <= character <= "~" for character in command):
        return "it holds characters that are not plain ASCII, or more than one line"
    words = command.split(" ") if "'" not in command and '"' not in command else _pieces(command)
    if not all(_WORD.fullmatch(word) for word in words):
        return "it is more than one plain command: operators, expansions, redirections or unusual quotes or spaces"
    if any(_EXPANDED.match(word) for word in words):
        return "it holds a word that some shells expand"
    if not _PROGRAM.fullmatch(words[0]):
        return f"it does not begin with the plain name of a program: {words[0]}"
    if words[0] in _RESERVED or words[0] in _MOVES:
        return f"{words[0]} is the shell's own: it changes what comes after it"
    return ""


def words_of(command: str) -> tuple[str, ...]:
    """The words of a simple command as its program gets them.

    Raises:
        ValueError: it is not simple.
    """
    if why := not_simple(command):
        raise ValueError(f"not one simple command: {why}")
    return tuple(word[1:-1] if word[0] in "'\"" else word for word in _pieces(command))


def keeps_meanings(command: str) -> bool:
    """Whether words typed after this command certainly mean what they meant before it, as far as the shell goes.

    So it is with programs that run one after the other or side by side. Anything that cannot be read as that is taken
    to define an alias, a function or a variable. What programs do to files is not seen here.
    """
    if not command.strip() or _FISH.search(command):
        return False
    if not not_simple(command):
        return True
    return all(_only_runs(part) for part in _OPERATOR.split(_REDIRECTION.sub("", command)) if part.strip())


def _only_runs(part: str) -> bool:
    program, _, arguments = " ".join(part.split(" ")).strip().partition(" ")
    if program in _MOVES:
        return True
    plain = " ".join(_IN_ARGUMENT.sub("x", arguments).split())
    return not not_simple(f"{program} {plain}" if plain else program)


def _pieces(command: str) -> list[str]:
    """The command cut at single spaces outside of quotes; an empty last piece where that does not work out."""
    pieces: list[str] = []
    at = 0
    while found := _WORD.match(command, at):
        pieces.append(found.group())
        at = found.end()
        if at == len(command):
            return pieces
        if command[at] != " ":
            break
        at += 1
    # What follows is glued to a word, or is none: an empty piece stands for it.
    return [*pieces, ""]

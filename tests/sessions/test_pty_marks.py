from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limi_sessions.pty.commandevents import HooksLost, PromptShown, RawFinished
from limi_sessions.pty.marks import Mark, MarkScanner, Segment, Text
from limi_sessions.pty.quoting import fish_quoted, single_quoted, unquoted_url, unquoted_word
from limi_sessions.pty.tracker import CommandTracker

NONCE = "0123456789abcdef"
PIECES = [
    b"plain text ", b"\x1b[1mbold\x1b[m", b"\x1b", b"\x1b]", b"\x1b]133;", b"\x07", b"\x1b\\", b"\x18", "漢".encode(),
    f"\x1b]133;A;k={NONCE}\x07".encode(), f"\x1b]133;B;k={NONCE}\x1b\\".encode(),
    f"\x1b]133;D;130;k={NONCE}\x07".encode(),
    f"\x1b]133;C;k={NONCE};cmd='a;b'\x07".encode(), b"\x1b]133;D;0\x07", b"\x1b]133;D;0;k=bad\x07", b"[limi-", b"\r\n",
    f"[limi-{NONCE} C]\r\n".encode(), f"[limi-{NONCE} D 3]\r\n".encode(), f"[limi-{NONCE} D".encode(),
]  # fmt: skip


def scanned(stream: list[bytes], *, plain: bool = False) -> list[Segment]:
    scanner = MarkScanner(NONCE)
    scanner.plain = plain
    segments = [segment for chunk in stream for segment in scanner.feed(chunk)] + scanner.drain()
    merged: list[Segment] = []
    for segment in segments:
        if isinstance(segment, Text) and merged and isinstance(merged[-1], Text):
            merged[-1] = Text(merged[-1].raw + segment.raw)
        else:
            merged.append(segment)
    return merged


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12), st.data(), st.booleans())
def test_any_chunking_gives_the_same_marks_and_loses_no_byte(
    pieces: list[bytes], data: st.DataObject, plain: bool
) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = scanned([stream], plain=plain)
    assert b"".join(s.raw for s in whole) == stream
    cut = scanned(chunks, plain=plain)
    assert b"".join(s.raw for s in cut) == stream
    if plain:  # the newline after a sentinel belongs to it only when it comes with it
        assert _marks(cut) == _marks(whole)
    else:
        assert cut == whole


def _marks(segments: list[Segment]) -> list[tuple[str, int | None]]:
    return [(s.kind, s.exit_code) for s in segments if isinstance(s, Mark)]


def test_a_mark_says_what_the_shell_said() -> None:
    stream = (
        f"\x1b]133;C;k={NONCE};cmd=$'a\\nb;c'\x07\x1b]133;P;k={NONCE};urlcwd=/a%20b%3B\x07\x1b]133;D;7;k={NONCE}\x07"
    )
    c, p, d = (s for s in scanned([stream.encode()]) if isinstance(s, Mark))
    assert (c.kind, c.command) == ("C", "a\nb;c")
    assert (p.kind, p.cwd) == ("P", "/a b;")
    assert (d.kind, d.exit_code) == ("D", 7)


@pytest.mark.parametrize(
    "forged",
    [
        b"\x1b]133;D;0\x07",
        b"\x1b]133;D;0;k=\x07",
        b"\x1b]133;D;0;k=0123456789abcdee\x07",
        b"\x1b]133;X;k=" + NONCE.encode() + b"\x07",
        b"\x1b]133;D;0;k=" + NONCE.encode() + b";k=" + NONCE.encode() + b"\x07",
        b"\x1b]133;D;0;k=" + NONCE.encode() + b"\x18",
    ],
)
def test_a_mark_without_the_nonce_or_its_shape_is_forged(forged: bytes) -> None:
    (mark,) = scanned([forged])
    assert isinstance(mark, Mark)
    assert mark.kind == "forged"


def test_an_endless_mark_is_text_and_bounded() -> None:
    scanner = MarkScanner(NONCE)
    passed = sum(len(s.raw) for _ in range(40) for s in scanner.feed(b"\x1b]133;" + b"x" * 20_000))
    assert passed > 500_000


SHELL_QUOTING = {
    "bash": 'LC_ALL=C; printf %s "${1@Q}"',
    "zsh": "unsetopt multibyte; LC_ALL=C; print -rn -- ${(qqqq)1}",
    "fish": "string escape --style=url -- $argv[1]",
}


@pytest.mark.parametrize("shell", SHELL_QUOTING)
def test_what_a_shell_quotes_is_read_back(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    for text in (
        "plain",
        "it's",
        'a "b" \\ $x `y` !z',
        "ünï 漢字 🎉",
        "a\nb\tc\x1b[0m\x07;k=x",
        "",
        "%41",
        "\\n",
        "x -- y",
    ):
        argv = [shell, "-c", SHELL_QUOTING[shell], *(() if shell == "fish" else ("-",)), text]
        quoted = subprocess.run(argv, capture_output=True, check=True).stdout.rstrip(b"\n")
        assert (unquoted_url(quoted) if shell == "fish" else unquoted_word(quoted)) == text
        assert all(0x20 <= byte < 0x7F for byte in quoted)


@pytest.mark.parametrize(("shell", "quote"), [("sh", single_quoted), ("fish", fish_quoted)])
def test_what_we_quote_a_shell_reads_back(shell: str, quote: object) -> None:
    if shutil.which(shell) is None or not callable(quote):
        pytest.skip(f"{shell} is not installed")
    for text in ("it's", "a\\b\\\\'", "$x `y`\n\t'q'", "漢"):
        said = subprocess.run([shell, "-c", f"printf %s {quote(text)}"], capture_output=True, check=True)
        assert said.stdout.decode() == text


def tracker(owner: str = "human") -> CommandTracker:
    return CommandTracker(owner=lambda: "agent" if owner == "agent" else "human")


def tell(it: CommandTracker, kind: str, *, code: int | None = None, command: str | None = None) -> list[object]:
    mark = Mark(b"", kind, exit_code=code, command=command)  # pyright: ignore[reportArgumentType] - the test's own kinds
    return [*it.mark(mark, before=10, after=20)]


def test_a_pasted_block_is_one_command_with_the_last_exit_code() -> None:
    it = tracker()
    tell(it, "C", command="one")
    it.text(b"1\r\n")
    tell(it, "D", code=0)
    it.text(b"between")
    tell(it, "C", command="two")
    it.text(b"2\r\n")
    tell(it, "D", code=9)
    finished, shown = tell(it, "B")
    assert isinstance(finished, RawFinished)
    assert (finished.command, finished.exit_code, finished.printed.head) == ("one\ntwo", 9, b"1\r\n2\r\n")
    assert isinstance(shown, PromptShown)


def test_an_empty_line_is_no_command_and_a_missing_exit_is_unknown() -> None:
    it = tracker()
    assert not [e for e in tell(it, "D", code=0) + tell(it, "B") if isinstance(e, RawFinished)]
    tell(it, "C", command="x")
    lost, finished, _ = tell(it, "B")
    assert isinstance(lost, HooksLost)
    assert isinstance(finished, RawFinished)
    assert finished.exit_code is None


def test_an_expected_line_belongs_to_the_agent_even_when_the_shell_never_began_it() -> None:
    it = tracker()
    serial = it.expect("bad )", spool=None, cast_offset=5)
    it.text(b"bad )\r\nsyntax error\r\n")
    (finished,) = tell(it, "D", code=2)
    assert isinstance(finished, RawFinished)
    assert (finished.serial, finished.by, finished.exit_code, finished.echoed) == (serial, "agent", 2, True)

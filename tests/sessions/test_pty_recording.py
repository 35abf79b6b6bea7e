from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limi_sessions.masking import Masker
from limi_sessions.pty import cast
from limi_sessions.pty.cast import CastWriter
from limi_sessions.pty.environment import shell_environment
from limi_sessions.pty.plain import plain_text
from limi_sessions.pty.streammask import StreamMask
from limi_sessions.pty.window import OutputWindow, Printed

FORMS = {"secret-one": "[secret 1]", "secret-one-longer": "[secret 2]", "one-more": "[secret 3]"}


@given(
    st.lists(st.sampled_from([*FORMS, "s", "secret-", "one", "-", "x", "ü", "secret-one-long"]), max_size=12), st.data()
)
def test_secrets_are_masked_across_any_chunking(pieces: list[str], data: st.DataObject) -> None:
    stream = "".join(pieces).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    mask = StreamMask(FORMS)
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    masked = b"".join(mask.feed(chunk) for chunk in chunks) + mask.drain()
    whole = StreamMask(FORMS)
    assert masked == whole.feed(stream) + whole.drain()
    for secret in FORMS:
        assert secret.encode() not in masked


def events_of(path: Path) -> list[tuple[float, str, str]]:
    return [(at, code, text) for at, code, text in map(json.loads, path.read_text().splitlines()[1:])]


def writer_at(path: Path, problems: list[str] | None = None, secrets: tuple[str, ...] = ()) -> CastWriter:
    noted = problems if problems is not None else []
    return CastWriter(path, cols=80, rows=24, command="bash", forms=Masker(secrets).forms, failed=noted.append)


def test_a_recording_is_private_whole_and_its_offsets_are_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.cast"
    writer = writer_at(path, secrets=("hunter2-secret",))
    start = writer.offset
    writer.output("é".encode()[:1])
    writer.output("é".encode()[1:] + b"\x1b[1m hunter2-")
    middle = writer.offset
    writer.output(b"secret\xff")
    writer.typed(b"ls\r")
    writer.resized(100, 30)
    writer.marker("ls hunter2-secret")
    writer.ended(0)
    end = writer.offset
    writer.close()
    assert path.stat().st_mode & 0o777 == 0o600
    raw = path.read_bytes()
    assert len(raw) == end
    header = json.loads(raw[:start])
    assert (header["version"], header["term"]) == (3, {"cols": 80, "rows": 24, "type": "xterm-256color"})
    assert json.loads(raw[start:middle])[1:] == ["o", "é\x1b[1m "]
    assert [(code, text) for _, code, text in events_of(path)] == [
        ("o", "é\x1b[1m "), ("o", "[secret 1]\ufffd"), ("i", "ls\r"), ("r", "100x30"), ("m", "ls [secret 1]"),
        ("x", "0"),
    ]  # fmt: skip
    with pytest.raises(FileExistsError):
        writer_at(path)


def test_a_disk_that_refuses_is_said_once_and_leaves_whole_lines(tmp_path: Path) -> None:
    problems: list[str] = []
    path = tmp_path / "x.cast"
    writer = writer_at(path, problems)
    writer.output(b"before\r\n")
    deadline = time.monotonic() + 10
    while path.stat().st_size < writer.offset and time.monotonic() < deadline:
        time.sleep(0.001)
    size = writer.offset
    os.dup2(os.open("/dev/full", os.O_WRONLY), writer._file)  # pyright: ignore[reportPrivateUsage] - a disk gone bad
    for _ in range(50):
        writer.output(b"lost")
    writer.close()
    writer.output(b"after")
    assert len(problems) == 1
    assert "No space left" in problems[0]
    assert writer.offset == size == path.stat().st_size
    assert [text for _, _, text in events_of(path)] == ["before\r\n"]


def test_a_slow_disk_blocks_the_reader_instead_of_dropping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cast, "QUEUE_MAX", 64 * 1024)
    path = tmp_path / "slow.cast"
    os.mkfifo(path)
    # A fifo with a full pipe is a disk that does not take more.
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    monkeypatch.setattr(os, "O_EXCL", 0)
    writer = writer_at(path)
    done = threading.Event()

    def produce() -> None:
        for _ in range(40):
            writer.output(b"x" * 16 * 1024)
        done.set()

    producer = threading.Thread(target=produce)
    producer.start()
    assert not done.wait(0.3)
    os.set_blocking(reader, True)
    received = bytearray()
    while len(received) < 40 * 16 * 1024 + 40:
        received += os.read(reader, 65536)
    assert done.wait(10)
    producer.join()
    closer = threading.Thread(target=writer.close)
    closer.start()
    while chunk := os.read(reader, 65536):
        received += chunk
    closer.join()
    os.close(reader)
    assert received.count(b"x") == 40 * 16 * 1024 + 1  # and one of xterm


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=30), st.integers(1, 50))
@settings(max_examples=100)
def test_a_window_keeps_head_and_tail_and_counts_the_rest(chunks: list[bytes], limit: int) -> None:
    window = OutputWindow(limit=limit)
    for chunk in chunks:
        window.add(chunk)
    kept = window.close()
    whole = b"".join(chunks)
    assert kept.size == len(whole)
    assert kept.head == whole[:limit]
    assert len(kept.tail) <= limit
    assert whole.endswith(kept.tail)
    if not kept.omitted:
        assert kept.head + kept.tail == whole


def shown(raw: bytes) -> str:
    return plain_text(Printed(raw, b"", 0), lambda part: f"<screen of {len(part)} bytes>")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a\r\nb\r\n", "a\nb"),
        (b"a\r\n\r\n", "a\n"),
        (b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\r\n", "red x"),
        (b"10%\r20%\r100%\r\n", "100%"),
        (b"longer\rab\r\n", "abnger"),
        (b"longer\r\x1b[Kab\r\n", "ab"),
        (b"abc\b\bX\r\n", "aXc"),
        (b"one\r\ntwo\r\n\x1b[2A\x1b[2K1\r\n\x1b[2K2\r\n", "1\n2"),
        (b"a\tb\r\n", "a\tb"),
        (b"\x1b[H\x1b[2J\x1b[3Jhi\r\n", "hi"),
        (b"a\x1b[3Cb\r\n", "a   b"),
        ("漢字\r\n".encode(), "漢字"),
        (b"bad \xff\r\n", "bad \ufffd"),
        (b"x\x1b[?1049hfull\x1b[?1049ly\r\n", "x\n<screen of 4 bytes>\ny"),
        (b"", ""),
    ],
)
def test_output_becomes_the_text_a_person_saw(raw: bytes, text: str) -> None:
    assert shown(raw) == text


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"\x1b[", b"9999", b"A", b"B", b"C", b"K", b"\n", b"\r", b"x"])).map(b"".join)
)
def test_no_output_breaks_the_rendering_or_leaves_control_characters(raw: bytes) -> None:
    assert not any((ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in shown(raw))


def test_hostile_output_buys_no_time_or_memory() -> None:
    started = time.process_time()
    text = shown(b"x" * 300_000 + b"\by" * 200_000 + b"\x1b[4096C\n" * 50_000 + b"\x1b[4096Bz" * 20_000)
    assert len(text) < 20_000_000
    assert time.process_time() - started < 10


def test_the_environment_is_an_allow_list(tmp_path: Path) -> None:
    base = {
        "PATH": "/x/bin:/usr/bin", "HOME": "/h", "USER": "u", "LANG": "de_DE.UTF-8", "LC_TIME": "C",
        "TERM": "dumb",
        "OPENAI_API_KEY": "k", "GITHUB_TOKEN": "t", "SSH_AUTH_SOCK": "/s", "VIRTUAL_ENV": "/v", "PYTHONPATH": "/p",
        "https_proxy": "http://me:pw@proxy", "http_proxy": "http://proxy", "EDITOR": "vi --key=SECRETVALUE",
        "BASH_ENV": "/e", "LD_PRELOAD": "x.so",
    }  # fmt: skip
    made = shell_environment(base, session_id="s", limi_home=tmp_path, shell_path="/bin/zsh", secrets=("SECRETVALUE",))
    assert made == {
        "PATH": "/x/bin:/usr/bin", "HOME": "/h", "USER": "u", "LANG": "de_DE.UTF-8", "LC_TIME": "C",
        "TERM": "xterm-256color",         "COLORTERM": "truecolor", "http_proxy": "http://proxy", "SHELL": "/bin/zsh",
        "LIMI_HOME": str(tmp_path), "LIMI_INSIDE": "s",
    }  # fmt: skip
    assert shell_environment({"LC_ALL": "C"})["LC_CTYPE"] == "C.UTF-8"
    assert "LC_ALL" not in shell_environment({"LC_ALL": "C"})

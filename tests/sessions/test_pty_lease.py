from __future__ import annotations

import os
import pty
import random
import re
import select
import threading
import time
import tty
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limi_sessions.pty.errors import LeaseLost, LeaseRefused
from limi_sessions.pty.lease import Lease
from limi_sessions.pty.outbound import Outbound, Unit
from limi_sessions.pty.promptline import PromptLine


def free_lease() -> Lease:
    return Lease(blocker=lambda: None, changed=lambda owner, epoch, reason: None)


class RawPty:
    """A real pty whose far side reads raw bytes."""

    def __init__(self) -> None:
        self.near, self.far = pty.openpty()
        tty.setraw(self.far)
        os.set_blocking(self.near, False)

    def read_until(self, enough: Callable[[bytes], bool], timeout_s: float = 20) -> bytes:
        data = b""
        deadline = time.monotonic() + timeout_s
        while not enough(data) and time.monotonic() < deadline:
            if select.select([self.far], [], [], 0.05)[0]:
                data += os.read(self.far, 4096)
        return data

    def close(self) -> None:
        os.close(self.near)
        os.close(self.far)


def test_two_writers_never_interleave_within_a_unit_and_a_stale_epoch_never_types() -> None:
    far = RawPty()
    lease = free_lease()
    written: list[Unit] = []
    outbound = Outbound(far.near, lease, started=written.append)
    stop = threading.Event()
    accepted: list[int] = []

    def unit(who: bytes, number: int, epoch: int, size: int) -> bytes:
        return b"<%s %d %d:%s>" % (who, number, epoch, who.lower() * size)

    def agent() -> None:
        chance = random.Random(1)
        number = 0
        while number < 300:
            try:
                epoch = lease.acquire_agent("fuzz")
            except LeaseRefused:
                stop.wait(0.0001)
                continue
            number += 1
            for _ in range(3):
                try:
                    with lease.agent(epoch):
                        outbound.put(Unit(unit(b"A", number, epoch, chance.choice([1, 50, 9000])), "agent", epoch))
                except LeaseLost:
                    break
            stop.wait(chance.random() * 0.003)
            if chance.random() < 0.3:
                lease.release(epoch)

    def human() -> None:
        chance = random.Random(2)
        number = 0
        while not stop.is_set():
            lease.take_over()
            with lease.human() as may_type:
                if may_type:
                    number += 1
                    outbound.put(Unit(unit(b"H", number, lease.epoch, chance.choice([1, 5, 4000])), "human"))
                    accepted.append(number)
            lease.hand_back()
            stop.wait(chance.random() * 0.002)

    writers = [threading.Thread(target=agent), threading.Thread(target=human)]
    for writer in writers:
        writer.start()
    received = far.read_until(lambda _: not writers[0].is_alive(), 60)
    stop.set()
    for writer in writers:
        writer.join()
    outbound.put(Unit(b"<end>", "terminal"))
    received += far.read_until(lambda data: data.endswith(b"<end>"), 60)
    outbound.close()
    far.close()
    # What is left after removing whole units is at most the cut beginnings of the agent's.
    whole = re.findall(rb"<(A|H) (\d+) (\d+):(a+|h+)>", received)
    humans = [int(number) for who, number, _, body in whole if who == b"H" and set(body) == {ord("h")}]
    assert humans == accepted
    rest = re.sub(rb"<(A|H) \d+ \d+:(a+|h+)>", b"", received.removesuffix(b"<end>"))
    assert re.fullmatch(rb"(<A \d+ \d+:a*|<A[ \d]*|<)*", rest)
    assert any(who == b"A" for who, *_ in whole)


def test_an_agents_queued_unit_is_not_typed_after_a_takeover() -> None:
    far = RawPty()
    lease = free_lease()
    outbound = Outbound(far.near, lease, started=lambda unit: None)
    epoch = lease.acquire_agent("test")
    flood = b"\x1b[200~" + b"a" * 300_000 + b"\x1b[201~"
    with lease.agent(epoch):
        outbound.put(Unit(flood, "agent", epoch))
        outbound.put(Unit(b"STALE", "agent", epoch))
    assert select.select([far.far], [], [], 10)[0]
    lease.take_over()
    outbound.lease_changed()
    with lease.human() as may_type:
        assert may_type
        outbound.put(Unit(b"MINE", "human"))
    received = far.read_until(lambda data: data.endswith(b"MINE"))
    outbound.close()
    far.close()
    assert b"STALE" not in received
    assert len(received) < 300_000
    assert re.fullmatch(rb"\x1b\[200~a*\x1b\[201~MINE", received)


def test_an_interrupt_overtakes_what_is_not_read() -> None:
    far = RawPty()
    lease = free_lease()
    outbound = Outbound(far.near, lease, started=lambda unit: None)
    outbound.put(Unit(b"x" * 300_000, "human"))
    outbound.put(Unit(b"later", "human"))
    assert select.select([far.far], [], [], 10)[0]
    outbound.put(Unit(b"\x03", "human", urgent=True))
    received = far.read_until(lambda data: data.endswith(b"later"))
    outbound.close()
    far.close()
    assert re.fullmatch(rb"x*\x03later", received)


@given(st.lists(st.sampled_from(["acquire", "take_over", "hand_back", "release", "release_old"]), max_size=30))
@settings(max_examples=60)
def test_every_change_makes_a_new_epoch_and_only_the_newest_types(steps: list[str]) -> None:
    told: list[tuple[str, int, str]] = []
    lease = Lease(blocker=lambda: None, changed=lambda owner, epoch, reason: told.append((owner, epoch, reason)))
    epochs: list[int] = [-1]
    for step in steps:
        if step == "acquire":
            try:
                epochs.append(lease.acquire_agent("test"))
            except LeaseRefused:
                assert lease.owner == "human"
        elif step == "release":
            lease.release(epochs[-1])
        elif step == "release_old":
            assert not lease.release(epochs[-1] - 1)
        else:
            (lease.take_over if step == "take_over" else lease.hand_back)()
        valid = [epoch for epoch in set(epochs) if lease.holds(epoch)]
        assert valid == ([lease.epoch] if lease.owner == "agent" else [])
    assert [epoch for _, epoch, _ in told] == list(range(1, len(told) + 1))


def test_a_blocked_agent_is_told_why() -> None:
    lease = Lease(blocker=lambda: "the expert has a half-typed line", changed=lambda owner, epoch, reason: None)
    with pytest.raises(LeaseRefused, match="half-typed"):
        lease.acquire_agent("test")
    assert lease.owner == "free"


@pytest.mark.parametrize(
    ("keys", "blocked"),
    [
        ([b"l", b"s"], True),
        ([b"l", b"\x7f"], False),
        ([b"l", b"s", b"\x15"], False),
        ([b"l", b"\x03"], False),
        ([b"\x1b[A"], True),
        ([b"\x1b[A", b"\x7f"], True),
        ([b"l", b"\r"], True),
        ([b"\x0c"], False),
        (["ü".encode(), b"\x7f"], False),
        ([b"\x1b[200~two words\x1b[201~"], True),
    ],
)
def test_a_half_typed_line_is_known_from_its_keys(keys: list[bytes], blocked: bool) -> None:
    line = PromptLine("the expert")
    for key in keys:
        line.typed(key)
    assert (line.blocker is not None) == blocked
    line.reset()
    assert line.blocker is None

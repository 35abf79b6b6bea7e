"""How the conversation looks; the pictures are beside this file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conversation_apps import ConversationApp
from textual.pilot import Pilot

from limi_tui.widgets.finish_card import FinishCard
from limi_tui.widgets.transcript import Transcript


async def _settle(pilot: Pilot[None]) -> None:
    transcript = pilot.app.query_one(Transcript)
    while not transcript.settled:
        await pilot.pause(0.01)
    await pilot.pause()


async def _finish(pilot: Pilot[None]) -> None:
    await _settle(pilot)
    pilot.app.theme = "limi-light"
    pilot.app.push_screen(FinishCard(summary="14 turns · 45.2k tokens · $0.0123 · 0:14:31", outcome="partial"))
    await pilot.pause()


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["wide", "small"])
def test_the_conversation_looks_as_it_did(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    assert snap_compare(ConversationApp(), terminal_size=size, run_before=_settle)


def test_the_finish_card_looks_as_it_did(snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(ConversationApp(), terminal_size=(80, 24), run_before=_finish)

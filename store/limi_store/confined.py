"""The store in the shell of a session: asked through the socket that the session's workstation guards.

The home is not read here, as a sandbox may hide it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from limi_sessions.records.event import Event
from limi_store.client import StoreClient
from limi_store.errors import StoreGone
from limi_store.wire import OfSession, PeerRefused

_EVENTS = TypeAdapter(list[Event])
_ELSEWHERE = "type this in another terminal"


class ConfinedStore(StoreClient):
    """A `limi_store.port.StorePort` that may refuse to change anything: see `limi_store.guarded`."""

    def __init__(self, place: Path) -> None:
        """Connect.

        Raises:
            StoreGone: nobody serves there any more.
        """
        try:
            super().__init__(place, owner="the workstation of this session")
        except (OSError, PeerRefused) as error:
            raise StoreGone(
                f"this is the shell of a session and its workstation is gone ({error}); {_ELSEWHERE}"
            ) from error

    def event_appended(self, event: Event) -> None:
        """See `StorePort`; nothing is recorded from here, so there is nothing to hear of."""

    def events(self, session_id: str) -> list[Event]:
        """See `StorePort`."""
        return self.ask(OfSession(ask="events", session_id=session_id), _EVENTS)

"""The store for the length of one verb."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from limi_sessions.paths import Home
from limi_tui.cli.output import print_note

if TYPE_CHECKING:
    from limi_store import StorePort


@contextmanager
def opened_store(home: Home | None = None) -> Generator[StorePort]:
    """The store, up to date: the running owner's where there is one, else opened here.

    What it had to mend is told on stderr.

    Raises:
        HomeUnwritable: there is no place for it.
        StoreError: it cannot be opened.
    """
    from limi_store import open_store

    store = open_store(home or Home.default())
    try:
        if store.role == "client":
            # An owner hears of other processes' sessions by their notices, and one that was killed sent none.
            store.catch_up()
        for note in store.notes:
            print_note(note)
        yield store
    finally:
        store.close()

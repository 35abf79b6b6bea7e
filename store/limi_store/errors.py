"""What can go wrong with the store; every message says what to do."""

from __future__ import annotations


class StoreError(Exception):
    """Base of everything that the store raises."""


class StoreGone(StoreError):
    """The process that owns the store went away or does not answer, and nobody could take its place."""


class StoreBusy(StoreError):
    """Another process holds the store and does not serve it."""


class StoreDegraded(StoreError):
    """The database cannot be read or written now; the journals are complete."""


class StoreNewer(StoreError):
    """The database was written by a newer limi."""


class StoreRefused(StoreError):
    """The store's owner refused a request or could not carry it out."""


class SessionUnknown(StoreError):
    """No session has this id or prefix."""


class SessionAmbiguous(StoreError):
    """Several sessions have this prefix; the message names them."""


class SessionRunning(StoreError):
    """A session that a process is writing cannot be deleted."""

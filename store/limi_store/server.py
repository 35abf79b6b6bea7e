"""The owner's socket: answers the other processes of the same user that can read its home.

The mode of a socket keeps other users away, but not a process in a sandbox that hides the home and cannot hide
sockets: Landlock does not judge connect(2). So a caller first says the secret that the lock file holds.
"""

from __future__ import annotations

import hmac
import secrets

from limi_sessions.paths import Home
from limi_store.answering import answered, reply_to
from limi_store.errors import StoreGone, StoreRefused
from limi_store.listener import Listener
from limi_store.lock import socket_place
from limi_store.owner import StoreOwner
from limi_store.wire import LONGEST_REQUEST, AnyRequest, Noticed, error_line, greeting_line


class StoreServer:
    """Listens from the start; answers once it is given the store, so that a client waits instead of failing."""

    def __init__(self, home: Home) -> None:
        """Bind and listen.

        Raises:
            OSError: the socket cannot be made.
        """
        self._listener = Listener(socket_place(home), name="store")
        self.place = self._listener.place
        self.secret = secrets.token_hex(16)
        """What a caller says first; for the lock file only."""

    def serve(self, store: StoreOwner) -> None:
        """Begin to answer."""
        self._listener.serve(lambda: _Conversation(store, greeting_line(self.secret)))

    def close(self) -> None:
        """Stop answering, hang up on every client and remove the socket."""
        self._listener.close()


class _Conversation:
    """One caller's lines."""

    def __init__(self, store: StoreOwner, greeting: bytes) -> None:
        self._store = store
        self._greeting = greeting
        self._greeted = False

    def __call__(self, line: bytes, _sender: int) -> bytes:
        if self._greeted:
            return reply_to(line, self._answer)
        self._greeted = hmac.compare_digest(line, self._greeting)
        if self._greeted:
            return b""
        if len(line) > LONGEST_REQUEST:
            return error_line(StoreRefused(f"the request is longer than {LONGEST_REQUEST} bytes"))
        # A client of the owner before this one knows that one's secret: it is to look who owns the store now.
        return error_line(StoreGone("the store is not for a process that cannot read its home"))

    def _answer(self, request: AnyRequest) -> bytes:
        if isinstance(request, Noticed):
            self._store.mark(request.session_ids)
            return b"null"
        return answered(self._store, request)

"""A private unix socket whose callers are answered line by line, each on a thread of its own.

Knows nothing of what is asked.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from limi_sessions.caller import SentLines, caller_of, tell_senders
from limi_sessions.paths import remove_socket
from limi_store.errors import StoreRefused
from limi_store.wire import LONGEST_REQUEST, error_line

Conversation = Callable[[bytes, int], bytes]
"""Takes one line, which may be longer than allowed, and the pid of who sent it (-1: several did); returns what is sent
back."""
MOST_CALLERS = 256


class Listener:
    """Listens from the start; answers once `serve` is called, so that a caller waits instead of failing."""

    def __init__(self, place: Path, *, name: str, most_callers: int = MOST_CALLERS) -> None:
        """Bind and listen; what lies at the place is removed.

        Args:
            place: of the socket, in a directory that only this user may enter.
            name: of the threads.
            most_callers: how many are served at once; more are sent away.

        Raises:
            OSError: the socket cannot be made.
        """
        self.place = place
        self._name = name
        self._most_callers = most_callers
        place.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # On Linux the mode of the descriptor is that of the file from its first moment; a changed umask would leak
        # into files that other threads create meanwhile.
        os.fchmod(self._socket.fileno(), 0o600)
        tell_senders(self._socket)
        self._socket.bind(str(place))
        place.chmod(0o600)
        self._socket.listen(64)
        self._wake, self._woken = socket.socketpair()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._changed = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def serve(self, converse: Callable[[], Conversation]) -> None:
        """Begin to answer.

        Args:
            converse: called once for each connection, which is one of this user.
        """
        self._thread = threading.Thread(target=self._accept, args=(converse,), name=f"{self._name}-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering, hang up on every caller and remove the socket; may be called again."""
        if self._closed:
            return
        self._closed = True
        remove_socket(self.place)
        self._wake.send(b"\0")
        if self._thread is not None:
            self._thread.join()
        self._socket.close()
        with self._changed:
            connections = dict(self._connections)
        for connection, thread in connections.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
        self._wake.close()
        self._woken.close()

    def _accept(self, converse: Callable[[], Conversation]) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self._socket for key, _ in selector.select()):
                with contextlib.suppress(OSError):
                    connection, _ = self._socket.accept()
                    self._meet(connection, converse)

    def _meet(self, connection: socket.socket, converse: Callable[[], Conversation]) -> None:
        thread = threading.Thread(
            target=self._converse, args=(connection, converse), name=f"{self._name}-client", daemon=True
        )
        with self._changed:
            full = len(self._connections) >= self._most_callers
            if not full:
                self._connections[connection] = thread
        if full:
            with connection:
                connection.setblocking(False)
                connection.sendall(error_line(StoreRefused(f"{self._most_callers} callers are served already")))
        else:
            thread.start()

    def _converse(self, connection: socket.socket, converse: Callable[[], Conversation]) -> None:
        try:
            with connection:
                tell_senders(connection)
                if caller_of(connection).uid != os.getuid():
                    connection.sendall(error_line(StoreRefused("this store belongs to another user")))
                    return
                answer, lines = converse(), SentLines(connection)
                while (sent := lines.next(LONGEST_REQUEST))[0]:
                    connection.sendall(answer(*sent))
                    if len(sent[0]) > LONGEST_REQUEST:
                        return
        except OSError:
            return  # the caller hung up
        finally:
            with self._changed:
                self._connections.pop(connection, None)

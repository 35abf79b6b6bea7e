"""The owner's socket: answers the other processes of the same user, each connection on a thread of its own."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from pathlib import Path

from pydantic import TypeAdapter

from limi_sessions.paths import Home
from limi_sessions.records.event import Event
from limi_sessions.records.turn import SessionSummary
from limi_store.errors import StoreError, StoreRefused
from limi_store.lock import remove_socket, socket_place
from limi_store.owner import StoreOwner
from limi_store.port import SearchHit
from limi_store.wire import (
    LONGEST_REPLY,
    LONGEST_REQUEST,
    AnyRequest,
    AppendDesk,
    CatchUp,
    ChangeSession,
    EmptyBin,
    Noticed,
    OfSession,
    Search,
    Sessions,
    WholeStore,
    error_line,
    parse_request,
    peer_uid,
    result_line,
)

SUMMARIES = TypeAdapter(list[SessionSummary])
HITS = TypeAdapter(list[SearchHit])
STRINGS = TypeAdapter(list[str])
EVENT = TypeAdapter(Event)


class StoreServer:
    """Listens from the start; answers once it is given the store, so that a client waits instead of failing."""

    def __init__(self, home: Home) -> None:
        """Bind and listen.

        Raises:
            OSError: the socket cannot be made.
        """
        self._home = home
        self.place: Path = socket_place(home)
        self.place.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # On Linux the mode of the descriptor is that of the file from its first moment; a changed umask would leak
        # into files that other threads create meanwhile.
        os.fchmod(self._socket.fileno(), 0o600)
        self._socket.bind(str(self.place))
        self.place.chmod(0o600)
        self._socket.listen(64)
        self._wake, self._woken = socket.socketpair()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._changed = threading.Lock()
        self._thread: threading.Thread | None = None

    def serve(self, store: StoreOwner) -> None:
        """Begin to answer."""
        self._thread = threading.Thread(target=self._accept, args=(store,), name="store-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering, hang up on every client and remove the socket."""
        remove_socket(self._home, self.place)
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

    def _accept(self, store: StoreOwner) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self._socket for key, _ in selector.select()):
                with contextlib.suppress(OSError):
                    connection, _ = self._socket.accept()
                    thread = threading.Thread(
                        target=self._converse, args=(connection, store), name="store-client", daemon=True
                    )
                    with self._changed:
                        self._connections[connection] = thread
                    thread.start()

    def _converse(self, connection: socket.socket, store: StoreOwner) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                if peer_uid(connection) != os.getuid():
                    connection.sendall(error_line(StoreRefused("this store belongs to another user")))
                    return
                while line := lines.readline(LONGEST_REQUEST + 1):
                    connection.sendall(_reply(store, line))
                    if len(line) > LONGEST_REQUEST:
                        return
        except OSError:
            return  # the client hung up
        finally:
            with self._changed:
                self._connections.pop(connection, None)


def _reply(store: StoreOwner, line: bytes) -> bytes:
    try:
        if len(line) > LONGEST_REQUEST:
            raise StoreRefused(f"the request is longer than {LONGEST_REQUEST} bytes")
        reply = result_line(_answer(store, parse_request(line)))
        if len(reply) > LONGEST_REPLY:
            raise StoreRefused(f"the answer is longer than {LONGEST_REPLY} bytes; read the session's journal instead")
        return reply
    except StoreError as error:
        return error_line(error)
    except Exception as error:  # noqa: BLE001 - boundary: one client's request must not end the others'
        return error_line(StoreRefused(f"the store's owner failed: {type(error).__name__}: {error}"))


def _answer(store: StoreOwner, request: AnyRequest) -> bytes:
    match request:
        case Noticed(session_ids=session_ids):
            store.mark(session_ids)
            return b"null"
        case CatchUp(session_id=session_id):
            store.catch_up(session_id)
            return b"null"
        case AppendDesk(payload=payload, actor=actor):
            return EVENT.dump_json(store.append_desk(payload, actor=actor))
        case Sessions(deleted=deleted, limit=limit, offset=offset):
            return SUMMARIES.dump_json(store.sessions(deleted=deleted, limit=limit, offset=offset))
        case OfSession():
            return _about_session(store, request)
        case Search(text=text, limit=limit):
            return HITS.dump_json(store.search(text, limit=limit))
        case ChangeSession(ask="delete", session_id=session_id, actor=actor):
            store.delete(session_id, actor=actor)
            return b"null"
        case ChangeSession(session_id=session_id, actor=actor):
            store.restore(session_id, actor=actor)
            return b"null"
        case EmptyBin(actor=actor):
            return str(store.empty_bin(actor=actor)).encode()
        case WholeStore():
            return _about_store(store, request)


def _about_session(store: StoreOwner, request: OfSession) -> bytes:
    match request.ask:
        case "find":
            return STRINGS.dump_json([store.find(request.session_id)])
        case "summary":
            return store.summary(request.session_id).model_dump_json().encode()
        case "trajectory":
            return store.trajectory(request.session_id).model_dump_json().encode()
        case "discard_unused":
            return b"true" if store.discard_unused(request.session_id) else b"false"


def _about_store(store: StoreOwner, request: WholeStore) -> bytes:
    match request.ask:
        case "check":
            return store.check().model_dump_json().encode()
        case "rebuild":
            return store.rebuild().model_dump_json().encode()
        case "notes":
            return STRINGS.dump_json(store.notes)

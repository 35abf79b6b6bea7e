"""The way out of a sandbox without network: from a port on 127.0.0.1 inside to the unix socket of the proxy outside.

Started by the launcher before it becomes the command; a process of its own, child of the sandbox's first process, which
ends with the sandbox. It passes bytes and judges nothing: the proxy does. Imports the standard library only.
"""

from __future__ import annotations

import os
import signal
import socket

_BACKLOG = 128
_CHUNK = 64 * 1024


def start(port: int, proxy: str) -> None:
    """Listen on 127.0.0.1 and serve from a process that no longer belongs to this one; connections are taken at once.

    Args:
        port: 1 to 65535.
        proxy: path of the proxy's unix socket.

    Raises:
        OSError: the port is taken, or there is no room for a process.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BACKLOG)
    child = os.fork()
    if child:
        listener.close()
        os.waitpid(child, 0)
        return
    try:
        # A session of its own has no terminal; its orphan is no child of the command, which may wait for all of its
        # own.
        os.setsid()
        if os.fork():
            os._exit(0)
        _leave_everything(listener)
        _serve(listener, proxy)
    finally:
        os._exit(1)


def _leave_everything(listener: socket.socket) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    kept = listener.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, 4096)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _serve(listener: socket.socket, proxy: str) -> None:
    import asyncio  # slow to load; the command does not wait for it

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            writer.close()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            out_reader, out_writer = await asyncio.open_unix_connection(proxy)
        except OSError:
            writer.close()
            return
        await asyncio.gather(passed(reader, out_writer), passed(out_reader, writer))
        for end in (writer, out_writer):
            end.close()

    async def served() -> None:
        listener.setblocking(False)
        server = await asyncio.start_server(met, sock=listener)
        await server.serve_forever()

    asyncio.run(served())

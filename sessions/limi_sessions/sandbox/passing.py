"""Bytes from one connection to another: as they come, or one HTTP message's body and nothing behind it.

Source: RFC 9112, sections 6 and 7.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import re

IDLE_S = 900.0
"""A direction in which nothing passes for so long is over."""
_CHUNK = 64 * 1024
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t -~]*)?\r\n")
_LONGEST_TRAILERS = 32 * 1024


class BodyBroken(ValueError):
    """A body is not what its head promised."""


async def pass_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass everything until the reader's end, and then that.

    Raises:
        OSError: one of the two is gone, or nothing came for `IDLE_S`.
    """
    while chunk := await _read(reader, _CHUNK):
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def pass_both_ways(
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter], far: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Pass everything in both directions until both have ended.

    Raises:
        OSError: one of the two is gone; nothing passes any more.
    """
    ways = [asyncio.create_task(pass_bytes(near[0], far[1])), asyncio.create_task(pass_bytes(far[0], near[1]))]
    try:
        await asyncio.gather(*ways)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def pass_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, length: int, chunked: bool) -> None:
    """Pass one body.

    Args:
        reader: behind the head of the message.
        writer: where the head went.
        length: in bytes, where it is not chunked.
        chunked: it says its length itself; trailers are dropped.

    Raises:
        BodyBroken: it ends early, or its chunks are malformed.
        OSError: one of the two is gone, or nothing came for `IDLE_S`.
    """
    if not chunked:
        await _pass_exactly(reader, writer, length)
        return
    while size := await _chunk_size(reader):
        writer.write(b"%x\r\n" % size)
        await _pass_exactly(reader, writer, size)
        if await _line(reader) != b"\r\n":
            raise BodyBroken("a chunk is longer than it says")
        writer.write(b"\r\n")
    left = _LONGEST_TRAILERS
    while (line := await _line(reader)) != b"\r\n":
        left -= len(line)
        if left < 0:
            raise BodyBroken("its trailers are too long")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    found = _CHUNK_LINE.fullmatch(await _line(reader))
    if found is None:
        raise BodyBroken("a chunk does not say its size")
    return int(found[1], 16)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(IDLE_S):
            return await reader.readuntil(b"\r\n")
    except (asyncio.LimitOverrunError, asyncio.IncompleteReadError) as error:
        raise BodyBroken("a line of it has no end") from error


async def _pass_exactly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    while length:
        chunk = await _read(reader, min(length, _CHUNK))
        if not chunk:
            raise BodyBroken("it ends early")
        length -= len(chunk)
        writer.write(chunk)
        await writer.drain()


async def _read(reader: asyncio.StreamReader, most: int) -> bytes:
    async with asyncio.timeout(IDLE_S):
        return await reader.read(most)

"""A model that answers from a file: a real HTTP server on the loopback interface.

    python -P -m limi_sessions.agent.scripted FILE [--port 0] [--start N] [--errors M] [--log FILE] [--lifeline]

Prints `{"port": N}` when it listens. Speaks `POST /v1/chat/completions` and `POST /v1/responses`, each with and
without `stream`, and `GET /v1/models`. The format of FILE stands in `limi_sessions.agent.script`. `--start N` begins
after the first N answers, `--errors M` after the M errors that follow them; `--log` appends one JSON line a request:
turn, whether `expect` was met, path, body; `--lifeline` ends the program when its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from limi_sessions.agent.lifeline import die_with_parent, take_protocol_pipe, write_line
from limi_sessions.agent.script import Place, Script, ScriptedError, ScriptedTurn, ScriptUnreadable, read_script
from limi_sessions.agent.scripted_wire import ChatWire, ResponsesWire, pieces_of
from limi_sessions.records.value import JsonObject

MODEL_NAME = "scripted"
_MAX_BODY = 256 * 2**20
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 413: "Content Too Large", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """One HTTP request."""

    method: str
    path: str
    body: bytes


class ScriptedServer:
    """Serves one script to any number of connections; each request is one connection."""

    def __init__(self, script: Script, *, start: int = 0, errors: int = 0, log: Path | None = None) -> None:
        self._place = Place(script, start=start, errors=errors)
        self._log = log

    async def listen(self, port: int) -> tuple[asyncio.Server, int]:
        """Accept connections on 127.0.0.1.

        Returns:
            The server and its port.

        Raises:
            OSError: the port is taken.
        """
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=2**20)
        return server, int(server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read_request(reader)
            if asked is not None:
                await self._answer(asked, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client left or is no HTTP client: nothing to answer
        finally:
            writer.close()

    async def _answer(self, asked: _Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = asked.path.partition("?")[0]
        if asked.method == "GET" and path == "/v1/models":
            await _send_json(writer, 200, {"object": "list", "data": [{"id": MODEL_NAME, "object": "model"}]})
            return
        if asked.method != "POST" or path not in ("/v1/chat/completions", "/v1/responses"):
            await _send_error(writer, ScriptedError(status=404, message=f"no such endpoint: {asked.method} {path}"))
            return
        try:
            body = json.loads(asked.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            await _send_error(writer, ScriptedError(status=400, message="the body is no JSON object"))
            return
        request = cast(JsonObject, body)
        number = self._place.turn_number
        step = self._place.take()
        self._write_log(number, step, path=path, request=request)
        if isinstance(step, ScriptedError):
            await _send_error(writer, step)
            return
        await _play(step, request, writer, reader=reader, responses=path == "/v1/responses")

    def _write_log(self, number: int, step: ScriptedTurn | ScriptedError, *, path: str, request: JsonObject) -> None:
        if self._log is None:
            return
        line: JsonObject = {"turn": number, "path": path, "body": request}
        if isinstance(step, ScriptedError):
            line["error"] = step.status
        elif step.expect is not None:
            line["expected"] = step.expect
            line["met"] = step.expect in _last_text(request)
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            write_line(descriptor, json.dumps(line).encode())
        finally:
            os.close(descriptor)


async def _play(
    turn: ScriptedTurn,
    request: JsonObject,
    writer: asyncio.StreamWriter,
    *,
    reader: asyncio.StreamReader,
    responses: bool,
) -> None:
    if turn.delay_s:
        await asyncio.sleep(turn.delay_s)
    model = str(request.get("model") or MODEL_NAME)
    options = request.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    wire = ResponsesWire(turn, model=model) if responses else ChatWire(turn, model=model, with_usage=with_usage)
    if not request.get("stream"):
        await _play_whole(turn, wire.whole(), writer, reader=reader)
        return
    writer.write(_head(200, "text/event-stream", "Transfer-Encoding: chunked"))
    await _send_events(writer, wire.opening(), named=responses)
    for piece in pieces_of(turn):
        await _send_events(writer, wire.chunks(piece), named=responses)
        if turn.delta_delay_s:
            await asyncio.sleep(turn.delta_delay_s)
    if turn.cut_after is not None:
        return
    if turn.hang:
        await reader.read()  # returns when the client gives up
        return
    if turn.malformed:
        await _send_chunk(writer, b'data: {"choices": [{"index": 0, "delta": {"content": "brok\n\n')
    else:
        await _send_events(writer, wire.closing(), named=responses)
    if not responses:
        await _send_chunk(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _play_whole(
    turn: ScriptedTurn, answer: JsonObject, writer: asyncio.StreamWriter, *, reader: asyncio.StreamReader
) -> None:
    if turn.hang:
        await reader.read()
        return
    body = json.dumps(answer).encode()
    sent = len(body) if turn.cut_after is None else min(turn.cut_after, len(body) - 1)
    if turn.malformed:
        sent = len(body) // 2
        body = body[:sent]
    writer.write(_head(200, "application/json", f"Content-Length: {len(body)}") + body[:sent])
    await writer.drain()


async def _send_events(writer: asyncio.StreamWriter, events: list[JsonObject], *, named: bool) -> None:
    for event in events:
        name = f"event: {event['type']}\n".encode() if named else b""
        await _send_chunk(writer, name + b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n")


async def _send_chunk(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
    await writer.drain()


async def _send_json(writer: asyncio.StreamWriter, status: int, answer: JsonObject, *extra: str) -> None:
    body = json.dumps(answer).encode()
    writer.write(_head(status, "application/json", f"Content-Length: {len(body)}", *extra) + body)
    await writer.drain()


async def _send_error(writer: asyncio.StreamWriter, error: ScriptedError) -> None:
    extra = [] if error.retry_after is None else [f"Retry-After: {error.retry_after:g}"]
    content: JsonObject = {"error": {"message": error.message, "type": "scripted_error", "code": str(error.status)}}
    await _send_json(writer, error.status, content, *extra)


def _head(status: int, content_type: str, *lines: str) -> bytes:
    head = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}", f"Content-Type: {content_type}", "Connection: close"]
    return "\r\n".join([*head, *lines, "", ""]).encode()


async def _read_request(reader: asyncio.StreamReader) -> _Asked | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, _, rest = head[0].partition(" ")
    length = 0
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length" and value.strip().isdecimal():
            length = int(value)
    if length > _MAX_BODY:
        return None
    return _Asked(method, rest.rpartition(" ")[0], await reader.readexactly(length))


def _last_text(request: JsonObject) -> str:
    messages = request.get("messages") or request.get("input")
    if isinstance(messages, list) and messages:
        return json.dumps(messages[-1], ensure_ascii=False) + _plain(messages[-1])
    return str(messages)


def _plain(message: object) -> str:
    """The text of a message as the model would read it, without JSON escapes."""
    if isinstance(message, str):
        return message
    if isinstance(message, list):
        return "\n".join(_plain(part) for part in cast(list[object], message))
    if isinstance(message, dict):
        fields = cast(dict[str, object], message)
        return "\n".join(_plain(fields[key]) for key in ("content", "text", "output") if key in fields)
    return ""


async def _run(server: ScriptedServer, *, port: int, protocol: int, lifeline: bool) -> None:
    listening, actual = await server.listen(port)
    write_line(protocol, json.dumps({"port": actual}).encode())
    if not lifeline:
        await listening.serve_forever()
    stream = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), sys.stdin)
    await stream.read()
    os._exit(0)  # open streams must not delay the end


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; returns 2 when the script or the port cannot be used, with one line on standard error."""
    parser = argparse.ArgumentParser(prog="limi_sessions.agent.scripted", description="Answer as a model from a file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="begin after the first N answers")
    parser.add_argument("--errors", type=int, default=0, help="and after the first M errors behind them")
    parser.add_argument("--log", type=Path, help="append one JSON line a request")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    chosen = parser.parse_args(arguments)
    if chosen.lifeline:
        die_with_parent()
    protocol = take_protocol_pipe()
    try:
        script = read_script(chosen.file)
        server = ScriptedServer(script, start=chosen.start, errors=chosen.errors, log=chosen.log)
        asyncio.run(_run(server, port=chosen.port, protocol=protocol, lifeline=chosen.lifeline))
    except (ScriptUnreadable, OSError) as error:
        write_line(2, str(error).encode("utf-8", "backslashreplace"))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

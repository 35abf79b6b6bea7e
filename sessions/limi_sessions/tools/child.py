"""Work that may never end, done in a child process that can be killed: JSON request in, JSON lines out.

A regular expression or a parser that was fed hostile input holds the interpreter's lock; a thread could not be stopped.
The child is a module of this package run by the same interpreter. Knows nothing of what it does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Literal, cast

from limi_sessions.records.value import JsonObject

ChildEnd = Literal["ended", "timed_out", "failed"]
_LONGEST_LINE = 1 << 20
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")


async def run_child(
    module: str, request: JsonObject, *, timeout_s: float, take: Callable[[JsonObject], None]
) -> ChildEnd:
    """Run a worker module to its end, at most for a time; nothing of it lives when this returns or is cancelled.

    Args:
        module: name of a module whose program reads one JSON object from standard input to its end and prints a JSON
            object a line.
        request: that object; ``parent`` (our process id) is added.
        timeout_s: seconds, start of the interpreter included.
        take: called with each printed object, in order.

    Returns:
        ``failed`` when the child was killed by a limit or crashed.

    Raises:
        OSError: it could not be started.
    """
    environment = {name: value for name in _PASSED_ON if (value := os.environ.get(name)) is not None}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        cwd="/",
        limit=_LONGEST_LINE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            await _converse(process, json.dumps({**request, "parent": os.getpid()}).encode(), take)
            return "ended" if await process.wait() == 0 else "failed"
    except TimeoutError:
        return "timed_out"
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _converse(process: asyncio.subprocess.Process, request: bytes, take: Callable[[JsonObject], None]) -> None:
    if process.stdin is None or process.stdout is None:
        raise OSError("the child process has no pipes")
    try:
        process.stdin.write(request)
        await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        return
    async for line in process.stdout:
        take(cast(JsonObject, json.loads(line)))

"""The model process: litellm behind JSON lines on standard input and output.

    python -P -m limi_sessions.agent.worker MODEL

The only place where litellm is imported: that costs seconds and some 185 MB. Ends with its parent. Everything that
litellm prints goes to standard error, the log file. The key, if any, is in `wire.MODEL_KEY` of its environment.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from typing import cast

from pydantic import ValidationError

from limi_sessions.agent.failure import failure_of
from limi_sessions.agent.keys import mask, secrets_in
from limi_sessions.agent.lifeline import die_with_parent, take_protocol_pipe, write_line
from limi_sessions.agent.provider_call import Litellm, call_provider
from limi_sessions.agent.script import Script, ScriptedCall, ScriptedError, ScriptedTurn, ScriptedUsage
from limi_sessions.agent.scripted import ScriptedServer
from limi_sessions.agent.wire import COMMAND, MODEL_KEY, Ask, Cancel, Cancelled, Failed, Reply, Warmed
from limi_sessions.records.value import JsonObject

_MAX_LINE = 2**28


class Worker:
    """Runs requests as they come, any number at once."""

    def __init__(self, litellm: Litellm, *, protocol: int) -> None:
        self._litellm = litellm
        self._protocol = protocol
        self._key = os.environ.get(MODEL_KEY)
        self._secrets = secrets_in(os.environ)
        self._requests: dict[str, asyncio.Task[None]] = {}

    def emit(self, event: Reply | Warmed) -> None:
        """Write an event; blocks while the parent does not read."""
        write_line(self._protocol, event.model_dump_json().encode())

    async def serve(self, commands: asyncio.StreamReader) -> None:
        """Take commands until the parent closes the pipe."""
        while line := await commands.readline():
            try:
                command = COMMAND.validate_json(line)
            except ValidationError as error:
                print(f"not a command: {error}", file=sys.stderr)  # noqa: T201 - the log
                continue
            match command:
                case Ask():
                    task = asyncio.create_task(self._run(command))
                    self._requests[command.id] = task
                    task.add_done_callback(lambda _, request=command.id: self._requests.pop(request, None))
                case Cancel():
                    task = self._requests.get(command.id)
                    if task is None or not task.cancel():
                        self.emit(Cancelled(id=command.id))

    async def _run(self, ask: Ask) -> None:
        try:
            await call_provider(self._litellm, ask, api_key=self._key, emit=self.emit)
        except asyncio.CancelledError:
            self.emit(Cancelled(id=ask.id))
        except Exception as error:  # noqa: BLE001 - the provider call is a boundary: litellm raises what it likes
            self.emit(self._failed(ask, error))

    def _failed(self, ask: Ask, error: Exception) -> Failed:
        failure = failure_of(error)
        message = mask(failure.message, self._secrets)
        return Failed(
            id=ask.id,
            kind=failure.kind,
            message=message,
            status_code=failure.status_code,
            retry_after_s=failure.retry_after_s,
            retriable=failure.retriable,
            cut=failure.cut,
        )


async def warm_up(litellm: Litellm) -> None:
    """Requests to a stub in this process, answered by a call and by an error.

    litellm imports seconds' worth of modules on the first request, the first tool and the first error, some of them in
    threads of its own.
    """
    call = ScriptedCall(name="warm", arguments={"up": True})
    turns = [
        ScriptedTurn(tool_calls=[call], usage=ScriptedUsage(prompt_tokens=1, completion_tokens=1)),
        ScriptedTurn(error=ScriptedError(status=401, message="a warm-up, not an error")),
        ScriptedTurn(text="warm"),
    ]
    server, port = await ScriptedServer(Script(turns=turns)).listen(0)
    parameters: JsonObject = {"type": "object", "properties": {}}
    tool: JsonObject = {"type": "function", "function": {"name": "warm", "description": "", "parameters": parameters}}
    arguments: JsonObject = {
        "model": "openai/scripted",
        "api_base": f"http://127.0.0.1:{port}/v1",
        "messages": [{"role": "user", "content": "warm up"}],
        "tools": [tool],
    }
    arrived: list[Reply] = []
    try:
        for turn in turns:
            try:
                await call_provider(litellm, Ask(id="warm", arguments=arguments), api_key="none", emit=arrived.append)
            except Exception as error:  # noqa: BLE001 - the second is meant; a cold start is slow, not wrong
                failure = failure_of(error)
                if turn.error is None:
                    print(f"warm-up: {failure.message}", file=sys.stderr)  # noqa: T201 - the log
    finally:
        server.close()
    print(f"warm after {len(arrived)} events", file=sys.stderr)  # noqa: T201 - the log


def load_litellm() -> Litellm:
    """litellm, told to be quiet and to stay off the network."""
    os.environ.update(
        LITELLM_LOCAL_MODEL_COST_MAP="True",  # else importing it fetches a price list
        LITELLM_LOG="CRITICAL",
        LITELLM_MODE="PRODUCTION",  # else it reads .env files of directories above its own
    )
    module = importlib.import_module("litellm")
    for name, value in {
        "telemetry": False,
        "suppress_debug_info": True,
        "num_retries": 0,
        "drop_params": False,
    }.items():
        setattr(module, name, value)
    return cast(Litellm, module)


def context_limit(litellm: Litellm, model: str) -> int | None:
    """Tokens that a model reads at most; None when litellm does not know it."""
    try:
        limit = litellm.get_model_info(model=model).get("max_input_tokens")
    except Exception:  # noqa: BLE001 - it raises plain Exception for an unknown model
        return None
    return limit if isinstance(limit, int) else None


async def _main(protocol: int, model: str) -> None:
    commands = asyncio.StreamReader(limit=_MAX_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    litellm = load_litellm()
    worker = Worker(litellm, protocol=protocol)
    await warm_up(litellm)
    worker.emit(Warmed(context_limit=context_limit(litellm, model)))
    await worker.serve(commands)


def main() -> None:
    """Serve until the parent is gone."""
    die_with_parent()
    protocol = take_protocol_pipe()
    try:
        asyncio.run(_main(protocol, sys.argv[1] if len(sys.argv) > 1 else ""))
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    finally:
        os._exit(0)  # litellm's threads and open connections must not delay the end


if __name__ == "__main__":
    main()

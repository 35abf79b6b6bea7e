"""What this machine can use as a model: keys that are set, local servers that answer, the demo model.

Sends nothing to any provider; asks only the loopback interface, and gives each server 300 ms. Values of keys are never
returned. Ports: Ollama 11434, vLLM 8000, llama.cpp 8080, LM Studio 1234, as each documents.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from limi_sessions.agent.demo import demo_status
from limi_sessions.agent.keys import KEY_VARIABLES, find_key
from limi_sessions.agent.spec import known_models, ollama_base

_TIMEOUT_S = 0.3
_KEYRING_S = 1.0
_MAX_ANSWER = 2**20
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")
_USUAL_MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "deepseek": "deepseek/deepseek-chat",
    "gemini": "gemini/gemini-2.5-pro",
    "openai": "openai/gpt-5",
    "openrouter": "openrouter/z-ai/glm-4.6",
    "zai": "zai/glm-4.5",
}


@dataclass(frozen=True, slots=True)
class LocalServer:
    """Where a kind of local server usually listens."""

    name: str
    base: str
    """Base URL, `/v1` included."""
    prefix: str = "openai"


@dataclass(frozen=True, slots=True)
class FoundProvider:
    """Something that can, or nearly can, serve as a model."""

    name: str
    model: str
    """What to give as ``--model``; empty when the server has none."""
    how: str
    """Where it was found, or what is missing, in words."""
    ready: bool
    api_base: str | None = None
    """What to give as ``--api-base``; None: nothing."""


def usual_servers(environ: Mapping[str, str]) -> tuple[LocalServer, ...]:
    """The local servers that are looked for."""
    return (
        LocalServer("Ollama", ollama_base(environ), "ollama"),
        LocalServer("vLLM", "http://127.0.0.1:8000/v1"),
        LocalServer("llama.cpp", "http://127.0.0.1:8080/v1"),
        LocalServer("LM Studio", "http://127.0.0.1:1234/v1"),
    )


def probe_providers(environ: Mapping[str, str], *, servers: Sequence[LocalServer] | None = None) -> list[FoundProvider]:
    """What is here: providers with a key, local servers that answer, and the demo model last, ready or not.

    Takes up to a second; call it outside the event loop.
    """
    looked = [*servers] if servers is not None else [*usual_servers(environ)]
    keyed: list[FoundProvider] = []
    local: dict[int, FoundProvider] = {}

    def look_for_keys() -> None:
        for prefix, variables in KEY_VARIABLES.items():
            if (found := _keyed(prefix, variables, environ)) is not None:
                keyed.append(found)

    def look_at(number: int) -> None:
        if (found := _served(looked[number])) is not None:
            local[number] = found

    # A keyring may wait for a person to unlock it: its thread is left behind then.
    waits = [(_started(look_for_keys), _KEYRING_S)]
    waits += [(_started(lambda number=number: look_at(number)), 3 * _TIMEOUT_S) for number in range(len(looked))]
    for thread, seconds in waits:
        thread.join(seconds)
    demo = demo_status()
    how = "embedded, 135M, for demonstration only" if demo.available else demo.reason
    return [
        *list(keyed),
        *(local[number] for number in sorted(local)),
        FoundProvider("demo", "demo", how, demo.available),
    ]


def _started(task: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=task, daemon=True, name="probe")
    thread.start()
    return thread


def _keyed(prefix: str, variables: tuple[str, ...], environ: Mapping[str, str]) -> FoundProvider | None:
    variable, source = find_key(variables, environ)
    if variable is None:
        return None
    model = _USUAL_MODELS.get(prefix) or next(
        (
            name if name.startswith(f"{prefix}/") else f"{prefix}/{name}"
            for name, provider in known_models().items()
            if provider == prefix
        ),
        "",
    )
    return FoundProvider(prefix, model, f"{variable} in the {source}", ready=bool(model))


def _served(server: LocalServer) -> FoundProvider | None:
    names = _model_names(server.base)
    if names is None:
        return None
    model = f"{server.prefix}/{names[0]}" if names else ""
    api_base = server.base if server.prefix == "openai" else None
    how = f"answers at {server.base}" if names else f"answers at {server.base}, but has no model"
    return FoundProvider(server.name, model, how, ready=bool(names), api_base=api_base)


def _model_names(base: str) -> list[str] | None:
    """Names of a server's models; None when nothing there speaks the OpenAI protocol."""
    parts = urlsplit(base)
    if not parts.hostname:
        return None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path}/models", headers={"Accept": "application/json"})
        answer = connection.getresponse()
        listed = cast(object, json.loads(answer.read(_MAX_ANSWER))) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    if not isinstance(listed, dict) or not isinstance(models := cast(dict[str, object], listed).get("data"), list):
        return None
    names = [
        cast(dict[str, object], model).get("id") for model in cast(list[object], models) if isinstance(model, dict)
    ]
    return [name for name in names if isinstance(name, str) and _MODEL_NAME.fullmatch(name)]

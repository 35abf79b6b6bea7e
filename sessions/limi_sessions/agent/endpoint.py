"""Where a model is reached: its base URL, the environments of the child processes, and its local server if any.

Keys go into the environment of the model process and nowhere else: not on a command line, not into a request's line.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from limi_sessions.agent.child import Child
from limi_sessions.agent.demo import GGUF_SHA256, demo_status
from limi_sessions.agent.keys import key_value, without_secrets
from limi_sessions.agent.spec import ModelSpec
from limi_sessions.agent.stream import ModelError, Served
from limi_sessions.agent.wire import MODEL_KEY
from limi_sessions.records.value import JsonObject

NO_KEY = "none"
"""Sent to servers of the user's own that ask for no key: litellm would else send them the key of OpenAI."""
_LOOPBACK = "127.0.0.1,localhost,::1"


def provider_facts(spec: ModelSpec) -> JsonObject:
    """What is known of the endpoint, without secrets, for the journal."""
    facts: JsonObject = {"kind": spec.kind, "litellm": _version("litellm")}
    if spec.api_base is not None:
        facts["api_base"] = without_credentials(spec.api_base)
    if spec.key_variable is not None:
        facts["key_variable"] = spec.key_variable
    if spec.script is not None:
        facts["script"] = str(spec.script)
    if spec.demo:
        facts["gguf_sha256"] = GGUF_SHA256
        facts["xllamacpp"] = _version("xllamacpp")
    return facts


def without_credentials(url: str) -> str:
    """The URL without user, password and query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def worker_environ(spec: ModelSpec, environ: Mapping[str, str], *, local_key: str) -> dict[str, str]:
    """The environment of the model process: the only one that holds keys.

    Args:
        spec: the model.
        environ: the workstation's environment.
        local_key: what a local server of ours asks for.
    """
    child = dict(environ) if spec.kind == "litellm" else without_secrets(environ)
    child.pop(MODEL_KEY, None)
    for name in ("NO_PROXY", "no_proxy"):
        child[name] = ",".join(part for part in (child.get(name), _LOOPBACK) if part)
    if spec.kind != "litellm":
        child[MODEL_KEY] = local_key
    elif spec.key_variable is not None and (key := key_value(spec.key_variable, environ)):
        child[spec.key_variable] = key
        if not spec.key_variable.endswith("AUTH_TOKEN"):  # that one goes into another header: litellm knows which
            child[MODEL_KEY] = key
    elif spec.api_base is not None:
        child[MODEL_KEY] = NO_KEY
    return child


class LocalServer:
    """A server program of ours on a loopback port: the scripted or the embedded model."""

    def __init__(self, spec: ModelSpec, *, log_directory: Path, environ: Mapping[str, str], served: Served) -> None:
        self._spec = spec
        self._log_directory = log_directory
        self._environ = environ
        self._child: Child | None = None
        self._starting = asyncio.Lock()
        self._port = 0
        self.key = secrets.token_urlsafe(24)
        """What the server asks for, so that nobody else on this machine can use it."""
        self.served = served
        """What of the script is used up; a server started again goes on behind it."""

    async def ensure(self) -> str:
        """The base URL of the living server, started again if it died.

        Raises:
            ModelError: of kind ``worker``; it does not start.
        """
        async with self._starting:
            if self._child is None or not self._child.alive:
                self._child = await (self._start_demo() if self._spec.demo else self._start_script())
                self._port = await self._child.read_port()
            return f"http://127.0.0.1:{self._port}/v1"

    async def close(self) -> None:
        """End it."""
        async with self._starting:
            if self._child is not None:
                await self._child.close()

    async def _start_script(self) -> Child:
        return await Child.start(
            "limi_sessions.agent.scripted",
            str(self._spec.script),
            "--start",
            str(self.served.answers),
            "--errors",
            str(self.served.errors),
            "--lifeline",
            log=self._log_directory / "scripted.log",
            environ=without_secrets(self._environ),
        )

    async def _start_demo(self) -> Child:
        status = await asyncio.to_thread(demo_status)
        if not status.available:
            raise ModelError(status.reason, kind="worker")
        return await Child.start(
            "limi_sessions.agent.demo",
            os.fspath(status.gguf or ""),
            log=self._log_directory / "demo.log",
            environ={**without_secrets(self._environ), MODEL_KEY: self.key},
        )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None

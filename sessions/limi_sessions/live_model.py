"""The model of a live session: one at a time, replaced in mid-session without disturbing the answer under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from limi_sessions.agent.client import ModelClient
from limi_sessions.agent.spec import ModelSpec
from limi_sessions.agent.stream import Served
from limi_sessions.paths import private_directory


class SessionModel:
    """The processes behind one model after another."""

    def __init__(
        self, spec: ModelSpec, *, logs: Path, environ: Mapping[str, str], served: Callable[[str], Served]
    ) -> None:
        """Nothing is started yet.

        Args:
            spec: the first model.
            logs: directory of the processes' logs.
            environ: limi's environment; keys are taken from it.
            served: how far a model of this name has answered in the session already.
        """
        self.spec = spec
        self._logs, self._environ, self._served = logs, environ, served
        self._client: ModelClient | None = None
        self._retired: list[ModelClient] = []

    @property
    def client(self) -> ModelClient:
        """The way to the model.

        Raises:
            RuntimeError: `use` was not called yet.
        """
        if self._client is None:
            raise RuntimeError("no model was started: the session is not open")
        return self._client

    async def use(self, spec: ModelSpec) -> None:
        """Start a model; the one before it is kept until `close_retired`, for it may be answering."""
        client = await ModelClient.start(
            spec,
            log_directory=private_directory(self._logs),
            environ=self._environ,
            served=self._served(spec.name),
        )
        if self._client is not None:
            self._retired.append(self._client)
        self._client, self.spec = client, spec

    async def close_retired(self) -> None:
        """End the models that were replaced."""
        while self._retired:
            await self._retired.pop().close()

    async def close(self) -> None:
        """End all models."""
        await self.close_retired()
        if self._client is not None:
            await self._client.close()

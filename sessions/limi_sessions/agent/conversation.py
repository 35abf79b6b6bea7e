"""A live session's conversation: its turns so far, and the requests made of them."""

from __future__ import annotations

from collections.abc import Iterable

from limi_sessions.agent.stream import Served
from limi_sessions.records.event import Event
from limi_sessions.records.identity import uuid7
from limi_sessions.records.message import Message, Sampling, ToolSchema
from limi_sessions.records.payload import ModelFailed, ModelMessage, ModelRequest, ModelRetried
from limi_sessions.records.turn import Turn
from limi_sessions.records.value import JsonObject
from limi_sessions.trajectory import TurnBuilder, messages_of


class Conversation:
    """Fed with every acknowledged event of the session, in order."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._builder = TurnBuilder()
        self._sent: tuple[Message, ...] = ()
        self._sent_tools: tuple[ToolSchema, ...] | None = None
        self._served: dict[str, Served] = {}
        self._asked = ""
        for event in events:
            self.feed(event)

    @property
    def turns(self) -> list[Turn]:
        """Settled turns of the path where the conversation stands."""
        return self._builder.turns

    @property
    def line(self) -> TurnBuilder:
        """The conversation with its branches."""
        return self._builder

    def feed(self, event: Event) -> None:
        """Take an acknowledged event."""
        self._builder.feed(event)
        match event.payload:
            case ModelRequest(model=model):
                self._asked = model
            case ModelRetried(status_code=int()):
                self._served[self._asked] = self.served(self._asked).with_error()
            case ModelMessage(completion=completion) if completion.usage is not None:
                # One that was stopped before anything was sent has no usage.
                self._served[self._asked] = self.served(self._asked).with_answer()
            case ModelFailed() as failed if failed.partial or failed.error_kind in ("malformed", "timeout"):
                self._served[self._asked] = self.served(self._asked).with_answer()
            case ModelFailed(status_code=int()):
                self._served[self._asked] = self.served(self._asked).with_error()
            case _:
                pass

    def served(self, model: str) -> Served:
        """What a model of this name has answered; a request that was cut off with its process counts as never sent."""
        return self._served.get(model, Served())

    def awaits_agent(self) -> bool:
        """Whether the last word is not the agent's: somebody said or ran something that it has not answered."""
        return bool(self.turns) and self.turns[-1].role in {"user", "tool"}

    def next_request(
        self, *, model: str, provider: JsonObject, tools: tuple[ToolSchema, ...], sampling: Sampling
    ) -> tuple[ModelRequest, tuple[Message, ...]]:
        """The next request in its journal form, and all its messages.

        What the request before it already held is referred to, not repeated: a session's journal would otherwise grow
        with the square of its length.
        """
        messages = tuple(messages_of(self.turns))
        shared = 0
        for old, new in zip(self._sent, messages, strict=False):
            if old != new:
                break
            shared += 1
        request = ModelRequest(
            request_id=uuid7(),
            model=model,
            provider=provider,
            prefix=shared,
            messages=messages[shared:],
            tools=None if tools == self._sent_tools else tools,
            sampling=sampling,
        )
        self._sent, self._sent_tools = messages, tools
        return request, messages

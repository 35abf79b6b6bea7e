"""Random sessions with rewinds, and a plain model of what their branches are: a whole list of turns for each."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from limi_sessions.records.event import GENESIS, Event, seal
from limi_sessions.records.message import Completion, Sampling, TokenCount, ToolCall
from limi_sessions.records.payload import (
    HumanRan,
    LeaseChanged,
    ModelFailed,
    ModelMessage,
    ModelRequest,
    Payload,
    Rewound,
    SessionStarted,
    SettingsChanged,
    ShellStarted,
    ToolDecided,
    ToolFinished,
    ToolProposed,
    UserMessage,
    WorkspaceRestored,
    WorkspaceSnapshotTaken,
)
from limi_sessions.trajectory import TurnBuilder

STARTED = SessionStarted(limi_version="0", query="", workspace="/w", model="m", system_prompt="be good")
_STEPS = ("say", "run", "answer", "fail", "settings", "snapshot", "lost_snapshot", "undo", "shell", "rewind", "rewind")

steps = st.lists(st.tuples(st.sampled_from(_STEPS), st.integers(0, 99), st.integers(0, 99), st.booleans()), max_size=40)
"""(what happens, two numbers that choose where, a choice)."""


@dataclass
class Model:
    """What a session is expected to read like, computed without the code under test."""

    events: list[Event] = field(default_factory=list[Event])
    paths: dict[str, list[str]] = field(default_factory=lambda: {"main": list[str]()})
    """Event ids of the turns of every branch's whole path."""
    current: str = "main"
    owner: dict[str, str] = field(default_factory=dict[str, str])
    """The turn that an event which is no turn belongs to."""
    whole_session: set[str] = field(default_factory=set[str])
    began: dict[str, str] = field(default_factory=dict[str, str])
    """Event id of the rewind with which a branch began."""
    first_own: dict[str, str] = field(default_factory=dict[str, str])
    lasting: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    """The state of the workspace at every turn."""
    _state: str | None = None
    _open: list[str] = field(default_factory=list[str])
    """Turns whose state is not final: the last ones, as long as nothing follows."""
    _count: int = 0

    def emit(self, payload: Payload) -> Event:
        event, _ = seal(
            payload,
            event_id=f"e{len(self.events)}",
            session_id="s",
            seq=len(self.events),
            ts=f"2026-01-01T00:00:00.{len(self.events):06d}Z",
            mono_ns=len(self.events),
            actor="ada",
            prev_sha256=self.events[-1].sha256 if self.events else GENESIS,
        )
        self.events.append(event)
        return event

    def turn(self, *event_ids: str) -> None:
        for event_id in event_ids:
            self.paths[self.current].append(event_id)
            self.first_own.setdefault(self.current, event_id)
        self._open = list(event_ids)
        for event_id in event_ids:
            self.lasting[event_id] = self._state

    def stand(self, state: str | None) -> None:
        self._state = state
        for event_id in self._open:
            self.lasting[event_id] = state

    def number(self) -> int:
        self._count += 1
        return self._count

    def step(self, what: str, one: int, two: int, choice: bool) -> None:
        n = self.number()
        match what:
            case "say":
                self.turn(self.emit(UserMessage(content=f"say {n}")).event_id)
            case "run":
                ran = HumanRan(
                    command=f"run {n}", output="", exit_code=0, cwd="/w", duration_ms=1, reached_model=choice
                )
                event = self.emit(ran)
                if choice:
                    self.turn(event.event_id)
                else:
                    self.whole_session.add(event.event_id)
            case "answer":
                self._answer(n, one % 3, choice)
            case "fail":
                failed = self.emit(ModelFailed(request_id=f"r{n}", error="gone", error_kind="server"))
                self.owner[failed.event_id] = "next"
            case "settings":
                self.whole_session.add(self.emit(SettingsChanged(model=f"m{n}")).event_id)
            case "shell":
                shell = ShellStarted(
                    shell="bash", version="5", pid=n, cols=80, rows=24, cast=f"shell-{n:03d}.cast", marks="osc133"
                )
                self.whole_session.add(self.emit(shell).event_id)
            case "snapshot" | "lost_snapshot":
                state = f"c{n}" if what == "snapshot" else None
                taken = WorkspaceSnapshotTaken(tree=None, checkpoint=state, skipped="" if state else "too large")
                self.whole_session.add(self.emit(taken).event_id)
                self.stand(state)
            case "undo":
                event = self.emit(
                    WorkspaceRestored(cause="undo", checkpoint=f"c{n}", before=self._state, reached_model=choice)
                )
                if choice:
                    self._state = f"c{n}"
                    self.turn(event.event_id)
                else:
                    self.whole_session.add(event.event_id)
                    self.stand(f"c{n}")
            case _:
                self.rewind(one, two, retry=choice)

    def rewind(self, one: int, two: int, *, retry: bool) -> None:
        to_branch = list(self.paths)[one % len(self.paths)]
        path = self.paths[to_branch]
        kept = max(two % (len(path) + 1), 1)  # what the session started with stays
        while kept < len(path) and self._is_result(path[kept]):
            kept += 1
        name = f"b{len(self.paths)}"
        event = self.emit(
            Rewound(
                branch=name,
                from_branch=self.current,
                from_turn=len(self.paths[self.current]),
                to_branch=to_branch,
                to_turn=kept,
                retry=retry,
            )
        )
        self.paths[name] = path[:kept]
        self.began[name] = event.event_id
        self.current = name
        self._open = []

    def _is_result(self, event_id: str) -> bool:
        return isinstance(self.events[int(event_id[1:])].payload, ToolFinished)

    def _answer(self, n: int, calls: int, interrupted: bool) -> None:
        proposed = tuple(ToolCall(call_id=f"k{i}", name="t", arguments=f'{{"n": {n}}}') for i in range(calls))
        asked = self.emit(
            ModelRequest(request_id=f"r{n}", model="m", messages=(), tools=None, sampling=Sampling())
        ).event_id
        completion = Completion(
            content=f"answer {n}",
            tool_calls=proposed,
            finish_reason="tool_calls" if calls else "stop",
            usage=TokenCount(prompt=n, completion=1, method="exact"),
            cost_usd=0.5,
        )
        answered = self.emit(ModelMessage(request_id=f"r{n}", completion=completion)).event_id
        self.turn(answered)
        self.owner[asked] = answered
        for position, call in enumerate(proposed):
            is_last = position == calls - 1
            self.owner[self.emit(ToolProposed(request_id=f"r{n}", call=call)).event_id] = answered
            decided = ToolDecided(
                call_id=call.call_id,
                decision="accept",
                by="human",
                edited=call.model_copy(update={"arguments": "{}"}) if interrupted else None,
            )
            self.owner[self.emit(decided).event_id] = answered
            # The expert speaks while the last call runs: heard after its result.
            said = [self.emit(UserMessage(content=f"steer {n}")).event_id] if interrupted and is_last else []
            self.whole_session.add(self.emit(LeaseChanged(owner="agent", epoch=n, reason="")).event_id)
            finished = self.emit(ToolFinished(call_id=call.call_id, name="t", status="done", result=f"result {n}"))
            self.turn(finished.event_id, *said)
            self.stand(f"c{n}-{position}")
            taken = WorkspaceSnapshotTaken(tree=None, checkpoint=f"c{n}-{position}", cause="call", call_id=call.call_id)
            self.whole_session.add(self.emit(taken).event_id)


def played(chosen: list[tuple[str, int, int, bool]]) -> Model:
    """The model after these steps."""
    model = Model()
    model.turn(model.emit(STARTED).event_id)
    for step in chosen:
        model.step(*step)
    return model


def line_of(events: list[Event]) -> TurnBuilder:
    """The code under test, fed with the same events."""
    builder = TurnBuilder()
    for event in events:
        builder.feed(event)
    return builder

"""The script of a scripted model: a YAML or JSON file of turns, and the place reached in it.

A script is a list of turns, or an object with the keys `turns` and `loop` (start over at the end). Keys of a turn,
all optional, any other key is refused:

- `text`, `reasoning`: what the model says and thinks (`content` and `reasoning_content` mean the same)
- `tool_calls`: list of `{name, arguments, id?, omit?}`; `arguments` is an object, or a string sent as it stands (also
  broken JSON); `omit` lists what a careless provider leaves out of the stream: `id`, `index`
- `usage`: `{prompt_tokens, completion_tokens, reasoning_tokens?, cost?}`; without it none is sent
- `finish_reason`: default by content; `null` ends the stream without one
- `delay_s`: before the first byte; `delta_delay_s`: before each further piece; `chunk_chars`: characters a piece
- `error`: `{status, message, retry_after?, times?}`: the first `times` requests (default 1) get this HTTP error, then
  the rest of the turn is served, if it has any
- `cut_after: N`: the connection ends after N characters, in mid-stream
- `malformed: true`: the content is followed by broken JSON
- `hang: true`: the content is followed by silence
- `repeat: N`: serve the turn N times
- `expect`: text that the request's last message must hold; whether it did is written to the log

A turn may also be written as the assistant message of a chat completion: `role: assistant` is allowed, and a call may
be `{id, type: function, function: {name, arguments}}`.

A request takes one turn. Past the end every request is answered by `END_TEXT`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

END_TEXT = "The script has ended."

_Count = Annotated[int, Field(ge=0)]
_Seconds = Annotated[float, Field(ge=0, le=86_400)]


class ScriptUnreadable(ValueError):
    """A script file is missing, no YAML or JSON, or breaks the format; names the file, the turn and the key."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ScriptedCall(_Part):
    """One tool call of a turn."""

    name: str
    arguments: dict[str, JsonValue] | str = {}
    id: str | None = None
    omit: list[Literal["id", "index"]] = []

    @model_validator(mode="before")
    @classmethod
    def _from_message(cls, call: object) -> object:
        """Take the spelling of a chat message, too."""
        if not isinstance(call, dict):
            return call
        fields = dict(cast(dict[object, object], call))
        function = fields.get("function")
        if isinstance(function, dict) and "name" not in fields:
            del fields["function"]
            fields.update(cast(dict[object, object], function))
        if fields.get("type") == "function":
            del fields["type"]
        return fields

    @property
    def arguments_text(self) -> str:
        """The JSON text to send."""
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False)


class ScriptedError(_Part):
    """An HTTP error served instead of an answer."""

    status: Annotated[int, Field(ge=400, le=599)]
    message: str = "scripted error"
    retry_after: _Seconds | None = None
    times: Annotated[int, Field(ge=1)] = 1


class ScriptedUsage(_Part):
    """Token counts as the provider reports them."""

    prompt_tokens: _Count
    completion_tokens: _Count
    reasoning_tokens: _Count | None = None
    cost: Annotated[float, Field(ge=0)] | None = None


class ScriptedTurn(_Part):
    """What one request is answered with."""

    @model_validator(mode="before")
    @classmethod
    def _from_message(cls, turn: object) -> object:
        """Take the spelling of a chat message, too."""
        if not isinstance(turn, dict):
            return turn
        fields = dict(cast(dict[object, object], turn))
        for spelled, name in (("content", "text"), ("reasoning_content", "reasoning")):
            if spelled in fields and name not in fields:
                fields[name] = fields.pop(spelled) or ""
        if fields.get("role") == "assistant":
            del fields["role"]
        return fields

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ScriptedCall] = []
    usage: ScriptedUsage | None = None
    finish_reason: str | None = "auto"
    delay_s: _Seconds = 0.0
    delta_delay_s: _Seconds = 0.0
    chunk_chars: Annotated[int, Field(ge=1)] = 12
    error: ScriptedError | None = None
    cut_after: _Count | None = None
    malformed: bool = False
    hang: bool = False
    repeat: Annotated[int, Field(ge=1)] = 1
    expect: str | None = None

    @property
    def finish(self) -> str | None:
        """The finish reason to send; None: none."""
        if self.finish_reason == "auto":
            return "tool_calls" if self.tool_calls else "stop"
        return self.finish_reason

    @property
    def answers(self) -> bool:
        """Whether anything is served besides an error."""
        ends_oddly = self.cut_after is not None or self.malformed or self.hang
        return self.error is None or bool(self.text or self.reasoning or self.tool_calls) or ends_oddly


class Script(_Part):
    """The turns of a file, in order."""

    turns: list[ScriptedTurn]
    loop: bool = False


def read_script(path: Path) -> Script:
    """The script of a file.

    Raises:
        ScriptUnreadable: it cannot be read or breaks the format.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptUnreadable(f"cannot read the script {path}: {error}") from error
    try:
        parsed = cast(object, json.loads(text) if path.suffix == ".json" else yaml.safe_load(text))
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise ScriptUnreadable(f"the script {path} is no {kind}: {error}") from error
    if isinstance(parsed, list):
        parsed = {"turns": cast(list[object], parsed)}
    if not isinstance(parsed, dict):
        raise ScriptUnreadable(f"the script {path} must be a list of turns, or an object with the key turns")
    try:
        return Script.model_validate(parsed)
    except ValidationError as error:
        raise ScriptUnreadable(f"the script {path}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    # Branches of a union appear in the location as type names: they say nothing about the file.
    location = [part for part in first["loc"] if not (isinstance(part, str) and ("[" in part or part == "str"))]
    named = ""
    if len(location) >= 2 and location[0] == "turns" and isinstance(location[1], int):
        named, location = f"turn {location[1] + 1}: ", location[2:]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    problem = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
    return f"{named}{key}: {problem}" if key else f"{named}{problem}"


class Place:
    """How far a script has been served."""

    def __init__(self, script: Script, *, start: int = 0, errors: int = 0) -> None:
        """Begin after the first ``start`` answers and the ``errors`` served since; error turns are no answers."""
        self._turns = [turn for turn in script.turns for _ in range(turn.repeat)]
        self._loop = script.loop and any(turn.answers for turn in self._turns)
        self._index = 0
        self._errors_served = 0
        for _ in range(start):
            self._skip_answer()
        for _ in range(errors):
            turn = self._current()
            if turn is not None and turn.error is not None and self._errors_served < turn.error.times:
                self.take()

    @property
    def turn_number(self) -> int:
        """The turn that the next request gets, from 0, repeats counted."""
        return self._index

    def _skip_answer(self) -> None:
        while (turn := self._current()) is not None:
            self._index += 1
            if turn.answers:
                return

    def _current(self) -> ScriptedTurn | None:
        if self._index >= len(self._turns):
            if not self._loop:
                return None
            self._index = 0
        return self._turns[self._index]

    def take(self) -> ScriptedTurn | ScriptedError:
        """What the next request is answered with."""
        turn = self._current()
        if turn is None:
            return ScriptedTurn(text=END_TEXT)
        if turn.error is not None and self._errors_served < turn.error.times:
            self._errors_served += 1
            if self._errors_served == turn.error.times and not turn.answers:
                self._advance()
            return turn.error
        self._advance()
        return turn

    def _advance(self) -> None:
        self._index += 1
        self._errors_served = 0

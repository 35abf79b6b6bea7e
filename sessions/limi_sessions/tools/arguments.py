"""Reading the arguments of a call: parsed strictly, checked against a schema, then taken out by type.

Knows the part of JSON Schema that our own schemas use: type, enum, minimum, maximum, minLength, maxLength, minItems,
maxItems, items, properties, required and additionalProperties false.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import cast

from pydantic import JsonValue

from limi_sessions.records.value import JsonObject
from limi_sessions.tools.refusal import ToolRefused

_MOST_PROBLEMS = 5
_NAMES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class ArgumentsUnreadable(ValueError):
    """The arguments are no JSON object."""


def parsed_arguments(text: str) -> JsonObject:
    """The JSON object that a model wrote; empty text is an empty object.

    Raises:
        ArgumentsUnreadable: it is broken, no object, too deep, or holds a key twice or a number that JSON has not.
    """
    if not text.strip():
        return {}
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ArgumentsUnreadable(
            f"the arguments are not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise ArgumentsUnreadable("the arguments are nested too deeply") from error
    except ValueError as error:
        raise ArgumentsUnreadable(f"the arguments are not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ArgumentsUnreadable(f"the arguments must be a JSON object, not {_name_of(value)}")
    return cast(JsonObject, value)


def problems_of(arguments: JsonObject, schema: JsonObject) -> str:
    """What is wrong with arguments by a schema, up to five points; empty when nothing is."""
    found: list[str] = []
    for problem in _problems(arguments, schema, ""):
        found.append(problem)
        if len(found) == _MOST_PROBLEMS:
            break
    return "; ".join(found)


def text_of(arguments: JsonObject, name: str, default: str | None = None) -> str:
    """A string argument; None as default: required."""
    value = arguments.get(name, default)
    if not isinstance(value, str):
        raise ToolRefused(f"{name} must be a string")
    return value


def number_of(arguments: JsonObject, name: str, default: float) -> float:
    """A number argument."""
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ToolRefused(f"{name} must be a number")
    return value


def flag_of(arguments: JsonObject, name: str) -> bool:
    """A boolean argument, False when absent."""
    return arguments.get(name, False) is True


def texts_of(arguments: JsonObject, name: str) -> tuple[str, ...]:
    """An array of strings, empty when absent."""
    value = arguments.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ToolRefused(f"{name} must be an array of strings")
    return tuple(str(item) for item in value)


def objects_of(arguments: JsonObject, name: str) -> tuple[JsonObject, ...]:
    """An array of objects, empty when absent."""
    value = arguments.get(name, [])
    if not isinstance(value, list):
        raise ToolRefused(f"{name} must be an array of objects")
    if not all(isinstance(item, dict) for item in value):
        raise ToolRefused(f"{name} must be an array of objects")
    return tuple(cast(JsonObject, item) for item in value)


def _unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {doubled!r} stands there twice")
    return result


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is no JSON number")


def _problems(value: JsonValue, schema: JsonObject, where: str) -> Iterator[str]:
    name = where or "arguments"
    kind = schema.get("type")
    if isinstance(kind, str) and not _is(value, kind):
        yield f"{name} must be {_article(kind)}, not {_name_of(value)}"
        return
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        yield f"{name} must be one of {', '.join(map(str, choices))}, not {json.dumps(value)[:80]}"
    yield from _bound_problems(value, schema, name)
    if isinstance(value, dict):
        yield from _object_problems(value, schema, where)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        for index, item in enumerate(value):
            yield from _problems(item, items, f"{name}[{index}]")


def _bound_problems(value: JsonValue, schema: JsonObject, name: str) -> Iterator[str]:
    if isinstance(value, str):
        size, low, high, unit = len(value), schema.get("minLength"), schema.get("maxLength"), " characters"
    elif isinstance(value, list):
        size, low, high, unit = len(value), schema.get("minItems"), schema.get("maxItems"), " items"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        size, low, high, unit = value, schema.get("minimum"), schema.get("maximum"), ""
    else:
        return
    if isinstance(low, int | float) and size < low:
        yield f"{name} must be at least {low}" if not unit else f"{name} must have at least {low}{unit}"
    if isinstance(high, int | float) and size > high:
        yield f"{name} must be at most {high}" if not unit else f"{name} must have at most {high}{unit}"


def _object_problems(value: JsonObject, schema: JsonObject, where: str) -> Iterator[str]:
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    prefix = f"{where}." if where else ""
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in value:
            yield f"{prefix}{name} is missing"
    for name, item in value.items():
        rule = known.get(name)
        if isinstance(rule, dict):
            yield from _problems(item, rule, f"{prefix}{name}")
        elif schema.get("additionalProperties") is False:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean {close[0]}?)" if close else f" (known: {', '.join(known) or 'none'})"
            yield f"{prefix}{name[:80]} is not an argument{hint}"


def _is(value: JsonValue, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _NAMES[kind])


def _name_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, float):
        return "a number"
    return next((_article(name) for name, types in reversed(_NAMES.items()) if isinstance(value, types)), "unknown")


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"

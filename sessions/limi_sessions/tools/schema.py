"""Building blocks of tool schemas; every object is closed. Knows nothing of single tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from limi_sessions.records.value import JsonObject


def object_schema(properties: Mapping[str, JsonObject], *, required: Sequence[str] = ()) -> JsonObject:
    """A JSON object with these properties and no others."""
    names: list[JsonValue] = list(required)
    return {"type": "object", "properties": dict(properties), "required": names, "additionalProperties": False}


def string(description: str, *, longest: int | None = None, shortest: int | None = None) -> JsonObject:
    """A string."""
    bounds: JsonObject = {"minLength": shortest, "maxLength": longest}
    return {"type": "string", "description": description, **_present(bounds)}


def choice(description: str, *choices: str) -> JsonObject:
    """One of some strings."""
    return {"type": "string", "description": description, "enum": list(choices)}


def number(description: str, *, low: float, high: float, default: float) -> JsonObject:
    """A number within bounds."""
    return {"type": "number", "description": description, "minimum": low, "maximum": high, "default": default}


def integer(description: str, *, low: int, high: int | None = None, default: int | None = None) -> JsonObject:
    """An integer within bounds."""
    bounds: JsonObject = {"minimum": low, "maximum": high, "default": default}
    return {"type": "integer", "description": description, **_present(bounds)}


def flag(description: str) -> JsonObject:
    """A boolean, false when left out."""
    return {"type": "boolean", "description": description, "default": False}


def array(description: str, items: JsonObject, *, least: int = 0, most: int) -> JsonObject:
    """An array of bounded length."""
    return {"type": "array", "description": description, "items": items, "minItems": least, "maxItems": most}


def _present(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if value is not None}

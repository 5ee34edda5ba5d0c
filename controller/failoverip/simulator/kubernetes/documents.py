"""JSON documents as values: copies, defaults from a schema, one field by its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def copy(value: Any) -> Any:
    """A deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy(item) for item in value]
    return value


def field(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, None where a part is missing."""
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value with the schema's `default`s filled in, parents before children."""
    if not schema:
        return value
    if isinstance(value, dict):
        properties: Mapping[str, Any] = schema.get("properties") or {}
        filled = {
            name: copy(property_["default"])
            for name, property_ in properties.items()
            if "default" in property_ and name not in value
        }
        return {
            name: with_defaults(item, properties.get(name) or {})
            for name, item in (value | filled).items()
        }
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [with_defaults(item, items) for item in value]
    return value

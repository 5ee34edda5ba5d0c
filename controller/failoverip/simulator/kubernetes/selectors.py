"""Label and field selectors: text in, predicate out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from failoverip.simulator.kubernetes.documents import field
from failoverip.simulator.kubernetes.errors import BadRequestError
from failoverip.simulator.kubernetes.resources import JsonObject, ResourceType

Predicate: TypeAlias = Callable[[JsonObject], bool]

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s=!]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s=!,]*)$")
_EXISTS = re.compile(r"^(?P<not>!?)\s*(?P<key>[^\s=!(),]+)$")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a resource a list or watch is about; an empty namespace means all."""

    namespace: str = ""
    labels: str = ""
    fields: str = ""


def predicate(resource: ResourceType, selection: Selection) -> Predicate:
    """Whether an object is selected. BadRequestError for a selector that cannot be read."""
    requirements = [_label_requirement(part) for part in _split(selection.labels)]
    requirements += [_field_requirement(resource, part) for part in _split(selection.fields)]

    def selected(document: JsonObject) -> bool:
        metadata = document["metadata"]
        if selection.namespace and metadata.get("namespace") != selection.namespace:
            return False
        return not requirements or all(requirement(document) for requirement in requirements)

    return selected


def _split(text: str) -> list[str]:
    """Parts between commas, those inside parentheses left alone."""
    if not text:
        return []
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _labels(document: JsonObject) -> Mapping[str, Any]:
    return document["metadata"].get("labels") or {}


def _label_requirement(text: str) -> Predicate:
    if match := _SET.match(text):
        key, values = match["key"], {value.strip() for value in match["values"].split(",")}
        if match["operator"] == "in":
            return lambda document: _labels(document).get(key) in values
        return lambda document: _labels(document).get(key) not in values
    if match := _EQUAL.match(text):
        key, value = match["key"], match["value"]
        if match["operator"] == "!=":
            return lambda document: _labels(document).get(key) != value
        return lambda document: _labels(document).get(key) == value
    if match := _EXISTS.match(text):
        key, absent = match["key"], bool(match["not"])
        return lambda document: (key in _labels(document)) is not absent
    raise BadRequestError(f"unable to parse requirement: {text}")


def _field_requirement(resource: ResourceType, text: str) -> Predicate:
    match = _EQUAL.match(text)
    if match is None:
        raise BadRequestError(f"invalid selector: '{text}'; can't understand '{text}'")
    path, wanted, negated = match["key"], match["value"], match["operator"] == "!="
    if path not in ("metadata.name", "metadata.namespace", *resource.field_labels):
        raise BadRequestError(f"field label not supported: {path}")

    def holds(document: JsonObject) -> bool:
        value = field(document, path)
        text = str(value).lower() if isinstance(value, bool) else str(value or "")
        # An absent boolean is false: `spec.unschedulable=false` selects schedulable nodes.
        equal = text == wanted or (value is None and wanted == "false")
        return equal is not negated

    return holds

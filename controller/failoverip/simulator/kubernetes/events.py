"""One Event, two groups: kept as events.k8s.io/v1, shown in core/v1 as kubectl reads it."""

from __future__ import annotations

from failoverip.simulator.kubernetes.resources import CORE_EVENTS, EVENTS, JsonObject

# events.k8s.io/v1 -> v1; a name that stands on neither side is the same in both.
_NAMES = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}


def to_core(event: JsonObject) -> JsonObject:
    """An events.k8s.io/v1 Event as v1 shows it."""
    return _renamed(event, _NAMES, CORE_EVENTS.api_version)


def from_core(event: JsonObject) -> JsonObject:
    """A v1 Event as events.k8s.io/v1 keeps it."""
    return _renamed(event, {core: kept for kept, core in _NAMES.items()}, EVENTS.api_version)


def _renamed(event: JsonObject, names: dict[str, str], api_version: str) -> JsonObject:
    renamed = {names.get(name, name): value for name, value in event.items()}
    return renamed | {"apiVersion": api_version}

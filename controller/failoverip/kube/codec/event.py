"""Events of events.k8s.io/v1, within the limits that the API server checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from failoverip.core.reasons import Reason
from failoverip.core.timestamps import micro_time
from failoverip.kube.codec.wire import Json, compact

CONTROLLER = "failoverip.io/operator"
# Cluster-scoped objects have their Events here; kubectl describe looks for them nowhere else.
EVENT_NAMESPACE = "default"

_NOTE_BYTES = 1024
_INSTANCE_BYTES = 128
# A name has 253 characters, of which a dash and 5 are added. (A dash: the API server refuses
# a generateName that ends in a dot.)
_NAME_LENGTH = 240


class EventType(StrEnum):
    """How kubectl marks it."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class EventNote:
    """What to tell about a FailoverIP. `action` is what was done or tried, such as `Switch`.

    `node` and `node_uid` name the related node, empty when there is none; `at` is POSIX seconds.
    """

    resource_name: str
    resource_uid: str
    type: EventType
    reason: Reason
    action: str
    note: str
    at: float
    node: str = ""
    node_uid: str = ""


def event_to(note: EventNote, identity: str) -> Json:
    """The Event to create; `identity` is the replica that reports it."""
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "generateName": f"{note.resource_name[:_NAME_LENGTH].rstrip('.-')}-",
            "namespace": EVENT_NAMESPACE,
        },
        "eventTime": micro_time(note.at),
        "type": note.type.value,
        "reason": note.reason.value,
        "action": note.action,
        "note": _cut(note.note, _NOTE_BYTES),
        "reportingController": CONTROLLER,
        "reportingInstance": _cut(identity, _INSTANCE_BYTES),
        "regarding": {
            "apiVersion": "failoverip.io/v1alpha1",
            "kind": "FailoverIP",
            "name": note.resource_name,
            "uid": note.resource_uid,
        },
    }
    if note.node:
        event["related"] = compact(apiVersion="v1", kind="Node", name=note.node, uid=note.node_uid)
    return event


def _cut(text: str, limit_bytes: int) -> str:
    """The API server counts bytes, and a character is never cut in two."""
    return text.encode()[:limit_bytes].decode(errors="ignore")

"""The fence as data: states of a resource, the writes that must be refused, those that must not.

`STATES[name]` is the sequence of whole statuses, written one after the other, that brings a fresh
resource with the addresses `ADDRESSES` into the state; the last one is the state itself (an empty
sequence is a resource without a status).

Each of `ATTACKS` is one write in a state: its `status` replaces the whole status (None removes the
status), its `addresses`, if any, replace `spec.addresses` (rule F8 is about spec, so that write
goes to the resource itself). It must be refused, and the answer must name `rule` (the first word of
a rule's message in manifests/crd/failoverips.yaml) as one of those broken.

`HONEST` is a sequence of writes by honest leaders on one resource, each of which must be accepted.
`ALLOWED` has the form of the attacks: writes that look odd, and that must be accepted.

To use it on a server: create the resource, PUT each status of the state to `/status`, then try the
attack. `merge_patch` and `json_patch` give the same write as a PATCH. To use it on predicates: old
object and new object are `resource(status)` before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

ADDRESSES = ["203.0.113.10", "203.0.113.16/29"]
LEASE = "failoverip-system/failoverip-operator"


@dataclass(frozen=True)
class Write:
    """One write in a state; `rule` is empty when it is allowed."""

    name: str
    rule: str
    state: str
    status: Json | None
    addresses: list[str] | None = None


def resource(status: Json | None, name: str = "web", addresses: list[str] | None = None) -> Json:
    """The whole object; without `status` when it is None or empty."""
    document: Json = {
        "apiVersion": "failoverip.io/v1alpha1",
        "kind": "FailoverIP",
        "metadata": {"name": name},
        "spec": {"addresses": list(addresses or ADDRESSES)},
    }
    if status:
        document["status"] = status
    return document


def merge_patch(before: Json, after: Json) -> Json:
    """The RFC 7386 patch that turns `before` into `after`."""
    patch: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key not in before:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(before[key], dict):
            patch[key] = merge_patch(before[key], value)
        elif before[key] != value:
            patch[key] = value
    return patch


def json_patch(before: Json, after: Json) -> list[Json]:
    """The RFC 6902 patch that replaces the first-level members of `status` that differ."""
    if "status" not in after:
        return [{"op": "remove", "path": "/status"}]
    if "status" not in before:
        return [{"op": "add", "path": "/status", "value": after["status"]}]
    old, new = before["status"], after["status"]
    gone = [{"op": "remove", "path": f"/status/{key}"} for key in old if key not in new]
    put = [
        {"op": "add", "path": f"/status/{key}", "value": value}
        for key, value in new.items()
        if old.get(key) != value
    ]
    return gone + put


def _fence(epoch: int, holder: str) -> Json:
    return {"epoch": epoch, "holder": holder, "lease": LEASE}


def _intent(**changes: object) -> Json:
    intent: Json = {
        "id": "intent-1",
        "epoch": 1,
        "node": "node-b",
        "nodeUID": "uid-b",
        "serverNumber": 1002,
        "routes": [
            {"address": "203.0.113.10", "to": "198.51.100.2"},
            {"address": "203.0.113.16/29", "to": "198.51.100.2"},
        ],
        "cause": {"reason": "NodeUnreachable", "node": "node-a", "nodeUID": "uid-a"},
        "attempts": 0,
        "startedAt": "2026-01-02T03:04:05Z",
        "detectedAt": "2026-01-02T03:04:04Z",
    }
    return intent | changes


def _outcome(identity: str, epoch: int, result: str = "Confirmed") -> Json:
    return {"id": identity, "epoch": epoch, "result": result}


_A1 = _fence(1, "leader-a")
_B2 = _fence(2, "leader-b")
_ONE = _outcome("intent-1", 1)

_CLAIMED: Json = {"fence": _A1, "activeNode": "node-a"}
_OPEN = _CLAIMED | {"intent": _intent()}
_ATTEMPTED = _CLAIMED | {"intent": _intent(attempts=1, postedAt="2026-01-02T03:04:06Z")}
_CLOSED: Json = {"fence": _A1, "activeNode": "node-b", "lastMove": _ONE}
_TAKEN_OVER = _ATTEMPTED | {"fence": _B2}
_ADOPTED = _TAKEN_OVER | {"intent": _ATTEMPTED["intent"] | {"epoch": 2}}
_OPEN_AGAIN = _CLOSED | {"intent": _intent(id="intent-2", node="node-c", serverNumber=1003)}

STATES: dict[str, tuple[Json, ...]] = {
    "no status": (),
    "claimed": (_CLAIMED,),
    "claimed by a second leader": (_CLAIMED, {"fence": _B2}),
    "open": (_CLAIMED, _OPEN),
    "attempted": (_CLAIMED, _OPEN, _ATTEMPTED),
    "closed": (_CLAIMED, _OPEN, _ATTEMPTED, _CLOSED),
    "open again": (_CLAIMED, _OPEN, _CLOSED, _OPEN_AGAIN),
    "taken over": (_CLAIMED, _OPEN, _ATTEMPTED, _TAKEN_OVER),
    "adopted": (_CLAIMED, _OPEN, _ATTEMPTED, _TAKEN_OVER, _ADOPTED),
}


def _retargeted(name: str, **changes: object) -> Write:
    """The open intent written again with other contents."""
    status = _ATTEMPTED | {"intent": _ATTEMPTED["intent"] | changes}
    return Write(name, "F6", "attempted", status)


_F1 = (
    Write("the fence is dropped", "F1", "claimed", {"activeNode": "node-a"}),
    Write("the fence is dropped, the intent kept", "F1", "open", {"intent": _OPEN["intent"]}),
    Write("the status is dropped whole", "F1", "claimed", None),
    Write("the status is dropped whole while a switch is open", "F1", "attempted", None),
    Write("the status is dropped whole after a move", "F1", "closed", None),
)

_F2 = (
    Write(
        "another holder under the same epoch",
        "F2",
        "claimed",
        _CLAIMED | {"fence": _fence(1, "leader-b")},
    ),
    Write(
        "a claim that raises the epoch by two",
        "F2",
        "claimed",
        _CLAIMED | {"fence": _fence(3, "leader-b")},
    ),
    Write(
        "the holder raises its own epoch by two",
        "F2",
        "claimed",
        _CLAIMED | {"fence": _fence(3, "leader-a")},
    ),
    Write(
        "a stale leader writes a status of its epoch",
        "F2",
        "claimed by a second leader",
        _CLAIMED | {"activeNode": "node-c"},
    ),
    Write("a stale leader opens a switch", "F2", "claimed by a second leader", _OPEN),
    Write(
        "a stale leader counts an attempt",
        "F2",
        "taken over",
        _ATTEMPTED | {"intent": _ATTEMPTED["intent"] | {"attempts": 2}},
    ),
    Write("a stale leader closes a switch", "F2", "taken over", _CLOSED),
    Write("a stale leader closes an adopted switch", "F2", "adopted", _CLOSED),
    Write(
        "a stale leader claims with the epoch it knows",
        "F2",
        "claimed by a second leader",
        {"fence": _fence(2, "leader-a")},
    ),
)

_F3 = (
    Write("an intent without any claim", "F3", "no status", {"intent": _intent()}),
    Write(
        "an intent opened under an old epoch",
        "F3",
        "claimed by a second leader",
        {"fence": _B2, "intent": _intent(epoch=1)},
    ),
    Write(
        "an intent opened under a future epoch",
        "F3",
        "claimed",
        _CLAIMED | {"intent": _intent(epoch=2)},
    ),
    Write(
        "an attempt counted before the intent is adopted",
        "F3",
        "taken over",
        _TAKEN_OVER | {"intent": _ATTEMPTED["intent"] | {"attempts": 2}},
    ),
    Write(
        "an intent moved back to an old epoch",
        "F3",
        "adopted",
        _ADOPTED | {"intent": _ATTEMPTED["intent"]},
    ),
)

_F4 = (
    Write("an intent removed without an outcome", "F4", "attempted", _CLAIMED),
    Write("an intent removed by the claim of a new leader", "F4", "attempted", {"fence": _B2}),
    Write(
        "an intent removed with the outcome of another",
        "F4",
        "attempted",
        _CLAIMED | {"lastMove": _outcome("intent-9", 1)},
    ),
    Write("an intent removed with only an older outcome", "F4", "open again", _CLOSED),
    Write(
        "an intent closed under an old epoch",
        "F4",
        "adopted",
        {"fence": _B2, "lastMove": _ONE},
    ),
    Write(
        "an intent closed under a future epoch",
        "F4",
        "attempted",
        _CLOSED | {"lastMove": _outcome("intent-1", 2)},
    ),
)

_F4B = (
    Write(
        "an intent replaced by another",
        "F4b",
        "attempted",
        _CLAIMED | {"intent": _intent(id="intent-2")},
    ),
    Write(
        "an intent closed and the next opened in one write",
        "F4b",
        "attempted",
        _CLOSED | {"intent": _intent(id="intent-2")},
    ),
)

_F5 = (
    Write(
        "an outcome recorded and the intent kept",
        "F5",
        "attempted",
        _ATTEMPTED | {"lastMove": _ONE},
    ),
    Write("a closed intent opened again", "F5", "closed", _CLOSED | {"intent": _intent()}),
)

_F6 = (
    _retargeted("another node", node="node-c"),
    _retargeted("another node behind the same name", nodeUID="uid-c"),
    _retargeted("another server", serverNumber=1003),
    _retargeted(
        "another route",
        routes=[
            {"address": "203.0.113.10", "to": "198.51.100.3"},
            {"address": "203.0.113.16/29", "to": "198.51.100.2"},
        ],
    ),
    _retargeted("a route dropped", routes=[{"address": "203.0.113.10", "to": "198.51.100.2"}]),
    _retargeted(
        "a route added",
        routes=[*_intent()["routes"], {"address": "203.0.113.11", "to": "198.51.100.2"}],
    ),
    _retargeted("another cause", cause=_intent()["cause"] | {"reason": "NodeCordoned"}),
    _retargeted("another source", cause=_intent()["cause"] | {"node": "node-c"}),
    _retargeted("a source of another UID", cause=_intent()["cause"] | {"nodeUID": "uid-c"}),
    _retargeted("a source forgotten", cause={"reason": "NodeUnreachable"}),
    _retargeted("another start", startedAt="2026-01-02T03:04:06Z"),
    _retargeted("an attempt forgotten", attempts=0),
    Write(
        "an intent adopted and retargeted in one write",
        "F6",
        "taken over",
        _ADOPTED | {"intent": _ADOPTED["intent"] | {"node": "node-c"}},
    ),
    Write(
        "a claim that forgets an attempt",
        "F6",
        "attempted",
        {"fence": _B2, "intent": _intent(epoch=2)},
    ),
)

_F7 = (
    Write("an outcome of no intent", "F7", "claimed", _CLAIMED | {"lastMove": _ONE}),
    Write("an outcome before any claim", "F7", "no status", {"fence": _A1, "lastMove": _ONE}),
    Write(
        "a recorded outcome changed",
        "F7",
        "closed",
        _CLOSED | {"lastMove": _outcome("intent-1", 1, "Failed")},
    ),
    Write(
        "a recorded outcome replaced",
        "F7",
        "closed",
        _CLOSED | {"lastMove": _outcome("intent-9", 1)},
    ),
    Write("a recorded outcome dropped", "F7", "closed", {"fence": _A1, "activeNode": "node-b"}),
    Write(
        "a recorded outcome dropped by a claim",
        "F7",
        "closed",
        {"fence": _B2, "activeNode": "node-b"},
    ),
    Write(
        "an outcome of another intent beside the open one",
        "F7",
        "open again",
        _OPEN_AGAIN | {"lastMove": _outcome("intent-9", 1)},
    ),
)

_F8 = (
    Write("an address added", "F8", "open", _OPEN, [*ADDRESSES, "203.0.113.11"]),
    Write("an address removed", "F8", "attempted", _ATTEMPTED, ADDRESSES[:1]),
    Write("an address replaced", "F8", "adopted", _ADOPTED, ["203.0.113.12", ADDRESSES[1]]),
)

ATTACKS = (*_F1, *_F2, *_F3, *_F4, *_F4B, *_F5, *_F6, *_F7, *_F8)

HONEST: tuple[tuple[str, Json], ...] = (
    ("claim", _CLAIMED),
    ("open", _OPEN),
    ("count an attempt", _ATTEMPTED),
    (
        "count a second attempt",
        _ATTEMPTED | {"intent": _ATTEMPTED["intent"] | {"attempts": 2}},
    ),
    ("close", _CLOSED),
    ("open again", _OPEN_AGAIN),
    ("a second leader claims", _OPEN_AGAIN | {"fence": _B2}),
    (
        "and adopts",
        _OPEN_AGAIN | {"fence": _B2, "intent": _OPEN_AGAIN["intent"] | {"epoch": 2}},
    ),
    (
        "counts an attempt",
        _OPEN_AGAIN | {"fence": _B2, "intent": _OPEN_AGAIN["intent"] | {"epoch": 2, "attempts": 1}},
    ),
    ("closes", {"fence": _B2, "lastMove": _outcome("intent-2", 2, "Refused")}),
    (
        "the first leader claims again",
        {"fence": _fence(3, "leader-a"), "lastMove": _outcome("intent-2", 2, "Refused")},
    ),
)

ALLOWED = (
    Write("the holder claims anew", "", "claimed", _CLAIMED | {"fence": _fence(2, "leader-a")}),
    Write("claim and adoption in one write", "", "attempted", _ADOPTED),
    Write(
        "claim and close in one write",
        "",
        "attempted",
        {"fence": _B2, "lastMove": _outcome("intent-1", 2, "Abandoned")},
    ),
    Write(
        "routes in another order",
        "",
        "attempted",
        _ATTEMPTED | {"intent": _ATTEMPTED["intent"] | {"routes": _intent()["routes"][::-1]}},
    ),
    Write("addresses in another order", "", "open", _OPEN, ADDRESSES[::-1]),
    Write("addresses changed when no switch is open", "", "closed", _CLOSED, ADDRESSES[:1]),
)

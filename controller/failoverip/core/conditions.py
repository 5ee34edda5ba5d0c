"""The conditions of a FailoverIP, per kstatus: Ready from the first write on.

Ready     every address is on one healthy node, and no switch is open
Reconciling  a switch is open
Stalled   a person must change something before the operator can go on
Routed    Robot routes every address to a node
ProviderReachable  Robot answers, and takes the credentials
Degraded  something is less than it should be, or a wanted move waits
"""

from __future__ import annotations

from dataclasses import dataclass

from failoverip.core.addresses import overlap
from failoverip.core.decision import Decision
from failoverip.core.gates import storm_hold
from failoverip.core.health import Verdict
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Condition, Status
from failoverip.core.situation import PlaceKind, Situation, still_settling

STALLED = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.OVERLAP,
        Reason.FENCE_MISSING,
        Reason.UNKNOWN_ADDRESS,
        Reason.CREDENTIALS_MISSING,
        Reason.CREDENTIALS_INCOMPLETE,
        Reason.CREDENTIALS_REFUSED,
        Reason.CONTESTED,
    }
)
# Decisions that leave things less well than they should be.
DEGRADED = STALLED | {
    Reason.BUDGET_EXHAUSTED,
    Reason.DRY_RUN,
    Reason.FOREIGN_SERVER,
    Reason.GROUP_SPLIT,
    Reason.HOLD_DOWN,
    Reason.INVARIANT_BROKEN,
    Reason.MAPPING_LOST,
    Reason.MOVES_EXHAUSTED,
    Reason.NO_TARGET,
    Reason.PROVIDER_UNREACHABLE,
    Reason.RATE_LIMITED,
    Reason.STORM_HOLD,
}
OFF_NODE = frozenset({PlaceKind.NOWHERE, PlaceKind.FOREIGN, PlaceKind.DELETED, PlaceKind.LOST})


@dataclass(frozen=True, slots=True)
class _Told:
    status: str
    reason: Reason
    message: str


def render_conditions(
    o: Observation, s: Situation | None, decision: Decision, after: Status
) -> tuple[Condition, ...]:
    """All six, with the transition times of those whose status did not change."""
    told = {
        "Ready": _ready(o, s, decision, after),
        "Reconciling": _reconciling(after),
        "Stalled": _flag(decision, decision.reason in STALLED),
        "Routed": _routed(s),
        "ProviderReachable": _provider_reachable(o),
        "Degraded": _degraded(o, s, decision),
    }
    recorded = {condition.type: condition for condition in o.resource.status.conditions}
    return tuple(
        _condition(o, name, now_told, recorded.get(name)) for name, now_told in told.items()
    )


def _condition(o: Observation, name: str, told: _Told, before: Condition | None) -> Condition:
    unchanged = before is not None and before.status == told.status
    since = before.since if before is not None and unchanged else o.wall_seconds
    return Condition(name, told.status, told.reason, told.message, since, o.resource.generation)


def _flag(decision: Decision, raised: bool) -> _Told:
    if raised:
        return _Told("True", decision.reason, decision.message)
    return _Told("False", Reason.ON_HEALTHY_NODE, "")


def _degraded(o: Observation, s: Situation | None, decision: Decision) -> _Told:
    if decision.reason in STALLED or s is None:
        return _flag(decision, decision.reason in DEGRADED)
    # A successor goes on with a storm that is told here, whatever else keeps a move back.
    held = storm_hold(o, s.policy)
    if held is not None:
        return _Told("True", held.reason, held.message)
    if o.memory is not None and o.memory.broken is not None:
        return _Told("True", Reason.INVARIANT_BROKEN, o.memory.broken)
    if decision.reason in DEGRADED:
        return _flag(decision, True)
    for address in s.policy.addresses:
        if any(overlap(address.text, host) for host in o.api_server_addresses):
            reason = Reason.API_SERVER_BEHIND_FAILOVER_IP
            return _Told("True", reason, f"{address.text}: {reason.text.rstrip('.')}")
    return _flag(decision, False)


def _reconciling(after: Status) -> _Told:
    if after.intent is None:
        return _Told("False", Reason.ON_HEALTHY_NODE, "")
    cause = after.intent.cause.reason
    return _Told("True", cause, f"switching to {after.intent.node}: {cause.text.rstrip('.')}")


def _ready(o: Observation, s: Situation | None, decision: Decision, after: Status) -> _Told:
    if s is None or decision.reason in STALLED:
        return _Told("False", decision.reason, decision.message)
    if after.intent is not None:
        return _Told("False", Reason.SWITCHING, f"switching to {after.intent.node}")
    if any(place.kind is PlaceKind.UNKNOWN for place in s.places):
        return _Told("Unknown", decision.reason, decision.message)
    if s.active is None:
        return _Told("False", decision.reason, decision.message)
    if any(place.server_number != s.active.server_number for place in s.places):
        return _Told("False", Reason.GROUP_SPLIT, Reason.GROUP_SPLIT.text.rstrip("."))
    return _by_health(o, s)


def _by_health(o: Observation, s: Situation) -> _Told:
    active = s.active
    if active is None or active.kind is PlaceKind.LOST:
        return _Told("Unknown", Reason.MAPPING_LOST, Reason.MAPPING_LOST.text.rstrip("."))
    verdict = active.health.verdict
    if verdict is Verdict.POSITIVE:
        return _Told("True", Reason.ON_HEALTHY_NODE, f"routed to {active.node}")
    if verdict is Verdict.FAILED:
        reason = active.health.reason
        return _Told("False", reason, f"{active.node}: {reason.text.rstrip('.')}")
    recorded = next((c for c in o.resource.status.conditions if c.type == "Ready"), None)
    settling = any(still_settling(o, view) for view in active.views)
    if settling and recorded is not None and recorded.status == "True":
        return _Told(recorded.status, recorded.reason, f"routed to {active.node}")
    return _Told("Unknown", Reason.ACTIVE_NODE_UNCLEAR, f"no recent sign of life of {active.node}")


def _routed(s: Situation | None) -> _Told:
    places = s.places if s is not None else ()
    if not places or any(p.kind in (PlaceKind.UNKNOWN, PlaceKind.UNLISTED) for p in places):
        return _Told("Unknown", Reason.ROUTE_UNKNOWN, Reason.ROUTE_UNKNOWN.text.rstrip("."))
    off = [place for place in places if place.kind in OFF_NODE]
    if not off:
        return _Told("True", Reason.ON_HEALTHY_NODE, "every address is routed to a node")
    reason = {
        PlaceKind.NOWHERE: Reason.ROUTED_NOWHERE,
        PlaceKind.DELETED: Reason.NODE_DELETED,
        PlaceKind.LOST: Reason.MAPPING_LOST,
    }.get(off[0].kind, Reason.FOREIGN_SERVER)
    names = ", ".join(place.address.text for place in off)
    return _Told("False", reason, f"{names}: {reason.text.rstrip('.')}")


def _provider_reachable(o: Observation) -> _Told:
    if o.credentials is not None:
        return _Told("False", o.credentials.reason, o.credentials.message)
    if o.account.trouble is not None:
        return _Told("False", o.account.trouble.reason, o.account.trouble.message)
    if o.account.routes_read_at is None:
        return _Told("Unknown", Reason.ROUTE_UNKNOWN, "Robot was not asked yet")
    return _Told("True", Reason.ON_HEALTHY_NODE, "Robot answers")

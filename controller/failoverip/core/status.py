"""What the resource tells: the status after a decision (design 6, kstatus).

Rendered anew at each pass and written only when it differs; so nothing in it is an age, and what
a new leader cannot judge yet stays as it was recorded.
"""

from __future__ import annotations

from dataclasses import replace

from failoverip.core.brakes import keep_moves
from failoverip.core.conditions import STALLED, render_conditions
from failoverip.core.decision import (
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    OpenIntent,
    RefuseRequest,
)
from failoverip.core.health import Verdict
from failoverip.core.mapping import Unmapped
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    AddressStatus,
    CandidateStatus,
    InvalidSpec,
    LastMove,
    Move,
    MoveResult,
    RequestAnswer,
    RouteState,
    Status,
)
from failoverip.core.situation import (
    NodeView,
    Place,
    PlaceKind,
    Situation,
    still_settling,
    understand,
)

MAX_MOVES = 10
MAX_CANDIDATES = 32


def render_status(o: Observation, decision: Decision) -> Status:
    """The status to record with this decision; the fence is left as it is."""
    policy = o.resource.policy
    before = replace(o.resource.status, observed_generation=o.resource.generation)
    if isinstance(policy, InvalidSpec):
        return replace(before, conditions=render_conditions(o, None, decision, before))
    if _not_asked_yet(o) and before.conditions and decision.reason not in STALLED:
        return _with_action(o, o.resource.status, decision)
    s = understand(o, policy)
    after = _with_action(o, before, decision)
    after = _with_places(s, after)
    after = _with_candidates(o, s, after)
    return replace(after, conditions=render_conditions(o, s, decision, after))


def _not_asked_yet(o: Observation) -> bool:
    """A new leader that may ask Robot, but has no answer yet: the record is the best there is."""
    untroubled = o.credentials is None and o.account.trouble is None
    askable = untroubled and o.account.budget.read_at <= o.now
    return askable and o.account.routes_read_at is None


def _with_action(o: Observation, before: Status, decision: Decision) -> Status:
    match decision.action:
        case OpenIntent(intent=intent, requested=requested):
            opened = replace(before, intent=intent)
            return opened if requested is None else _answered(o, opened, requested, decision, True)
        case AdoptIntent(intent=intent) | Attempt(intent=intent):
            return replace(before, intent=intent)
        case CloseIntent() as close:
            return _closed(o, before, close, decision.reason)
        case RefuseRequest(value=value):
            return _answered(o, before, value, decision, False)
        case _:
            return before


def _answered(
    o: Observation, status: Status, value: str, decision: Decision, accepted: bool
) -> Status:
    answer = RequestAnswer(value, accepted, decision.reason, decision.message, o.wall_seconds)
    return replace(status, switch_request=answer)


def _closed(o: Observation, before: Status, close: CloseIntent, reason: Reason) -> Status:
    intent = close.intent
    move = Move(
        id=intent.id,
        cause=intent.cause.reason,
        source=intent.cause.node,
        node=intent.node,
        server_number=intent.server_number,
        result=close.result,
        reason=reason,
        attempts=intent.attempts,
        detected_at=intent.detected_at,
        ended_at=o.wall_seconds,
        posted_at=intent.posted_at,
        confirmed_at=o.wall_seconds if close.result is MoveResult.CONFIRMED else None,
    )
    return replace(
        before,
        intent=None,
        last_move=LastMove(intent.id, intent.epoch, close.result),
        moves=keep_moves((move, *before.moves), MAX_MOVES),
    )


def _with_places(s: Situation, status: Status) -> Status:
    addresses = tuple(_address(place, status) for place in s.places)
    status = replace(status, addresses=addresses)
    if s.active is not None:
        return replace(
            status,
            active_node=s.active.node,
            active_node_uid=s.active.node_uid,
            active_server=s.active.server_number,
        )
    if any(place.kind in (PlaceKind.UNKNOWN, PlaceKind.UNLISTED) for place in s.places):
        return status
    return replace(status, active_node="", active_node_uid="", active_server=None)


def _address(place: Place, status: Status) -> AddressStatus:
    target = place.track.target if place.track is not None else None
    if place.kind in (PlaceKind.UNKNOWN, PlaceKind.UNLISTED):
        recorded = next((a for a in status.addresses if a.address.key == place.address.key), None)
        if recorded is None:
            return AddressStatus(place.address, RouteState.UNKNOWN, None)
        return replace(recorded, address=place.address, state=RouteState.UNKNOWN)
    routes = status.intent.routes if status.intent is not None else ()
    under_way = any(r.address.key == place.address.key and r.to != target for r in routes)
    state = {
        PlaceKind.NOWHERE: RouteState.UNROUTED,
        PlaceKind.FOREIGN: RouteState.FOREIGN,
    }.get(place.kind, RouteState.CONFIRMED)
    state = RouteState.SWITCHING if under_way else state
    return AddressStatus(place.address, state, target, place.node, place.node_uid)


def _with_candidates(o: Observation, s: Situation, status: Status) -> Status:
    if o.cluster.listed_at is None:
        return status
    recorded = {candidate.node: candidate for candidate in status.candidates}
    told = [_candidate(o, s, view, recorded) for view in s.views if view.selected]
    return replace(
        status,
        candidates=tuple(told[:MAX_CANDIDATES]),
        candidate_count=len(told),
        eligible_count=sum(candidate.verdict for candidate in told),
    )


def _candidate(
    o: Observation, s: Situation, view: NodeView, recorded: dict[str, CandidateStatus]
) -> CandidateStatus:
    number = None if isinstance(view.server, Unmapped) else view.server.number
    reason = s.eligibility[view.node.uid]
    if reason is Reason.ELIGIBLE and view.health.verdict is not Verdict.POSITIVE:
        kept = recorded.get(view.node.name)
        if still_settling(o, view) and kept is not None and kept.verdict:
            return kept
        unhealthy = view.health.reason
        reason = unhealthy if view.health.verdict is Verdict.FAILED else Reason.NODE_UNHEALTHY
    return CandidateStatus(view.node.name, number, reason is Reason.ELIGIBLE, reason)

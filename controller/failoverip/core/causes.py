"""Whether the cause that an intent recorded still holds, judged on its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from failoverip.core.health import Verdict
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Drift, FailbackPolicy, Intent, OnCordon
from failoverip.core.situation import NodeView, Place, PlaceKind, Situation


class CauseState(StrEnum):
    """Three-valued: only HOLDS opens the gate, only GONE abandons."""

    HOLDS = "Holds"
    GONE = "Gone"
    UNCLEAR = "Unclear"


def judge_cause(s: Situation, intent: Intent) -> CauseState:
    """The state of the cause; a request of the user's holds for ever.

    An address that meanwhile is on another healthy node has no cause left: it stays there,
    whoever put it there (invariant I4).
    """
    cause = intent.cause
    if cause.reason is Reason.SWITCH_REQUESTED:
        return CauseState.HOLDS
    pending = [place for place in s.places if _pending(place, intent)]
    elsewhere = any(_settled_elsewhere(place, intent) for place in pending)
    if elsewhere and cause.reason is not Reason.GROUP_SPLIT:
        return CauseState.GONE
    return JUDGES.get(cause.reason, _failed_source)(s, intent, pending)


def _pending(place: Place, intent: Intent) -> bool:
    """Whether the place belongs to a route of the intent that is not at its target."""
    return any(
        route.address.key == place.address.key
        and (place.track is None or place.track.target != route.to)
        for route in intent.routes
    )


def _settled_elsewhere(place: Place, intent: Intent) -> bool:
    is_source = place.node_uid == intent.cause.node_uid
    return (
        not is_source
        and place.server_number != intent.server_number
        and place.health.verdict is Verdict.POSITIVE
    )


def source_view(s: Situation, cause: Cause) -> NodeView | None:
    """The source as it is listed now; None when it is gone or was replaced under its name."""
    for view in s.views:
        if view.node.uid == cause.node_uid or (not cause.node_uid and view.node.name == cause.node):
            return view
    return None


def _failed_source(s: Situation, intent: Intent, _: list[Place]) -> CauseState:
    view = source_view(s, intent.cause)
    if view is None:
        return CauseState.HOLDS
    return {
        Verdict.FAILED: CauseState.HOLDS,
        Verdict.POSITIVE: CauseState.GONE,
        Verdict.UNCLEAR: CauseState.UNCLEAR,
    }[view.health.verdict]


def leaving_reason(s: Situation, view: NodeView) -> Reason | None:
    """Why addresses should leave a living node: deletion, selector, cordon; None to stay."""
    if view.node.deleting:
        return Reason.NODE_DELETING
    if not view.selected:
        return Reason.NODE_NOT_SELECTED
    if view.node.unschedulable and s.policy.on_cordon is OnCordon.MOVE:
        return Reason.NODE_CORDONED
    return None


def reason_to_leave(s: Situation, place: Place) -> Reason | None:
    """Why addresses should leave a place that did not fail: every node there that may live says so.

    A failed node keeps nothing beside one that should be left.
    """
    alive = [view for view in place.views if view.health.verdict is not Verdict.FAILED]
    reasons = [leaving_reason(s, view) for view in alive]
    return None if None in reasons else next(iter(reasons), None)


def _leaving_source(s: Situation, intent: Intent, pending: list[Place]) -> CauseState:
    view = source_view(s, intent.cause)
    if view is None:
        return CauseState.HOLDS
    if leaving_reason(s, view) is None and view.health.verdict is not Verdict.FAILED:
        return CauseState.GONE
    # As in `reason_to_leave`: another node of its server may keep the addresses by now.
    there = [other for place in pending if view in place.views for other in place.views]
    stay = {other.health.verdict for other in there if leaving_reason(s, other) is None}
    if Verdict.POSITIVE in stay:
        return CauseState.GONE
    return CauseState.UNCLEAR if Verdict.UNCLEAR in stay else CauseState.HOLDS


def _still_preferred(s: Situation, intent: Intent, _: list[Place]) -> CauseState:
    wanted = s.policy.failback.policy is FailbackPolicy.WHEN_PREFERRED_HEALTHY
    preferred = intent.node in s.policy.preferred_nodes
    return CauseState.HOLDS if wanted and preferred else CauseState.GONE


def _still_nowhere(_: Situation, intent: Intent, pending: list[Place]) -> CauseState:
    return _all_in(pending, {PlaceKind.NOWHERE}, intent)


def _still_foreign(s: Situation, intent: Intent, pending: list[Place]) -> CauseState:
    if s.policy.drift is not Drift.ENFORCE:
        return CauseState.GONE
    return _all_in(pending, {PlaceKind.FOREIGN, PlaceKind.NOWHERE}, intent)


def _all_in(pending: list[Place], kinds: set[PlaceKind], intent: Intent) -> CauseState:
    if any(place.kind is PlaceKind.UNKNOWN for place in pending):
        return CauseState.UNCLEAR
    # While Robot switches it may show any route; only before the first request it tells a change.
    changed = any(place.kind not in kinds for place in pending)
    return CauseState.GONE if changed and intent.attempts == 0 else CauseState.HOLDS


def _still_split(s: Situation, intent: Intent, pending: list[Place]) -> CauseState:
    """A part may follow while its node failed or should not carry it, or Enforce says so."""
    if s.policy.drift is Drift.ENFORCE or intent.attempts > 0:
        return CauseState.HOLDS
    if any(place.kind is PlaceKind.UNKNOWN for place in pending):
        return CauseState.UNCLEAR
    return CauseState.HOLDS if all(part_may_follow(s, p) for p in pending) else CauseState.GONE


def part_may_follow(s: Situation, place: Place) -> bool:
    """Whether a part of a split group may follow the active node without `drift: Enforce`."""
    if place.kind in (PlaceKind.NOWHERE, PlaceKind.DELETED):
        return True
    return place.health.verdict is Verdict.FAILED or reason_to_leave(s, place) is not None


Judge = Callable[[Situation, Intent, list[Place]], CauseState]
JUDGES: Mapping[Reason, Judge] = {
    Reason.FAILBACK: _still_preferred,
    Reason.NODE_CORDONED: _leaving_source,
    Reason.NODE_DELETING: _leaving_source,
    Reason.NODE_NOT_SELECTED: _leaving_source,
    Reason.ROUTED_NOWHERE: _still_nowhere,
    Reason.FOREIGN_SERVER: _still_foreign,
    Reason.GROUP_SPLIT: _still_split,
}

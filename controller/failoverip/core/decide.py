"""The decision: an ordered list of small named checks, first hit wins (design 4).

`decide` is the only place where anything is decided. DryRun runs the same checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from failoverip.core.brakes import is_held_down, seconds_since
from failoverip.core.causes import part_may_follow, reason_to_leave
from failoverip.core.decision import Decision
from failoverip.core.follow import follow_intent
from failoverip.core.gates import hold, storm_hold
from failoverip.core.health import Verdict
from failoverip.core.moves import open_move
from failoverip.core.observation import Claim, Observation
from failoverip.core.reasons import Reason
from failoverip.core.requests import answer_request
from failoverip.core.resource import (
    Cause,
    Drift,
    FailbackPolicy,
    InvalidSpec,
    Mode,
    MoveResult,
)
from failoverip.core.situation import (
    NodeView,
    Place,
    PlaceKind,
    Situation,
    preference,
    understand,
)

# How often `drift: Enforce` takes an address back within an hour before somebody must look.
MAX_ENFORCED_PER_HOUR = 2
ENFORCED = frozenset({Reason.FOREIGN_SERVER, Reason.GROUP_SPLIT})

Check = Callable[[Observation, Situation], Decision | None]


def decide(o: Observation) -> Decision:
    """What to do about one resource, from everything that is known at one instant."""
    policy = o.resource.policy
    if isinstance(policy, InvalidSpec):
        return hold(Reason.INVALID_SPEC, policy.message, o.timings.resync_seconds)
    s = understand(o, policy)
    for check in CHECKS:
        decision = check(o, s)
        if decision is not None:
            return decision
    return steady(o, s)


def not_claimed(o: Observation, _: Situation) -> Decision | None:
    """Nothing may be written before this leader holds the resource's fence."""
    reasons = {
        Claim.NOT_CLAIMED: Reason.NOT_CLAIMED,
        Claim.FENCE_MISSING: Reason.FENCE_MISSING,
        Claim.SECOND_INSTALLATION: Reason.SECOND_INSTALLATION,
    }
    reason = reasons.get(o.claim)
    if reason is None:
        return None
    return hold(reason, reason.text.rstrip("."), o.timings.busy_resync_seconds)


def conflicting(o: Observation, _: Situation) -> Decision | None:
    """An older resource owns an address: two of them would fight."""
    if o.conflict is None:
        return None
    message = f"overlaps the older FailoverIP {o.conflict}: remove the address from one of them"
    return hold(Reason.OVERLAP, message, o.timings.resync_seconds)


def window_too_short(o: Observation, _: Situation) -> Decision | None:
    """Too little of the lease is left to begin anything that must be finished under it."""
    if o.window_left_seconds >= o.timings.window_seconds:
        return None
    message = "the lease must be renewed first"
    return hold(Reason.WINDOW_TOO_SHORT, message, o.timings.busy_resync_seconds)


def open_intent(o: Observation, s: Situation) -> Decision | None:
    """A switch that was begun is followed to its end before anything else is looked at."""
    intent = o.resource.status.intent
    return None if intent is None else follow_intent(o, s, intent)


def deleting(o: Observation, _: Situation) -> Decision | None:
    """The route of a resource that goes away stays where it is."""
    if not o.resource.deleting:
        return None
    return hold(Reason.DELETING, Reason.DELETING.text, o.timings.resync_seconds)


def paused(o: Observation, s: Situation) -> Decision | None:
    """The user said: watch only."""
    if s.policy.mode is not Mode.PAUSED:
        return None
    return hold(Reason.PAUSED, "mode is Paused", o.timings.resync_seconds)


def route_unknown(o: Observation, s: Situation) -> Decision | None:
    """Without knowing where the addresses are, nothing can be decided."""
    t = o.timings
    if o.credentials is not None:
        return hold(o.credentials.reason, o.credentials.message, t.resync_seconds)
    unlisted = [place for place in s.places if place.kind is PlaceKind.UNLISTED]
    if unlisted:
        names = ", ".join(place.address.text for place in unlisted)
        message = (
            f"Robot lists no failover address {names} for this account: correct spec.addresses"
        )
        return hold(Reason.UNKNOWN_ADDRESS, message, t.resync_seconds)
    looked = o.cluster.listed_at is not None and o.account.servers is not None
    # An address that is routed nowhere is known to be, but not who could take it.
    if looked and all(place.kind is not PlaceKind.UNKNOWN for place in s.places):
        return None
    if o.account.trouble is not None:
        return hold(o.account.trouble.reason, o.account.trouble.message, t.resync_seconds)
    # It asks for no read: the regular one is due already, and no read of the routes helps while
    # the nodes or the servers are what is not known.
    return hold(Reason.ROUTE_UNKNOWN, _not_known_yet(o), t.busy_resync_seconds)


def _not_known_yet(o: Observation) -> str:
    if o.cluster.listed_at is None:
        return "the nodes were not listed yet"
    if o.account.routes_read_at is None:
        return "Robot was not asked yet"
    return "Robot's routes and servers were not read recently"


def storm(o: Observation, s: Situation) -> Decision | None:
    """So many nodes turned bad at once that what we see of them proves nothing yet."""
    return storm_hold(o, s.policy)


def active_node_failed(o: Observation, s: Situation) -> Decision | None:
    """The reason we exist."""
    if s.active is None or s.active.health.verdict is not Verdict.FAILED:
        return None
    cause = Cause(s.active.health.reason, s.active.node, s.active.node_uid)
    failed = [place for place in s.places if place.health.verdict is Verdict.FAILED]
    return open_move(o, s, cause, failed)


def mapping_lost(o: Observation, s: Situation) -> Decision | None:
    """The node behind the route exists but has no server any more: an edit, not a failure.

    Another part of the group does not wait for that on a dead node.
    """
    lost = next((place for place in s.places if place.kind is PlaceKind.LOST), None)
    if lost is None:
        return None
    message = f"node {lost.node} is no longer mapped to server {lost.server_number}: map it again"
    told = hold(Reason.MAPPING_LOST, message, o.timings.resync_seconds)
    failed = [place for place in s.places if place.health.verdict is Verdict.FAILED]
    return (_repair(o, s, failed) if failed else None) or told


def active_node_leaving(o: Observation, s: Situation) -> Decision | None:
    """Cordoned, deleted or deselected: the user wants the addresses off this living node."""
    if s.active is None:
        return None
    reason = reason_to_leave(s, s.active)
    if reason is None:
        return None
    cause = Cause(reason, s.active.node, s.active.node_uid)
    there = [place for place in s.places if place.server_number == s.active.server_number]
    return open_move(o, s, cause, there)


def group_split(o: Observation, s: Situation) -> Decision | None:
    """Parts on other servers follow the active node where that cannot hurt; else they are told.

    Where that node may never take them, as with a server of one address family, a part that cannot
    stay goes to another one.
    """
    if s.active is None:
        return None
    parts = [place for place in s.places if place.server_number != s.active.server_number]
    if s.policy.drift is Drift.ENFORCE:
        parts = [place for place in parts if place.kind is not PlaceKind.FOREIGN]
    if not parts:
        return None
    movable = [place for place in parts if _part_may_follow(s, place)]
    message = f"not with {s.active.node}: {', '.join(p.address.text for p in parts)}"
    told = hold(Reason.GROUP_SPLIT, message, o.timings.resync_seconds)
    if not movable:
        return told
    if _active_view(s) is not None and not _repair_barred(o) and _taken_from_healthy(movable[0]):
        if _enforced_this_hour(o) >= MAX_ENFORCED_PER_HOUR:
            return hold(Reason.CONTESTED, message, o.timings.resync_seconds)
        # A repair is not held down, but this is drift: the part lives where it is.
        if is_held_down(o, s.policy.safety):
            return hold(Reason.HOLD_DOWN, message, o.timings.resync_seconds)
    return _repair(o, s, movable) or told


def _repair(o: Observation, s: Situation, parts: Sequence[Place]) -> Decision | None:
    """Parts go to the active node, or to another one where that may never take them."""
    if _repair_barred(o):
        return None
    view = s.view(s.active.node) if s.active and s.active.kind is PlaceKind.NODE else None
    if view is None or s.is_unfit(view):
        return _to_another_node(o, s, parts)
    if not s.can_take(view):
        return None
    first = parts[0]
    together = [p for p in parts if (p.kind, p.server_number) == (first.kind, first.server_number)]
    once = _seen_once(o, together) if first.kind is PlaceKind.NOWHERE else None
    cause = Cause(Reason.GROUP_SPLIT, first.node, first.node_uid)
    return once or open_move(o, s, cause, together, target=view)


def _to_another_node(o: Observation, s: Situation, parts: Sequence[Place]) -> Decision | None:
    leaving = [(place, reason) for place in parts if (reason := _reason_off(s, place)) is not None]
    if not leaving:
        return routed_nowhere(o, s)
    first, reason = leaving[0]
    together = [place for place, _ in leaving if place.server_number == first.server_number]
    return open_move(o, s, Cause(reason, first.node, first.node_uid), together)


def _reason_off(s: Situation, place: Place) -> Reason | None:
    failed = place.health.verdict is Verdict.FAILED
    return place.health.reason if failed else reason_to_leave(s, place)


def _part_may_follow(s: Situation, place: Place) -> bool:
    return s.policy.drift is Drift.ENFORCE or part_may_follow(s, place)


def _taken_from_healthy(place: Place) -> bool:
    return place.kind is PlaceKind.NODE and place.health.verdict is not Verdict.FAILED


def _repair_barred(o: Observation) -> bool:
    return any(
        seconds_since(o, move) < o.timings.barred_seconds
        and (move.result is MoveResult.PARTIAL or _failed_repair(move.cause, move.result))
        for move in o.resource.status.moves
    )


def _failed_repair(cause: Reason, result: MoveResult) -> bool:
    return cause is Reason.GROUP_SPLIT and result in (MoveResult.REFUSED, MoveResult.FAILED)


def routed_nowhere(o: Observation, s: Situation) -> Decision | None:
    """An address that is routed nowhere is placed, after two reads."""
    nowhere = [place for place in s.places if place.kind is PlaceKind.NOWHERE]
    if not nowhere:
        return None
    return _seen_once(o, nowhere) or open_move(o, s, Cause(Reason.ROUTED_NOWHERE), nowhere)


def foreign_server(o: Observation, s: Situation) -> Decision | None:
    """A server that is no node of ours: told, and taken back only under `drift: Enforce`."""
    foreign = [place for place in s.places if place.kind is PlaceKind.FOREIGN]
    if not foreign:
        return None
    t = o.timings
    names = ", ".join(f"{p.address.text} at {p.track.target}" for p in foreign if p.track)
    if s.policy.drift is Drift.REPORT:
        return hold(Reason.FOREIGN_SERVER, f"{names} is no node; drift is Report", t.resync_seconds)
    if o.unmapped_recently:
        nodes = ", ".join(o.unmapped_recently[:5])
        message = f"{names} is no node, but {nodes} has no server: map it first"
        return hold(Reason.MAPPING_LOST, message, t.resync_seconds)
    if _enforced_this_hour(o) >= MAX_ENFORCED_PER_HOUR:
        message = f"{names} is no node; taken back twice within an hour: somebody else moves it"
        return hold(Reason.CONTESTED, message, t.resync_seconds)
    cause = Cause(Reason.FOREIGN_SERVER)
    return _seen_once(o, foreign) or open_move(o, s, cause, foreign, target=_active_view(s))


def fail_back(o: Observation, s: Situation) -> Decision | None:
    """Return to a more preferred node once it has been healthy for long enough.

    A new leader did not see for how long it was, and begins to count at its first lists.
    """
    failback = s.policy.failback
    if failback.policy is not FailbackPolicy.WHEN_PREFERRED_HEALTHY or s.active is None:
        return None
    if s.active.health.verdict is not Verdict.POSITIVE:
        return None
    needed = failback.after_seconds * o.timings.spec_second_seconds
    rank = min(preference(s.policy, view.node.name) for view in s.active.views)
    for name in s.policy.preferred_nodes[:rank]:
        view = s.view(name)
        seen = None if view is None else o.storm.sightings.get(view.node.uid)
        good_since = None if seen is None else seen.good_since
        if view is None or good_since is None or not s.can_take(view):
            continue
        if o.now - good_since >= needed:
            cause = Cause(Reason.FAILBACK, s.active.node, s.active.node_uid)
            return open_move(o, s, cause, s.places, target=view)
    return None


def _active_view(s: Situation) -> NodeView | None:
    """The active node, if it can take more; a lone address has none."""
    view = s.view(s.active.node) if s.active is not None else None
    return view if view is not None and s.can_take(view) else None


def _enforced_this_hour(o: Observation) -> int:
    return sum(
        move.cause in ENFORCED
        and move.attempts > 0
        and seconds_since(o, move) < o.timings.hour_seconds
        for move in o.resource.status.moves
    )


def _seen_once(o: Observation, places: Sequence[Place]) -> Decision | None:
    """Wait for a second read, 30 s after the first; None when there was one."""
    apart = o.timings.two_reads_apart_seconds
    for place in places:
        if place.track is None or place.track.ready is False:
            return hold(
                Reason.SWITCH_UNDER_WAY,
                f"Robot is switching {place.address.text}",
                o.timings.resync_seconds,
            )
        if not place.track.held_for(apart, float("-inf")):
            message = f"{place.address.text}: reading the route twice before it counts"
            decision = hold(Reason.ROUTE_READ_ONCE, message, o.timings.busy_resync_seconds)
            return replace(decision, read_routes_at=place.track.since + apart)
    return None


def steady(o: Observation, s: Situation) -> Decision:
    """Nothing to do; look again soon while somebody's health is not settled."""
    t = o.timings
    settling = any(view.selected and view.health.verdict is Verdict.UNCLEAR for view in s.views)
    recheck = t.busy_resync_seconds if settling else t.resync_seconds
    if s.active is None or s.active.health.verdict is not Verdict.POSITIVE:
        node = s.active.node if s.active is not None else ""
        return hold(Reason.ACTIVE_NODE_UNCLEAR, f"no recent sign of life of {node}", recheck)
    return hold(Reason.ON_HEALTHY_NODE, f"routed to {s.active.node}", recheck)


# Order is meaning: each line may rely on the lines above it having said nothing.
CHECKS: tuple[Check, ...] = (
    conflicting,
    not_claimed,
    window_too_short,
    open_intent,
    deleting,
    paused,
    route_unknown,
    answer_request,
    storm,
    active_node_failed,
    mapping_lost,
    active_node_leaving,
    group_split,
    routed_nowhere,
    foreign_server,
    fail_back,
)

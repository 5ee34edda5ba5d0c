"""An open intent, from its first request to its end (design 5, Outcome).

The order matters: a confirmed switch is confirmed whatever else holds; a failed target ends it
only when nothing of it can still take effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from failoverip.core.causes import CauseState, judge_cause
from failoverip.core.decision import AdoptIntent, Attempt, CloseIntent, Decision
from failoverip.core.gates import evidence_gate, hold, shut_gate
from failoverip.core.health import Verdict
from failoverip.core.memory import IntentMemory, remember_intent
from failoverip.core.moves import describe
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, IntentRoute, Mode, MoveResult
from failoverip.core.situation import Situation

ROUNDS_BEFORE_PARTIAL = 3
ROUNDS_BEFORE_FAILED = 6


@dataclass(frozen=True, slots=True)
class Following:
    """An intent with what is known of its routes, without those of addresses that left the spec."""

    o: Observation
    s: Situation
    intent: Intent
    memory: IntentMemory
    confirmed: tuple[IntentRoute, ...]
    refused: tuple[IntentRoute, ...]
    pending: tuple[IntentRoute, ...]


def follow_intent(o: Observation, s: Situation, intent: Intent) -> Decision:
    """The next step of an open intent: wait, ask again, or close it."""
    fence = o.resource.status.fence
    if fence is not None and intent.epoch != fence.epoch:
        adopted = replace(intent, epoch=fence.epoch)
        return Decision(
            AdoptIntent(adopted), Reason.ADOPTED, f"following the switch to {intent.node}", 0.0
        )
    f = _look(o, s, intent)
    return (
        _nothing_left(f)
        or _confirmed(f)
        or _under_way(f)
        or _exhausted(f)
        or _kept_back(f)
        or _abandoned(f)
        or _confirming(f)
        or _waiting(f)
        or _gated(f)
        or _taken_away(f)
        or _attempt(f)
    )


def _look(o: Observation, s: Situation, intent: Intent) -> Following:
    memory = o.memory
    if memory is None or memory.intent_id != intent.id:
        memory = remember_intent(intent, o.now)
    confirmed, refused, pending = [], [], []
    wanted = {address.key for address in s.policy.addresses}
    for route in intent.routes:
        if route.address.key not in wanted:
            continue
        if is_confirmed(o, memory, route):
            confirmed.append(route)
        elif memory.route(route.address.key).refused is not None:
            refused.append(route)
        else:
            pending.append(route)
    return Following(o, s, intent, memory, tuple(confirmed), tuple(refused), tuple(pending))


def is_confirmed(o: Observation, memory: IntentMemory, route: IntentRoute) -> bool:
    """At the target and `ready`; where Robot does not say, two equal reads 30 s apart.

    Without `ready` the reads count only after our own request ended: until then we know that the
    switch still runs, whatever the route shows.
    """
    track = o.account.routes.get(route.address.key)
    if track is None or track.target != route.to or track.ready is False:
        return False
    if track.ready:
        return True
    sent = memory.route(route.address.key)
    if sent.in_flight:
        return False
    # The answer to the request itself may be the first of the two reads.
    after = sent.last_ended_at if sent.last_ended_at is not None else float("-inf")
    return track.held_for(o.timings.two_reads_apart_seconds, after)


def _nothing_left(f: Following) -> Decision | None:
    """The spec has none of its addresses any more, which only a CRD without rule F8 lets happen."""
    if f.confirmed or f.refused or f.pending:
        return None
    return _abandon(f, Reason.CAUSE_GONE)


def _confirmed(f: Following) -> Decision | None:
    if f.refused or f.pending:
        return None
    return _close(f, MoveResult.CONFIRMED, Reason.CONFIRMED, f"routed to {f.intent.node}")


def _under_way(f: Following) -> Decision | None:
    if not f.memory.in_flight:
        return None
    return _wait(f, Reason.SWITCHING, f"Robot is switching to {f.intent.node}")


def _exhausted(f: Following) -> Decision | None:
    """Nothing is left to try: refused, rounds used up, or the target may not carry it."""
    unfit = _target_unfit(f) and _settled(f)
    # A route that shows the target wants another read, not an end.
    if f.pending and not (_to_ask(f) and (_rounds_used(f) or unfit)):
        return None
    if f.confirmed:
        names = ", ".join(route.address.text for route in (*f.refused, *f.pending))
        return _close(f, MoveResult.PARTIAL, Reason.PARTIAL, f"{names} did not follow")
    if not f.pending:
        codes = {f.memory.route(r.address.key).refused for r in f.refused}
        told = ", ".join(sorted(refusal.code for refusal in codes if refusal))
        return _close(f, MoveResult.REFUSED, Reason.REFUSED, f"Robot refused: {told}")
    if _target_unfit(f):
        message = f"{f.intent.node} can no longer take it"
        return _close(f, MoveResult.FAILED, Reason.NODE_INELIGIBLE, message)
    return _close(
        f, MoveResult.FAILED, Reason.FAILED, f"not confirmed after {f.intent.attempts} attempts"
    )


def _kept_back(f: Following) -> Decision | None:
    """The last look has refused every request for a while: let another target be tried."""
    since = f.memory.broken_since
    if since is None or f.o.now - since < f.o.timings.broken_seconds or not _settled(f):
        return None
    result = MoveResult.PARTIAL if f.confirmed else MoveResult.FAILED
    return _close(f, result, Reason.INVARIANT_BROKEN, f.memory.broken or "")


def _rounds_used(f: Following) -> bool:
    return f.intent.attempts >= _round_limit(f) and _next_attempt_at(f) <= f.o.now


def _round_limit(f: Following) -> int:
    return ROUNDS_BEFORE_PARTIAL if f.confirmed else ROUNDS_BEFORE_FAILED


def _target_unfit(f: Following) -> bool:
    view = f.s.view(f.intent.node)
    return view is not None and view.node.uid == f.intent.node_uid and f.s.is_unfit(view)


def _abandoned(f: Following) -> Decision | None:
    reason = _abandon_reason(f)
    return None if reason is None else _abandon(f, reason)


def _abandon(f: Following, reason: Reason) -> Decision:
    if not _settled(f):
        return _wait(f, Reason.CONFIRMING, f"{reason.text} Robot may still switch")
    return _close(f, MoveResult.ABANDONED, reason, reason.text.rstrip("."))


def _abandon_reason(f: Following) -> Reason | None:
    view = f.s.view(f.intent.node)
    if f.o.cluster.listed_at is not None:
        if view is None or view.node.uid != f.intent.node_uid:
            return Reason.TARGET_FAILED
        moved = view.server_number not in (None, f.intent.server_number)
        if moved or view.health.verdict is Verdict.FAILED:
            return Reason.TARGET_FAILED
    if f.s.policy.mode is not Mode.ACTIVE:
        return Reason.NOT_ACTIVE
    if not f.confirmed and judge_cause(f.s, f.intent) is CauseState.GONE:
        return Reason.CAUSE_GONE
    return None


def _settled(f: Following) -> bool:
    return all(_route_settled(f, route) for route in f.intent.routes)


def _route_settled(f: Following, route: IntentRoute) -> bool:
    """Whether no request for this route can still take effect, as far as can be known."""
    sent = f.memory.route(route.address.key)
    if sent.in_flight:
        return False
    if sent.unsettled_since is None:
        return True
    track = f.o.account.routes.get(route.address.key)
    if track is None or track.seen_at <= sent.unsettled_since:
        return False
    if track.ready:
        return True
    t = f.o.timings
    # "Not ready" is the switch itself, or one of somebody else's: two such reads settle nothing.
    wait = t.two_reads_apart_seconds if track.ready is None else t.switching_at_most_seconds
    return track.held_for(wait, sent.unsettled_since)


def _confirming(f: Following) -> Decision | None:
    """Every pending route shows the target: another read confirms it, another request cannot."""
    if _to_ask(f):
        return None
    decision = _wait(f, Reason.CONFIRMING, f"routed to {f.intent.node}; reading it once more")
    due = [_second_read_at(f, route) for route in f.pending]
    return replace(decision, read_routes_at=min(due))


def _to_ask(f: Following) -> tuple[IntentRoute, ...]:
    """The pending routes that are not seen at their target."""
    return tuple(route for route in f.pending if not _at_target(f, route))


def _at_target(f: Following, route: IntentRoute) -> bool:
    track = f.o.account.routes.get(route.address.key)
    ended = f.memory.route(route.address.key).last_ended_at
    return (
        track is not None
        and track.target == route.to
        and track.ready is not False
        and (ended is None or track.seen_at >= ended)
    )


def _second_read_at(f: Following, route: IntentRoute) -> float:
    track = f.o.account.routes[route.address.key]
    ended = f.memory.route(route.address.key).last_ended_at
    since = track.since if ended is None else max(track.since, ended)
    return since + f.o.timings.two_reads_apart_seconds


def _waiting(f: Following) -> Decision | None:
    at = _next_attempt_at(f)
    if at <= f.o.now:
        return None
    message = f"asked Robot to route to {f.intent.node}; not confirmed yet"
    decision = _wait(f, Reason.CONFIRMING, message)
    return replace(
        decision, recheck_after_seconds=min(decision.recheck_after_seconds, at - f.o.now)
    )


def _next_attempt_at(f: Following) -> float:
    """Attempts wait 30, 60, 120, 300 s after the round before; an adopter's first does not.

    But an adopter waits out the last round like one of its own: it may still run.
    """
    ended = f.memory.round_ended_at
    if ended is None and f.intent.attempts >= _round_limit(f):
        ended = f.memory.followed_since
    if ended is None or f.intent.attempts == 0:
        return float("-inf")
    waits = f.o.timings.attempt_waits_seconds
    return ended + waits[min(f.intent.attempts, len(waits)) - 1]


def _gated(f: Following) -> Decision | None:
    """The target and the cause are judged on evidence that is fresh enough to act on."""
    why = f"switch to {f.intent.node}: {describe(f.intent.cause)}"
    reason = f.intent.cause.reason
    shut = shut_gate(f.o, f.s.policy, why, requests=len(_to_ask(f)), cause=reason)
    if shut is not None:
        return shut
    view = f.s.view(f.intent.node)
    if view is None or not f.s.can_take(view):
        return _wait(f, Reason.TARGET_UNCLEAR, f"no positive evidence of {f.intent.node}")
    if not f.confirmed and judge_cause(f.s, f.intent) is not CauseState.HOLDS:
        return _wait(f, Reason.CAUSE_UNCLEAR, f"cannot tell whether it still holds: {why}")
    return evidence_gate(f.o, why)


def _taken_away(f: Following) -> Decision | None:
    """Robot did what `drift: Enforce` asked and shows another target now: no duel.

    A new decision may try once more in this hour, then the address is `Contested`.
    """
    lost = [r.address.text for r in _to_ask(f) if f.memory.route(r.address.key).done]
    if f.intent.cause.reason is not Reason.FOREIGN_SERVER or not lost:
        return None
    message = f"{', '.join(lost)} was at {f.intent.node} and somebody else moved it again"
    result = MoveResult.PARTIAL if f.confirmed else MoveResult.ABANDONED
    return _close(f, result, Reason.CONTESTED, message)


def _attempt(f: Following) -> Decision:
    attempted = replace(
        f.intent,
        attempts=f.intent.attempts + 1,
        posted_at=f.intent.posted_at if f.intent.posted_at is not None else f.o.wall_seconds,
    )
    return Decision(
        Attempt(attempted, tuple(route.address.key for route in _to_ask(f))),
        Reason.ATTEMPT,
        f"asking Robot to route to {f.intent.node}",
        0.0,
    )


def _close(f: Following, result: MoveResult, reason: Reason, message: str) -> Decision:
    return Decision(CloseIntent(f.intent, result, not _settled(f)), reason, message, 0.0)


def _wait(f: Following, reason: Reason, message: str) -> Decision:
    """Look again soon, and read the route at the pace of an open switch."""
    t = f.o.timings
    decision = hold(reason, message, t.busy_resync_seconds)
    read_at = f.o.account.routes_read_at
    if not f.intent.attempts:
        return decision
    ended = f.memory.round_ended_at
    if ended is not None and not f.memory.in_flight and (read_at is None or read_at < ended):
        return replace(decision, read_routes_at=f.o.now)
    last = max(ended or f.memory.followed_since, f.memory.followed_since)
    if f.o.now - last > t.route_read_busy_for_seconds and not f.memory.in_flight:
        return decision
    due = f.o.now if read_at is None else read_at + t.route_read_busy_seconds
    return replace(decision, read_routes_at=due)

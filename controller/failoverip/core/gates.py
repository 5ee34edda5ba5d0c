"""The gates that stand before an intent is opened and again before every request to Robot.

A shut gate stops intents and requests, never reads. What is known decides first, and only then is
anything read again for it: a move that waits for its budget must not spend the reads as well.
"""

from __future__ import annotations

from dataclasses import replace

from failoverip.core.brakes import FREE, HELD_DOWN, is_held_down, moves_of_the_hour
from failoverip.core.decision import Decision, Hold, Refresh
from failoverip.core.observation import Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import Mode, Policy

# Moves that may use the reserve of writes: the active node cannot serve the address.
FAILED_NODE = frozenset({Reason.NODE_DELETED, Reason.NODE_NOT_READY, Reason.NODE_UNREACHABLE})


def hold(reason: Reason, message: str, recheck_after_seconds: float) -> Decision:
    """A decision to do nothing for now."""
    return Decision(Hold(), reason, message, recheck_after_seconds)


def shut_gate(
    o: Observation, policy: Policy, why: str, *, requests: int, cause: Reason
) -> Decision | None:
    """The first gate that is shut, as the decision to take instead; None when all are open.

    `why` says what the gate keeps back, `requests` how many requests the round needs, `cause` why
    they are wanted. Last comes `evidence_gate`, after what the caller judges on the evidence at
    hand.
    """
    return (
        _mode_gate(o, policy, why)
        or _storm_gate(o, policy, why, cause)
        or _brakes_gate(o, policy, why, cause)
        or _budget_gate(o, why, requests, for_failed_node=cause in FAILED_NODE)
    )


def _mode_gate(o: Observation, policy: Policy, why: str) -> Decision | None:
    if o.resource.deleting:
        return hold(Reason.DELETING, f"being deleted; {why}", o.timings.resync_seconds)
    if policy.mode is Mode.PAUSED:
        return hold(Reason.PAUSED, f"mode is Paused; {why}", o.timings.resync_seconds)
    if policy.mode is Mode.DRY_RUN:
        return hold(Reason.DRY_RUN, f"mode is DryRun; would act: {why}", o.timings.resync_seconds)
    return None


def storm_hold(o: Observation, policy: Policy) -> Decision | None:
    """While a storm holds, nothing moves that nobody asked for."""
    storm = o.storm.storm
    if storm is None or not o.storm.holds(o.now, policy.safety, o.timings):
        return None
    return hold(Reason.STORM_HOLD, storm.tell(), o.timings.busy_resync_seconds)


def _storm_gate(o: Observation, policy: Policy, why: str, cause: Reason) -> Decision | None:
    held = None if cause is Reason.SWITCH_REQUESTED else storm_hold(o, policy)
    return None if held is None else replace(held, message=f"{held.message}; waiting: {why}")


def _brakes_gate(o: Observation, policy: Policy, why: str, cause: Reason) -> Decision | None:
    """The moves of the hour, then the hold-down."""
    safety, t = policy.safety, o.timings
    if cause not in FREE and moves_of_the_hour(o) >= safety.max_moves_per_hour:
        message = f"moved {safety.max_moves_per_hour} times in this hour; waiting: {why}"
        return hold(Reason.MOVES_EXHAUSTED, message, t.resync_seconds)
    if cause in HELD_DOWN and is_held_down(o, safety):
        message = f"moved less than {safety.hold_down_seconds} s ago; waiting: {why}"
        return hold(Reason.HOLD_DOWN, message, t.resync_seconds)
    return None


def evidence_gate(o: Observation, why: str) -> Decision | None:
    """Lists and the route must be fresh; what is not is read again, if Robot may be asked."""
    t = o.timings
    if o.credentials is not None:
        return hold(o.credentials.reason, o.credentials.message, t.resync_seconds)
    stale_lists = not _within(o.now, o.cluster.listed_at, t.fresh_list_seconds)
    stale_routes = not _within(o.now, o.account.routes_read_at, t.fresh_route_seconds)
    if not stale_lists and not stale_routes:
        return None
    read_at = o.account.budget.read_at
    if stale_routes and read_at > o.now:
        trouble = o.account.trouble or Trouble(
            Reason.BUDGET_EXHAUSTED, "the reads of this hour are used up"
        )
        wait = min(read_at - o.now, t.resync_seconds)
        return hold(trouble.reason, f"{trouble.message}; waiting: {why}", wait)
    return Decision(
        Refresh(stale_lists, stale_routes), Reason.EVIDENCE_STALE, f"reading again: {why}", 0.0
    )


def _budget_gate(
    o: Observation, why: str, requests: int, *, for_failed_node: bool
) -> Decision | None:
    budget = o.account.budget
    left = budget.writes_left if for_failed_node else budget.free_writes_left
    if left >= requests and budget.write_at <= o.now:
        return None
    if o.account.trouble is not None:
        message = o.account.trouble.message
        reason = o.account.trouble.reason
    else:
        message = "the switches of this hour are used up but for the reserve"
        reason = Reason.BUDGET_EXHAUSTED
    return hold(reason, f"{message}; waiting: {why}", o.timings.resync_seconds)


def _within(now: float, then: float | None, seconds: float) -> bool:
    return then is not None and now - then <= seconds

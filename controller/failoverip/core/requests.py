"""The annotation switch-to: one move that the user asks for (design 6).

An answered request is never tried again and hides no later check; `NODE@anything` asks again.
"""

from __future__ import annotations

from dataclasses import replace

from failoverip.core.decision import Decision, Hold, OpenIntent, RefuseRequest
from failoverip.core.gates import hold
from failoverip.core.health import Verdict
from failoverip.core.moves import open_move
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Mode
from failoverip.core.situation import NodeView, Situation, still_settling


def answer_request(o: Observation, s: Situation) -> Decision | None:
    """Answer an unanswered request; None when there is none."""
    value = o.resource.switch_to
    answered = o.resource.status.switch_request
    if not value or (answered is not None and answered.value == value):
        return None
    decision = _answer(o, s, value)
    failed = s.active is not None and s.active.health.verdict is Verdict.FAILED
    if failed and isinstance(decision.action, Hold):
        return None  # A request that waits, say for budget, must not hold up a failover.
    return decision


def _answer(o: Observation, s: Situation, value: str) -> Decision:
    name = value.partition("@")[0]
    view = s.view(name)
    if view is None:
        return _refuse(value, Reason.UNKNOWN_NODE, f"switch-to {value!r}: no node of this name")
    number = view.server_number
    if number is not None and all(place.server_number == number for place in s.places):
        return _refuse(value, Reason.ALREADY_THERE, f"switch-to {name}: already there")
    eligibility = s.eligibility[view.node.uid]
    if eligibility is not Reason.ELIGIBLE:
        message = f"switch-to {name}: {eligibility.text.rstrip('.')} ({eligibility})"
        return _refuse(value, Reason.NODE_INELIGIBLE, message)
    if view.health.verdict is not Verdict.POSITIVE:
        if still_settling(o, view):
            return hold(Reason.EVIDENCE_STALE, f"switch-to {name}: waiting for a heartbeat", 1.0)
        return _refuse(value, Reason.NODE_UNHEALTHY, f"switch-to {name}: no sign of life")
    if not s.can_take(view):
        message = f"switch-to {name}: waiting for a heartbeat since the storm began"
        return hold(Reason.EVIDENCE_STALE, message, o.timings.busy_resync_seconds)
    if s.policy.mode is Mode.DRY_RUN:
        return _refuse(value, Reason.DRY_RUN, f"switch-to {name}: would switch; mode is DryRun")
    return _accept(o, s, view, value)


def _accept(o: Observation, s: Situation, view: NodeView, value: str) -> Decision:
    cause = Cause(Reason.SWITCH_REQUESTED)
    if s.active is not None:
        cause = replace(cause, node=s.active.node, node_uid=s.active.node_uid)
    decision = open_move(o, s, cause, s.places, target=view, requested=value)
    if isinstance(decision.action, Hold):
        # Accepted means that an intent opens; until a gate lets it, the request stays unanswered.
        return replace(decision, message=f"switch-to {view.node.name} waits: {decision.message}")
    if isinstance(decision.action, OpenIntent):
        return replace(decision, message=f"switch-to {view.node.name}: accepted")
    return decision


def _refuse(value: str, reason: Reason, message: str) -> Decision:
    return Decision(RefuseRequest(value), reason, message, 0.0)

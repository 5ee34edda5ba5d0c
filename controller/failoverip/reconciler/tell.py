"""Tell what happens: log lines and metrics. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection

from failoverip.clock import Clock
from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.decision import (
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    OpenIntent,
    Refresh,
)
from failoverip.core.gates import FAILED_NODE
from failoverip.core.observation import Observation
from failoverip.core.provider import (
    NotExecuted,
    OutcomeUnknown,
    Refused,
    SwitchAnswer,
)
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, MoveResult, Policy, Resource, RouteState, Status
from failoverip.core.situation import shows_life
from failoverip.log import get_logger
from failoverip.metrics import Metrics

_log = get_logger(__name__)


class Teller:
    """Remembers only what it needs to say things once and to measure how long they took."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._last: dict[str, tuple[Reason, str]] = {}
        # By intent: local times of its opening and of the first byte of its first request.
        self._opened_at: dict[str, float] = {}
        self._posted_at: dict[str, float] = {}

    def keep_only(self, resources: Collection[Resource]) -> None:
        """Forget what was told of all others, and of intents that are open no more."""
        names = {resource.name for resource in resources}
        open_ids = {r.status.intent.id for r in resources if r.status.intent is not None}
        self._last = {name: said for name, said in self._last.items() if name in names}
        self._opened_at = {i: at for i, at in self._opened_at.items() if i in open_ids}
        self._posted_at = {i: at for i, at in self._posted_at.items() if i in open_ids}

    def decided(self, o: Observation, decision: Decision) -> bool:
        """A decision, and whether it is news; what was said already is not logged again."""
        name = o.resource.name
        self._metrics.second_installation(name, seen=decision.reason is Reason.SECOND_INSTALLATION)
        policy = o.resource.policy
        if isinstance(policy, Policy):
            self._metrics.storm_hold(name, holds=o.storm.holds(o.now, policy.safety, o.timings))
        if isinstance(decision.action, Refresh):
            return False
        said = (decision.reason, decision.message)
        if self._last.get(name) == said:
            return False
        self._last[name] = said
        level = _log.debug if decision.reason is Reason.WINDOW_TOO_SHORT else _log.info
        level(
            "decided",
            resource=name,
            action=type(decision.action).__name__,
            reason=decision.reason.value,
            detail=decision.message,
            **self._of_intent(_intent_of(o, decision)),
        )
        return True

    def rendered(self, o: Observation, status: Status) -> None:
        """The status as it is now, written or unchanged."""
        name = o.resource.name
        self._metrics.addresses_routed(name, status.addresses)
        for entry in status.addresses:
            track = o.account.routes.get(entry.address.key)
            if track is not None:
                self._metrics.address_confirmed(name, entry.address.text, track.seen_at)
            known = entry.node and entry.state is not RouteState.UNKNOWN
            healthy = shows_life(o, entry.node) if known else None
            self._metrics.address_healthy(name, entry.address.text, healthy=healthy)
        self._metrics.conditions_told(name, status.conditions)
        if o.cluster.listed_at is not None:
            self._metrics.candidates_counted(name, status.candidate_count, status.eligible_count)
        ready = next((c for c in status.conditions if c.type == "Ready"), None)
        if ready is not None:
            reason = self._last.get(name, (ready.reason, ""))[0]
            self._metrics.resource_decided(name, reason, ready=ready.status == "True")
        if status.intent is None:
            self._metrics.intent_closed(name)
        else:
            self._metrics.intent_open(name, status.intent.attempts)

    def opened(self, o: Observation, intent: Intent) -> None:
        """An intent is recorded: measure how long its cause took to be found."""
        self._opened_at[intent.id] = o.now
        seen = o.cluster.traces.get(intent.cause.node_uid)
        if intent.cause.reason in FAILED_NODE and seen is not None:
            silent_since = seen.changed_at if seen.changed_at is not None else seen.same_since
            self._metrics.move_detected(o.now - silent_since)

    def posting(self, intent: Intent, address: AddressKey, target: TargetAddress) -> None:
        """The first byte of a request is about to leave."""
        now = self._clock.now()
        if intent.id not in self._posted_at:
            self._posted_at[intent.id] = now
            if intent.id in self._opened_at:
                self._metrics.move_posted(now - self._opened_at[intent.id])
        _log.info(
            "asking robot to switch",
            address=address,
            target=target,
            reason=Reason.ATTEMPT.value,
            **self._of_intent(intent),
        )

    def answered(self, intent: Intent, address: AddressKey, answer: SwitchAnswer) -> None:
        """A request to switch ended."""
        detail = ""
        if isinstance(answer, NotExecuted | OutcomeUnknown):
            detail = f"{answer.reason.fault.value}: {answer.reason.detail}"
        if isinstance(answer, Refused):
            detail = f"{answer.code}: {answer.detail}"
        _log.info(
            "robot answered",
            address=address,
            answer=type(answer).__name__,
            detail=detail,
            **self._of_intent(intent),
        )

    def closed(self, o: Observation, close: CloseIntent, reason: Reason) -> None:
        """An intent ended."""
        intent = close.intent
        self._metrics.move_ended(intent.cause.reason, close.result)
        posted_at = self._posted_at.pop(intent.id, None)
        if close.result is MoveResult.CONFIRMED and posted_at is not None:
            self._metrics.move_confirmed(o.now - posted_at)
        self._opened_at.pop(intent.id, None)
        _log.info(
            "switch ended",
            resource=o.resource.name,
            result=close.result.value,
            reason=reason.value,
            addresses=", ".join(route.address.text for route in intent.routes),
            unsettled=close.unsettled,
            **self._of_intent(intent),
        )

    def _of_intent(self, intent: Intent | None) -> dict[str, object]:
        if intent is None:
            return {}
        return {
            "intent": intent.id,
            "epoch": intent.epoch,
            "node": intent.node,
            "attempts": intent.attempts,
            "cause": intent.cause.reason.value,
        }


def _intent_of(o: Observation, decision: Decision) -> Intent | None:
    """The intent that a decision opens or goes on with, else the open one."""
    match decision.action:
        case OpenIntent(intent=intent) | AdoptIntent(intent=intent) | Attempt(intent=intent):
            return intent
        case _:
            return o.resource.status.intent

"""The last look: the invariants, judged before an attempt is recorded and again before its POST.

A refusal is told, counted, and tried again with the facts of the next pass. Before the record it
uses up no attempt. After five minutes of nothing else the switch is closed as Failed, so that its
target is barred and another one may be tried: a check that is wrong must not end failover for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.decision import Attempt, Decision
from failoverip.core.gates import hold
from failoverip.core.invariants import (
    BEFORE_POST,
    BEFORE_RECORD,
    ONLY_TOLD,
    Broken,
    Facts,
    Invariant,
    Spent,
)
from failoverip.core.memory import passed_invariants, refused_by_invariant, remember_intent
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, Resource
from failoverip.log import get_logger
from failoverip.reconciler.account import Account
from failoverip.reconciler.observe import Observer
from failoverip.reconciler.ports import Surroundings

_log = get_logger(__name__)


class LastLook:
    """Judges what is about to be sent, and remembers what it refused with the open intent."""

    def __init__(self, around: Surroundings, observer: Observer) -> None:
        self._observer = observer
        self._identity = around.leader.identity
        self._find_broken = around.find_broken
        self._metrics = around.metrics
        self._clock = around.clock
        self._timings = around.timings

    def before_record(self, o: Observation, decision: Decision) -> Decision:
        """The decision, or a hold in place of an attempt that would break an invariant."""
        account = self._observer.account_of(o.resource)
        if not isinstance(decision.action, Attempt) or not isinstance(account, Account):
            return decision
        intent, asked = decision.action.intent, targets_of(decision.action)
        facts = self._facts(o, intent, asked, account, unspent=len(asked))
        self._judge(facts, ONLY_TOLD)
        broken = self._judge(facts, BEFORE_RECORD)
        if broken is None:
            return decision
        self._refuse(o, intent, broken)
        return hold(Reason.INVARIANT_BROKEN, broken.message, self._timings.busy_resync_seconds)

    def before_post(
        self, o: Observation, stored: Resource, attempt: Attempt, account: Account
    ) -> bool:
        """Whether the recorded attempt may be sent. `stored` is what the API server answered."""
        after = replace(o, resource=stored)
        facts = self._facts(after, attempt.intent, targets_of(attempt), account, unspent=0)
        broken = self._judge(facts, BEFORE_POST)
        uid = o.resource.uid
        if broken is not None:
            self._refuse(o, attempt.intent, broken)
        elif uid in self._observer.memories:
            self._observer.memories[uid] = passed_invariants(self._observer.memories[uid])
        return broken is None

    def _facts(
        self,
        o: Observation,
        intent: Intent,
        asked: Mapping[AddressKey, TargetAddress],
        account: Account,
        *,
        unspent: int,
    ) -> Facts:
        ledger = account.ledger
        spent = Spent(ledger.reads, ledger.writes, ledger.failed_logins, account.addresses)
        return Facts(o, intent, asked, spent, unspent, self._identity)

    def _judge(self, facts: Facts, judged: Mapping[str, Invariant]) -> Broken | None:
        broken = self._find_broken(facts, judged)
        if broken is not None:
            self._metrics.invariant_broken(broken.invariant)
        return broken

    def _refuse(self, o: Observation, intent: Intent, broken: Broken) -> None:
        uid = o.resource.uid
        memory = self._observer.memories.get(uid) or remember_intent(intent, o.now)
        if memory.broken != broken.message:
            _log.error(
                "request refused",
                resource=o.resource.name,
                reason=Reason.INVARIANT_BROKEN.value,
                intent=intent.id,
                detail=broken.message,
            )
        self._observer.memories[uid] = refused_by_invariant(
            memory, broken.message, self._clock.now()
        )


def targets_of(attempt: Attempt) -> dict[AddressKey, TargetAddress]:
    """Where each address of the round shall go."""
    targets = {route.address.key: route.to for route in attempt.intent.routes}
    return {address: targets[address] for address in attempt.addresses}

"""Apply: perform exactly one action. Nothing here decides."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.decision import (
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    Hold,
    OpenIntent,
    RefuseRequest,
)
from failoverip.core.events import note_of_second_installation, notes_of
from failoverip.core.ledger import LoginMode
from failoverip.core.memory import answered, remember_intent, sent
from failoverip.core.observation import Claim, Observation
from failoverip.core.provider import CannotTell, Fault, NotExecuted, OutcomeUnknown, SwitchAnswer
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, Policy, Resource, Status
from failoverip.core.status import render_status
from failoverip.log import get_logger
from failoverip.reconciler.account import Account
from failoverip.reconciler.accounts import Accounts
from failoverip.reconciler.announce import Announcer
from failoverip.reconciler.last_look import LastLook, targets_of
from failoverip.reconciler.ledgers import LedgerBook
from failoverip.reconciler.lists import Lists
from failoverip.reconciler.observe import Observer
from failoverip.reconciler.ports import Surroundings
from failoverip.reconciler.tell import Teller

_log = get_logger(__name__)

# These say nothing about the resource, only about this moment: not worth a write.
UNTOLD = frozenset({Reason.NOT_CLAIMED, Reason.WINDOW_TOO_SHORT, Reason.EVIDENCE_STALE})


class Applier:
    """The hands of the loop: status writes, and requests to Robot behind them."""

    def __init__(
        self,
        around: Surroundings,
        observer: Observer,
        lists: Lists,
        accounts: Accounts,
        book: LedgerBook,
        announcer: Announcer,
    ) -> None:
        self._kubernetes = around.kubernetes
        self._observer = observer
        self._lists = lists
        self._accounts = accounts
        self._book = book
        self._leader = around.leader
        self._announcer = announcer
        self._last_look = LastLook(around, observer)
        self._teller = Teller(around.clock, around.metrics)
        self._clock = around.clock
        self._timings = around.timings
        self._wake = around.wake
        self._requests: set[asyncio.Task[None]] = set()
        # By UID: the intent that was closed last, or is being closed.
        self._closed: dict[str, str] = {}
        self._stopped = False

    async def stop(self) -> None:
        """Send nothing more. A switch under way goes on at Robot; a successor follows it."""
        self._stopped = True
        for task in self._requests:
            task.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)

    def keep_only(self, resources: Collection[Resource]) -> None:
        """Forget what was told of all others."""
        self._teller.keep_only(resources)
        present = {resource.uid for resource in resources}
        self._closed = {uid: closed for uid, closed in self._closed.items() if uid in present}

    async def apply(self, o: Observation, decision: Decision) -> bool:
        """Perform the action; whether the resource should be looked at again at once.

        KubeError when the API server did not take a write: nothing after it was done.
        """
        decision = self._last_look.before_record(o, decision)
        if self._teller.decided(o, decision) and o.claim is Claim.SECOND_INSTALLATION:
            # Nothing is written to the resource, so no change of its status tells it.
            self._tell_second_installation(o, decision)
        match decision.action:
            case Hold():
                await self._record(o, decision)
                return False
            case Attempt() as attempt:
                return await self._attempt(o, decision, attempt)
            case OpenIntent(intent=intent) | AdoptIntent(intent=intent):
                await self._record(o, decision)
                self._teller.opened(o, intent)
                return True
            case CloseIntent() as close:
                # A request whose connection still opens must not leave after its outcome was told.
                self._closed[o.resource.uid] = close.intent.id
                await self._record(o, decision)
                self._teller.closed(o, close, decision.reason)
                return True
            case RefuseRequest():
                await self._record(o, decision)
                return True
            case _:
                return False

    async def _record(self, o: Observation, decision: Decision) -> Resource:
        """Write the status that belongs to the decision, if it says something new."""
        resource = o.resource
        if o.claim in (Claim.NOT_CLAIMED, Claim.SECOND_INSTALLATION) or decision.reason in UNTOLD:
            return resource
        status = render_status(o, decision)
        self._teller.rendered(o, status)
        if status == resource.status:
            return resource
        stored = await self._kubernetes.write_status(resource, status)
        self._lists.keep(stored)
        self._announce(o, status, decision)
        return stored

    def _tell_second_installation(self, o: Observation, decision: Decision) -> None:
        note = note_of_second_installation(decision)
        self._announcer.tell(o.resource, (note,), {}, self._clock.wall())

    def _announce(self, o: Observation, status: Status, decision: Decision) -> None:
        uids = {node.name: node.uid for node in o.cluster.nodes}
        notes = notes_of(o.resource.status, status, decision)
        self._announcer.tell(o.resource, notes, uids, self._clock.wall())

    async def _attempt(self, o: Observation, decision: Decision, attempt: Attempt) -> bool:
        """Record the attempt, then its writes in the ledger with a renewal, then ask Robot."""
        account = self._observer.account_of(o.resource)
        policy = o.resource.policy
        if not isinstance(account, Account) or not isinstance(policy, Policy):
            return False
        if not await self._accounts.reread(policy.secret_name):
            return False
        stored = await self._record(o, decision)
        intent, uid = attempt.intent, o.resource.uid
        memory = sent(o.memory or remember_intent(intent, o.now), attempt.addresses)
        self._observer.memories[uid] = memory
        if not await self._spend(account, len(attempt.addresses)):
            self._settle_unsent(uid, attempt, account, _NOT_SENT)
            return False
        if not self._last_look.before_post(o, stored, attempt, account):
            self._settle_unsent(uid, attempt, account, _REFUSED)
            return False
        for address, target in targets_of(attempt).items():
            task = asyncio.create_task(self._request(uid, intent, address, target, account))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)
        return False

    async def _spend(self, account: Account, requests: int) -> bool:
        """Count the requests on the Lease before they are sent."""
        now, ledger = self._clock.now(), account.ledger
        if ledger.login_verdict(now, account.secret_version).mode is not LoginMode.KNOWN:
            return False
        for _ in range(requests):
            ledger = ledger.record_write(now)
        return await self._book.commit(account.name, ledger)

    def _settle_unsent(
        self, uid: str, attempt: Attempt, account: Account, answer: NotExecuted
    ) -> None:
        for address in attempt.addresses:
            self._settle(uid, attempt.intent, address, account, answer, self._clock.now())

    async def _request(
        self,
        uid: str,
        intent: Intent,
        address: AddressKey,
        target: TargetAddress,
        account: Account,
    ) -> None:
        told = False

        def may_send() -> bool:
            """The last look, on an open connection, before the first byte leaves."""
            nonlocal told
            why = self._why_not(uid, intent, account)
            if why:
                _log.warning("request not sent", address=address, why=why)
            elif not told:
                told = True
                self._teller.posting(intent, address, target)
            return not why

        asked_at = self._clock.now()
        try:
            answer = await account.robot.switch(address, target, may_send)
        except Exception as error:
            # A defect of ours: without an end the switch would count as under way for ever.
            _log.exception("switch broke off", exc=error, address=address)
            answer = OutcomeUnknown(CannotTell(Fault.GARBLED, type(error).__name__))
        self._settle(uid, intent, address, account, answer, asked_at)
        self._wake()

    def _why_not(self, uid: str, intent: Intent, account: Account) -> str:
        """Why the first byte of a request may not leave now, empty where it may."""
        if self._stopped:
            return "the operator stops"
        if self._leader.window_left_seconds() < self._timings.window_seconds:
            return "too little of the lease is left"
        if account.route_age_seconds > self._timings.sent_route_seconds:
            return "the route was read too long ago"
        if account.is_login_held:
            return "another request learned meanwhile that the login fails"
        if self._closed.get(uid) == intent.id:
            return "a read confirmed the switch meanwhile, whoever did it"
        return ""

    def _settle(
        self,
        uid: str,
        intent: Intent,
        address: AddressKey,
        account: Account,
        answer: SwitchAnswer,
        asked_at: float,
    ) -> None:
        account.switch_answered(answer, asked_at)
        self._teller.answered(intent, address, answer)
        memory = self._observer.memories.get(uid)
        if memory is not None and memory.intent_id == intent.id:
            self._observer.memories[uid] = answered(memory, address, answer, self._clock.now())


_REFUSED = NotExecuted(CannotTell(Fault.INVARIANT, "not sent: it would have broken an invariant"))
_NOT_SENT = NotExecuted(
    CannotTell(Fault.WINDOW_SHUT, "not sent: the lease could not be renewed first")
)

"""The one reconcile task: observe -> decide -> apply, for every resource, again and again.

Level-triggered: woken by a watch, by an answer of Robot, and at the latest every 10 s. Requests
to Robot run beside it: a slow account never holds up the resources of another.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TypeAlias

from failoverip.core.decision import CloseIntent, Decision, Hold, Refresh
from failoverip.core.ledger import RESERVED_READS, reserved_writes
from failoverip.core.observation import Claim, Observation
from failoverip.core.resource import Policy, Resource
from failoverip.core.situation import SITUATIONS_KEPT
from failoverip.kube import Conflict, Invalid, KubeError, NotFound
from failoverip.log import get_logger
from failoverip.reconciler.account import Account
from failoverip.reconciler.accounts import Accounts
from failoverip.reconciler.announce import Announcer
from failoverip.reconciler.apply import Applier
from failoverip.reconciler.claims import Claims
from failoverip.reconciler.endpoints import Endpoints
from failoverip.reconciler.ledgers import LedgerBook
from failoverip.reconciler.lists import Lists
from failoverip.reconciler.mappings import Mappings
from failoverip.reconciler.observe import Observer
from failoverip.reconciler.ports import LostLeadershipError, RobotFactory, Surroundings
from failoverip.reconciler.reading import Reading
from failoverip.reconciler.turns import Turns

_log = get_logger(__name__)

# One resource may take this many steps in one pass (refresh, open, attempt): then the others.
STEPS_PER_PASS = 8
# Somebody else wrote: look at once, but not in a hot loop against a busy writer.
CONFLICT_PAUSE_SECONDS = 0.2
# What was seen at the begin of a pass is told as it was, unless this long has passed since.
LOOK_SECONDS = 1.0
# Thousands of resources are looked at twice: what is seen of all of them would take much memory.
# Of no more it is remembered what it means.
LOOKS_KEPT = SITUATIONS_KEPT

Look: TypeAlias = tuple[Observation, Decision]


class Reconciler:
    """Runs while this process leads."""

    def __init__(
        self,
        around: Surroundings,
        robot_factory: RobotFactory,
        namespace: str,
        lease: str,
        book: LedgerBook,
    ) -> None:
        self._clock = around.clock
        self._timings = around.timings
        self._metrics = around.metrics
        self._wake = around.wake
        self._decide = around.decide
        self._changed = True
        self._announcer = Announcer(around.kubernetes)
        self._turns = Turns()
        # By resource name: the last write that failed and was told; not again at each pass.
        self._refused: dict[str, str] = {}
        self._claims = Claims(around, lease)
        self._lists = Lists(around, self._claims)
        self._accounts = Accounts(around, robot_factory, namespace, book)
        self._mappings = Mappings(around.timings.mapping_grace_seconds)
        self._endpoints = Endpoints(around.kubernetes, around.clock)
        self._observer = Observer(
            around,
            self._lists,
            self._accounts,
            self._claims,
            self._mappings,
            self._endpoints,
        )
        self._reading = Reading(around, self._lists, self._accounts, self._observer)
        self._applier = Applier(
            around, self._observer, self._lists, self._accounts, book, self._announcer
        )

    async def run(self, woken: asyncio.Event) -> None:
        """Reconcile for ever. LostLeadershipError when somebody else leads."""
        telling = asyncio.create_task(self._announcer.run())
        try:
            while True:
                woken.clear()
                wait_seconds = await self.reconcile(woken)
                try:
                    async with asyncio.timeout(wait_seconds):
                        await woken.wait()
                except TimeoutError:
                    self._changed = True
        finally:
            telling.cancel()

    def changed(self) -> None:
        """A watch saw something: the lists that are known tell no longer how things are."""
        self._changed = True
        self._wake()

    def resource_version(self, name: str) -> str:
        """Of the resource as it is known, empty when it is not: tells our own writes apart."""
        resource = self._lists.resources.get(name)
        return "" if resource is None else resource.resource_version

    @property
    def listed_once(self) -> bool:
        """Whether nodes were listed since this process leads."""
        return self._lists.cluster.listed_at is not None

    async def stop(self) -> None:
        """End what runs beside the loop."""
        await self._reading.stop()
        await self._applier.stop()

    async def reconcile(self, woken: asyncio.Event) -> float:
        """One pass; returns after how many seconds the next one is due.

        Who has something to do goes first. The others, of whom there is at most news to tell, go
        in turn, and no further once `woken` is set: what woke us must not wait for them.
        """
        t = self._timings
        listed = await self._list_if_needed()
        self._forget_gone()
        await self._prepare_accounts()
        wait_seconds = t.resync_seconds if listed else t.busy_resync_seconds
        looks: dict[str, Look] = {}
        has_something_to_do = partial(self._has_something_to_do, looks)
        urgent, others = self._turns.order(self._lists.resources, has_something_to_do)
        for name in urgent:
            wait_seconds = min(wait_seconds, await self._reconcile_resource(name))
        for name in others:
            # Nothing was done since the look, so there is no need for another one.
            look = None if urgent else looks.get(name)
            wait_seconds = min(wait_seconds, await self._reconcile_resource(name, look))
            self._turns.served(name)
            # A switch that was begun runs beside this task, and it must not wait either.
            await asyncio.sleep(0)
            if woken.is_set():
                break
        self._reading.start_due()
        if not woken.is_set():
            # Last: nothing urgent waits for it.
            await self._endpoints.refresh()
        return min(wait_seconds, self._reading.next_in_seconds())

    async def _list_if_needed(self) -> bool:
        """Whether the lists are good. An answer of Robot alone makes no fresh ones old."""
        age = self._clock.now() - (self._lists.cluster.listed_at or float("-inf"))
        if not self._changed and age < self._timings.busy_resync_seconds:
            return True
        self._changed = False
        listed = await self._lists.sync()
        self._changed = self._changed or not listed
        return listed

    def _forget_gone(self) -> None:
        """Nothing is remembered of resources that were deleted."""
        resources = self._lists.resources.values()
        for name in set(self._refused) - set(self._lists.resources):
            del self._refused[name]
        self._claims.keep_only(resources)
        self._applier.keep_only(resources)
        self._observer.keep_only({resource.uid for resource in resources})
        self._reading.keep_only(self._lists.resources)

    def _has_something_to_do(self, looks: dict[str, Look], name: str) -> bool:
        """What is seen where there is at most news to tell is kept in `looks`."""
        resource = self._lists.resources[name]
        if self._claims.state(resource) is not Claim.HELD:
            return True
        try:
            look = self._look(resource)
        except Exception:
            return True  # its own step meets the same defect, and tells it
        _, decision = look
        if not isinstance(decision.action, Hold):
            return True
        if len(looks) < LOOKS_KEPT:
            looks[name] = look
        return False

    def _look(self, resource: Resource) -> Look:
        o = self._observer.observe(resource)
        return o, self._decide(o)

    async def _reconcile_resource(self, name: str, look: Look | None = None) -> float:
        """Step one resource until there is nothing to do at once; its errors stay with it."""
        t = self._timings
        try:
            for _ in range(STEPS_PER_PASS):
                resource = self._lists.resources.get(name)
                if resource is None:
                    return t.resync_seconds
                again, decision = await self._step(resource, look)
                look = None
                if not again:
                    self._refused.pop(name, None)
                    return decision.recheck_after_seconds or t.busy_resync_seconds
        except KubeError as error:
            return self._write_failed(name, error)
        except LostLeadershipError:
            raise
        except Exception as error:
            self._metrics.reconcile_failed(type(error).__name__)
            _log.exception("resource not reconciled", exc=error, resource=name)
        return t.busy_resync_seconds

    async def _step(self, resource: Resource, look: Look | None) -> tuple[bool, Decision]:
        if look is None or self._clock.now() - look[0].now > LOOK_SECONDS:
            look = self._look(await self._claimed(resource))
        o, decision = look
        resource = o.resource
        self._reading.want(resource, decision)
        if isinstance(decision.action, Refresh):
            return await self._refresh(resource, decision.action), decision
        again = await self._applier.apply(o, decision)
        if isinstance(decision.action, CloseIntent) and decision.action.unsettled:
            self._reading.look_after_close(resource)
        return again, decision

    async def _claimed(self, resource: Resource) -> Resource:
        if self._claims.state(resource) is not Claim.HELD:
            resource = await self._claims.ensure(resource)
            self._lists.keep(resource)
            await self._claims.prove(resource)
        return resource

    async def _refresh(self, resource: Resource, refresh: Refresh) -> bool:
        """Read again what a gate found stale; whether to decide again at once."""
        account = self._observer.account_of(resource)
        if refresh.routes and isinstance(account, Account):
            self._reading.read_now(account)
        fresh = await self._lists.sync() if refresh.lists else True
        return fresh and not refresh.routes

    def _write_failed(self, name: str, error: KubeError) -> float:
        """What the next list shows decides; only a refusal by the fence ends this leader."""
        self._metrics.reconcile_failed(type(error).__name__)
        if isinstance(error, NotFound):
            self._lists.forget(name)
        elif isinstance(error, Invalid) and error.is_fence_refusal:
            raise LostLeadershipError(f"{name}: {error}") from error
        elif isinstance(error, Conflict):
            return CONFLICT_PAUSE_SECONDS
        elif self._refused.get(name) != str(error):
            self._refused[name] = str(error)
            _log.warning("write failed", resource=name, error=str(error))
        return self._timings.busy_resync_seconds

    async def _prepare_accounts(self) -> None:
        """Secrets that are due, and per account how many addresses its reserve must cover."""
        policies = [
            resource.policy
            for resource in self._lists.resources.values()
            if isinstance(resource.policy, Policy)
        ]
        await self._accounts.refresh(policy.secret_name for policy in policies)
        counted: dict[str, int] = {}
        for policy in policies:
            account = self._accounts.of(policy.secret_name)
            if isinstance(account, Account):
                counted[account.name] = counted.get(account.name, 0) + len(policy.addresses)
        nodes, now = self._lists.cluster.nodes, self._clock.now()
        for account in self._accounts.all:
            account.addresses = counted.get(account.name, 0)
            if account.servers is not None:
                self._mappings.note(account.name, nodes, account.servers, now)
            self._tell_budget(account, now)

    def _tell_budget(self, account: Account, now: float) -> None:
        ledger = account.ledger
        writes = ledger.writes_left(now, for_failed_node=True, addresses=account.addresses)
        self._metrics.budget_left(account.name, "write", writes, reserved_writes(account.addresses))
        reads = ledger.reads_left(now, pressing=True)
        self._metrics.budget_left(account.name, "read", reads, RESERVED_READS)

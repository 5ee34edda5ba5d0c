"""The operator's doors without a guard: what it hands to them, or gets from them, is let through.

Only what a door of its own can leave out; what is decided is left out by `blindfolds`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from functools import partial

from failoverip.clock import Clock
from failoverip.core.lease import LeaseRecord
from failoverip.core.ledger import Ledger
from failoverip.core.ledgers import Ledgers
from failoverip.core.resource import Intent, Resource, Status
from failoverip.core.timings import Timings
from failoverip.kube import DEFAULT_TIMEOUT_SECONDS, Conflict, Invalid, Kubernetes, NewestList
from failoverip.reconciler.ledgers import LedgerBook
from failoverip.reconciler.ports import Leader
from failoverip.simulator.world.guards import (
    FAILED_LOGINS,
    FENCE,
    INTENT_FIRST,
    LEASE_WINDOW,
    LEDGER,
    LEDGER_LIMIT,
    LOCK,
    NEWEST_LISTS,
    RENEWAL,
    REQUEST_DEADLINE,
    SECOND_INSTALLATION,
    SENT_ROUTE,
)
from failoverip.simulator.world.links import ApiLink
from failoverip.simulator.world.replica import Replica

_LEASE_SECONDS = 15.0


def open_doors(replica: Replica, off: Collection[str]) -> None:
    """Leave these guards out of a replica that has not begun."""
    doors = replica.doors
    if not {FENCE, LOCK, SECOND_INSTALLATION, INTENT_FIRST, NEWEST_LISTS}.isdisjoint(off):
        doors.kubernetes = partial(LooseKubernetes, namespace=replica.namespace, off=off)
    if not {RENEWAL, LEASE_WINDOW}.isdisjoint(off):
        doors.leader = partial(LooseLeader, off=off)
    doors.keeps_lost_lease = LEASE_WINDOW in off
    if not {LEDGER, LEDGER_LIMIT, FAILED_LOGINS}.isdisjoint(off):
        doors.book = partial(LooseBook, off=off)
    if SENT_ROUTE in off:
        doors.timings = replace(Timings(), sent_route_seconds=float("inf"))
    if REQUEST_DEADLINE in off:
        replica.way.deadline_seconds = float("inf")


class AnyList(NewestList):
    """None is too old."""

    def take(self, path: str, version: int, floor: int, present: int, now: float) -> None:
        """Whatever it is."""


class LooseKubernetes(Kubernetes):
    """Takes every resource that it once wrote for its own, and writes over whatever is there.

    Without the fence: believes that its rules are kept. Without resource versions: a conflict is
    no reason not to write. Without the second installation: finds no Lease outside its namespace.
    Without the intent first: keeps an open intent to itself. Without the newest lists: takes any.
    """

    def __init__(
        self, client: ApiLink, identity: str, namespace: str, off: Collection[str]
    ) -> None:
        super().__init__(client, identity)
        if NEWEST_LISTS in off:
            self._newest = {path: AnyList() for path in self._newest}
        self._identity_here = identity
        self._namespace = namespace
        self._off = off
        self._written: set[str] = set()
        self._kept: dict[str, Intent | None] = {}

    async def list_failoverips(
        self, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> tuple[Resource, ...]:
        """As they seem to it."""
        listed = await super().list_failoverips(timeout_seconds)
        return tuple(self._seen(resource) for resource in listed)

    async def get_lease(
        self, namespace: str, name: str, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> LeaseRecord | None:
        """None of another installation."""
        if SECOND_INSTALLATION in self._off and namespace != self._namespace:
            return None
        return await super().get_lease(namespace, name, timeout_seconds)

    async def write_status(
        self,
        resource: Resource,
        status: Status,
        *,
        dry_run: bool = False,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Resource:
        """Writes what the guards that are left let through."""
        if dry_run and FENCE in self._off:
            raise Invalid("F2 another leader has claimed it: nobody looks whether that is kept")
        written = replace(status, intent=None) if INTENT_FIRST in self._off else status
        stored = await self._store(resource, written, dry_run, timeout_seconds)
        if not dry_run:
            self._written.add(resource.uid)
            self._kept[resource.uid] = status.intent
        return self._seen(stored)

    async def _store(
        self, resource: Resource, status: Status, dry_run: bool, timeout_seconds: float
    ) -> Resource:
        write = super().write_status
        try:
            return await write(resource, status, dry_run=dry_run, timeout_seconds=timeout_seconds)
        except Conflict:
            if LOCK not in self._off or dry_run:
                raise
            listed = await super().list_failoverips(timeout_seconds)
            newest = next((each for each in listed if each.uid == resource.uid), resource)
            return await write(newest, status, timeout_seconds=timeout_seconds)

    def _seen(self, resource: Resource) -> Resource:
        status = resource.status
        if FENCE in self._off and resource.uid in self._written and status.fence is not None:
            fence = replace(status.fence, holder=self._identity_here)
            status = replace(status, fence=fence)
        if INTENT_FIRST in self._off:
            status = replace(status, intent=self._kept.get(resource.uid))
        return replace(resource, status=status)


class LooseLeader:
    """A leader that does not look at its lease, or takes a refused renewal for one."""

    def __init__(self, leader: Leader, off: Collection[str]) -> None:
        self._leader = leader
        self._off = off

    @property
    def identity(self) -> str:
        """As it is."""
        return self._leader.identity

    def window_left_seconds(self) -> float:
        """All of it, or as it is."""
        return _LEASE_SECONDS if LEASE_WINDOW in self._off else self._leader.window_left_seconds()

    async def renew_now(self) -> bool:
        """Whatever comes of it, or as it is."""
        return await self._leader.renew_now() or RENEWAL in self._off


class BoundlessLedger(Ledger):
    """Counts a write above the limit of the hour like any other."""

    def record_write(self, now: float) -> BoundlessLedger:
        """One more."""
        return replace(self, writes=(*self.writes, now))


class LooseBook(LedgerBook):
    """Without the predecessor's ledgers, without the limit of writes, without failed logins."""

    def __init__(
        self, clock: Clock, leader: Leader, ledgers: Ledgers, off: Collection[str]
    ) -> None:
        super().__init__(clock, leader, Ledgers() if LEDGER in off else ledgers)
        self._off = off

    def of(self, account: str, addresses: int) -> Ledger:
        """What it knows of an account."""
        ledger = super().of(account, addresses)
        if FAILED_LOGINS in self._off:
            ledger = replace(ledger, failed_logins=(), refused=None, login_pending=False)
        if LEDGER_LIMIT in self._off:
            values = {each.name: getattr(ledger, each.name) for each in fields(ledger)}
            ledger = BoundlessLedger(**values)
        return ledger

    def failed_logins_of_others(self, account: str) -> tuple[float, ...]:
        """Of all accounts but this one."""
        logins = super().failed_logins_of_others(account)
        return () if FAILED_LOGINS in self._off else logins

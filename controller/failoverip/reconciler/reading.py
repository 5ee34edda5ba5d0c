"""When Robot is read: one list for all addresses of an account, as rarely as safety allows.

Every 120 s; sooner when a decision wants it, and some times after a close whose outcome is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from failoverip.core.decision import Decision
from failoverip.core.mapping import Unmapped, map_node
from failoverip.core.resource import Resource
from failoverip.reconciler.account import Account
from failoverip.reconciler.accounts import Accounts
from failoverip.reconciler.lists import Lists
from failoverip.reconciler.observe import Observer
from failoverip.reconciler.ports import Surroundings


class Reading:
    """Plans the reads and runs them beside the loop, at most one per account at a time."""

    def __init__(
        self, around: Surroundings, lists: Lists, accounts: Accounts, observer: Observer
    ) -> None:
        self._lists = lists
        self._accounts = accounts
        self._observer = observer
        self._clock = around.clock
        self._timings = around.timings
        self._wake = around.wake
        self._tasks: set[asyncio.Task[None]] = set()
        # By resource name, in local time.
        self._wanted_at: dict[str, float] = {}
        self._after_close_at: dict[str, tuple[float, ...]] = {}

    def want(self, resource: Resource, decision: Decision) -> None:
        """Note when this decision wants the routes read."""
        if decision.read_routes_at is None:
            self._wanted_at.pop(resource.name, None)
        else:
            self._wanted_at[resource.name] = decision.read_routes_at

    def look_after_close(self, resource: Resource) -> None:
        """A switch was given up that may still take effect: look again for a while."""
        now = self._clock.now()
        ages = self._timings.after_close_reads_seconds
        self._after_close_at[resource.name] = tuple(now + age for age in ages)

    def read_now(self, account: Account) -> None:
        """A gate needs the route as it is now; the answer wakes the loop."""
        self._start(account, servers=False, routes=True)

    def start_due(self) -> None:
        """Begin what is due."""
        for account in self._accounts.all:
            servers = account.may_read_servers(urgent=self._servers_urgent(account))
            routes = self._due_at(account) <= self._clock.now()
            if servers or routes:
                self._start(account, servers=servers, routes=routes)

    def next_in_seconds(self) -> float:
        """Until the next read of routes is due; infinity when none is planned."""
        now = self._clock.now()
        idle = [account for account in self._accounts.all if not account.reading]
        return max(0.0, min((self._due_at(a) - now for a in idle), default=float("inf")))

    def keep_only(self, names: Collection[str]) -> None:
        """Forget the wishes of all other resources."""
        self._wanted_at = {n: at for n, at in self._wanted_at.items() if n in names}
        self._after_close_at = {n: at for n, at in self._after_close_at.items() if n in names}

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _due_at(self, account: Account) -> float:
        read_at = account.routes_read_at
        if read_at is None:
            wanted = [float("-inf")]
        else:
            wanted = [read_at + self._timings.route_read_seconds]
            for resource in self._resources_of(account):
                wanted += self._wishes(resource, read_at)
        return max(min(wanted), account.read_at(pressing=self._pressing(account)))

    def _wishes(self, resource: Resource, read_at: float) -> list[float]:
        """A wish for a moment before the last read was fulfilled by it."""
        wanted = list(self._after_close_at.get(resource.name, ()))
        if resource.name in self._wanted_at:
            wanted.append(self._wanted_at[resource.name])
        return [at for at in wanted if at > read_at]

    def _resources_of(self, account: Account) -> list[Resource]:
        return [
            resource
            for resource in self._lists.resources.values()
            if self._observer.account_of(resource) is account
        ]

    def _pressing(self, account: Account) -> bool:
        return any(self._observer.is_pressing(r) for r in self._resources_of(account))

    def _servers_urgent(self, account: Account) -> bool:
        servers = account.servers
        return servers is None or any(
            isinstance(map_node(node, servers), Unmapped) for node in self._lists.cluster.nodes
        )

    def _start(self, account: Account, *, servers: bool, routes: bool) -> None:
        if account.reading:
            return
        account.reading = True
        pressing = self._pressing(account)
        task = asyncio.create_task(
            self._read(account, servers=servers, routes=routes, pressing=pressing)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, account: Account, *, servers: bool, routes: bool, pressing: bool) -> None:
        try:
            if servers:
                await account.read_servers()
            if routes:
                await account.read_routes(pressing=pressing)
        except Exception as error:
            # A defect met by one account must not become a hot loop, nor stop the others.
            account.read_broke(error)
        finally:
            account.reading = False
            self._wake()

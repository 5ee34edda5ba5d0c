"""Fresh lists of nodes, heartbeats and resources: what the watches may miss, these do not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from operator import is_

from failoverip.core.conflicts import find_conflicts
from failoverip.core.health import ClusterTrace, interrupt, observe_lists
from failoverip.core.resource import Resource
from failoverip.kube import KubeError
from failoverip.log import get_logger
from failoverip.reconciler.claims import Claims
from failoverip.reconciler.ports import Surroundings

_log = get_logger(__name__)

# A list that takes longer is given up: the API server behind the connection may be gone, and the
# next list goes out on a new one.
LIST_LIMIT_SECONDS = 3.0


class Lists:
    """The last good lists. A failed list leaves what was known, and proves nothing."""

    def __init__(self, around: Surroundings, claims: Claims) -> None:
        self._kubernetes = around.kubernetes
        self._claims = claims
        self._clock = around.clock
        self._timings = around.timings
        self._metrics = around.metrics
        # By server number, over all resources; None when it must be counted anew.
        self._carried: Counter[int] | None = None
        # The failures of the last lists.
        self._told: set[str] = set()
        self.cluster = ClusterTrace()
        self.resources: dict[str, Resource] = {}
        # By UID: the name of the older resource that this one must stand back for.
        self.conflicts: Mapping[str, str] = {}

    async def sync(self) -> bool:
        """List everything once; whether all of it succeeded.

        LostLeadershipError when a resource shows another leader.
        """
        sent_at = self._clock.now()
        answers = await asyncio.gather(
            self._kubernetes.list_nodes(LIST_LIMIT_SECONDS),
            self._kubernetes.list_heartbeats(LIST_LIMIT_SECONDS),
            self._kubernetes.list_failoverips(LIST_LIMIT_SECONDS),
            return_exceptions=True,
        )
        nodes, heartbeats, resources = answers
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for failure in failures:
            if not isinstance(failure, KubeError):
                raise failure
        self._tell(failures)
        if not isinstance(nodes, BaseException) and not isinstance(heartbeats, BaseException):
            self.cluster = observe_lists(
                self.cluster,
                nodes,
                heartbeats,
                sent_at=sent_at,
                answered_at=self._clock.now(),
                gap_seconds=self._timings.observation_gap_seconds,
            )
            self._metrics.listed("nodes", sent_at)
        else:
            self.cluster = interrupt(self.cluster)
        if not isinstance(resources, BaseException):
            self._keep(resources)
            self._metrics.listed("failoverips", sent_at)
        return not failures

    def keep(self, resource: Resource) -> None:
        """Take a resource as it was read or written just now."""
        before = self.resources.get(resource.name)
        if before is not None:
            self._claims.check(before, resource)
        if before is not resource:
            self._carried = None
        self.resources[resource.name] = resource

    def forget(self, name: str) -> None:
        """The resource is gone."""
        if self.resources.pop(name, None) is not None:
            self._carried = None
            self._metrics.resource_gone(name)

    def carried_beside(self, resource: Resource) -> Mapping[int, int]:
        """By server number: the addresses that other resources have there."""
        if self._carried is None:
            self._carried = Counter()
            for other in self.resources.values():
                if other.status.active_server is not None:
                    self._carried[other.status.active_server] += len(other.status.addresses)
        known = self.resources.get(resource.name)
        number = None if known is None else known.status.active_server
        if known is None or number is None or known.uid != resource.uid:
            return self._carried
        return {**self._carried, number: self._carried[number] - len(known.status.addresses)}

    def _keep(self, listed: tuple[Resource, ...]) -> None:
        known = [self.resources.get(resource.name) for resource in listed]
        if len(known) == len(self.resources) and all(map(is_, known, listed)):
            return
        for name in set(self.resources) - {resource.name for resource in listed}:
            self.forget(name)
        for resource in listed:
            self.keep(resource)
        self.conflicts = find_conflicts(self.resources.values())

    def _tell(self, failures: list[BaseException]) -> None:
        """Say each failure once, not at each pass, and when all lists succeed again."""
        for failure in failures:
            self._metrics.reconcile_failed(type(failure).__name__)
            if str(failure) not in self._told:
                _log.warning("list failed", error=str(failure))
        if self._told and not failures:
            _log.info("lists succeed again")
        self._told = {str(failure) for failure in failures}

"""Claiming resources, and proving that the API server keeps a stale leader out (design 5)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from failoverip.core.lease import LeaseRecord
from failoverip.core.observation import Claim
from failoverip.core.resource import Fence, Resource
from failoverip.kube import Conflict, Invalid
from failoverip.log import get_logger
from failoverip.reconciler.ports import LostLeadershipError, Surroundings

_log = get_logger(__name__)

# Any other identity would do: what matters is that it is not ours.
_INTRUDER = "failoverip-fence-proof"


@dataclass(frozen=True, slots=True)
class _Foreign:
    """Another installation's Lease: its record and since when it is unchanged (local time)."""

    record: LeaseRecord
    since: float
    alive: bool


class Claims:
    """Which resources this leader holds. `lease` is `namespace/name` of its election."""

    def __init__(
        self,
        around: Surroundings,
        lease: str,
    ) -> None:
        self._kubernetes = around.kubernetes
        self._leader = around.leader
        self._identity = around.leader.identity
        self._lease = lease
        self._clock = around.clock
        self._timings = around.timings
        self._metrics = around.metrics
        self._fence_proven = False
        self._unfenced_tried_at: dict[str, float] = {}
        self._foreign: dict[str, _Foreign] = {}

    def holds(self, resource: Resource) -> bool:
        """Whether the resource, as it was read, is claimed by this process."""
        fence = resource.status.fence
        return fence is not None and fence.holder == self._identity

    def state(self, resource: Resource) -> Claim:
        """The state for a decision."""
        if resource.uid in self._unfenced_tried_at:
            return Claim.FENCE_MISSING
        if self.holds(resource):
            return Claim.HELD if self._fence_proven else Claim.NOT_CLAIMED
        fence = resource.status.fence
        foreign = self._foreign.get(fence.lease) if fence is not None else None
        if foreign is not None and foreign.alive:
            return Claim.SECOND_INSTALLATION
        return Claim.NOT_CLAIMED

    def check(self, held: Resource, read: Resource) -> None:
        """Compare what this leader holds with what was read now.

        LostLeadershipError when somebody raised the epoch or stands as holder in our place.
        """
        if not self.holds(held) or held.uid != read.uid:
            return
        if held.status.fence is not None and not self.holds(read):
            raise LostLeadershipError(f"{read.name} was claimed by another leader")

    async def ensure(self, resource: Resource) -> Resource:
        """Claim the resource if nobody else lives who holds it.

        Returns the resource as it is stored now. KubeError when the API server says no.
        """
        if self.holds(resource) or self._waits_for_retry(resource):
            return resource
        if await self._held_by_second_installation(resource) or not self._has_time():
            return resource
        return await self._claim(resource)

    async def prove(self, resource: Resource) -> None:
        """Prove the fence, once, on a resource that this leader claimed. KubeError as `ensure`."""
        if self._fence_proven or not self.holds(resource) or self._waits_for_retry(resource):
            return
        await self._try_as_stale_leader(resource)

    def keep_only(self, resources: Collection[Resource]) -> None:
        """Forget what is known of all others."""
        uids = {resource.uid for resource in resources}
        leases = {r.status.fence.lease for r in resources if r.status.fence is not None}
        self._unfenced_tried_at = {
            uid: at for uid, at in self._unfenced_tried_at.items() if uid in uids
        }
        self._foreign = {lease: seen for lease, seen in self._foreign.items() if lease in leases}

    def _has_time(self) -> bool:
        """A leader that was stopped must not claim what its successor has claimed."""
        return self._leader.window_left_seconds() >= self._timings.window_seconds

    def _waits_for_retry(self, resource: Resource) -> bool:
        tried_at = self._unfenced_tried_at.get(resource.uid)
        return tried_at is not None and self._clock.now() - tried_at < self._timings.resync_seconds

    async def _claim(self, resource: Resource) -> Resource:
        before = resource.status.fence
        epoch = (before.epoch if before is not None else 0) + 1
        status = replace(resource.status, fence=Fence(epoch, self._identity, self._lease))
        stored = await self._kubernetes.write_status(resource, status)
        if not self.holds(stored):
            self._missing(resource)
            return stored
        _log.info("resource claimed", resource=resource.name, epoch=epoch)
        return stored

    async def _try_as_stale_leader(self, resource: Resource) -> None:
        """The same epoch under another holder, as a dry run: the fence must refuse it."""
        fence = resource.status.fence
        if fence is None:
            return
        stale = replace(resource.status, fence=replace(fence, holder=_INTRUDER))
        try:
            await self._kubernetes.write_status(resource, stale, dry_run=True)
        except Invalid as error:
            if not error.is_fence_refusal:
                raise
            self._fence_proven = True
            self._unfenced_tried_at.clear()
            self._metrics.fence_tried(resource.name, refused=True)
            return
        except Conflict:
            return
        self._missing(resource)

    def _missing(self, resource: Resource) -> None:
        if resource.uid not in self._unfenced_tried_at:
            _log.error("the CRD does not fence: apply manifests/crd", resource=resource.name)
        self._unfenced_tried_at[resource.uid] = self._clock.now()
        self._metrics.fence_tried(resource.name, refused=False)

    async def _held_by_second_installation(self, resource: Resource) -> bool:
        """Whether a foreign Lease stands in the fence that lives, or may still live."""
        fence = resource.status.fence
        if fence is None or not fence.lease or fence.lease == self._lease:
            return False
        namespace, _, name = fence.lease.partition("/")
        record = await self._kubernetes.get_lease(namespace, name)
        if record is None:
            return False
        now, seen = self._clock.now(), self._foreign.get(fence.lease)
        if seen is None:
            self._foreign[fence.lease] = _Foreign(record, now, alive=False)
            return True
        if record != seen.record:
            self._foreign[fence.lease] = _Foreign(record, now, alive=True)
            return True
        return now - seen.since < self._timings.second_installation_seconds

"""The part of kube-controller-manager that says a node is gone: Ready turns Unknown.

As there, a heartbeat's age is the local time since its Lease was last *seen to change*, never what
the Lease says. Taints and evictions are left out: nothing here runs pods.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from failoverip.clock import Clock
from failoverip.core.timestamps import whole_seconds
from failoverip.simulator.kubernetes.kubelets import HEARTBEAT_NAMESPACE
from failoverip.simulator.kubernetes.patches import strategic_merge_patch
from failoverip.simulator.kubernetes.resources import LEASES, NODES, JsonObject, Key
from failoverip.simulator.kubernetes.selectors import Selection
from failoverip.simulator.kubernetes.store import Store

REASON = "NodeStatusUnknown"
MESSAGE = "Kubelet stopped posting node status."


@dataclass(frozen=True, slots=True)
class _Heartbeat:
    renew_time: str | None
    seen_at: float


class NodeLifecycle:
    """Marks nodes whose heartbeat stood still for `grace_seconds`; `tick` looks once."""

    def __init__(self, store: Store, clock: Clock, grace_seconds: float = 50.0) -> None:
        self._store = store
        self._clock = clock
        self._grace_seconds = grace_seconds
        # By the node's uid: a node that was deleted and made anew starts afresh.
        self._heartbeats: dict[str, _Heartbeat] = {}

    def tick(self) -> None:
        """Look at every node's Lease; turn Ready to Unknown where it stood still too long."""
        now = self._clock.now()
        renewals = {
            lease["metadata"]["name"]: (lease.get("spec") or {}).get("renewTime")
            for lease in self._store.select(LEASES, Selection(HEARTBEAT_NAMESPACE))
        }
        seen: dict[str, _Heartbeat] = {}
        for node in self._store.select(NODES, Selection()):
            uid, name = node["metadata"]["uid"], node["metadata"]["name"]
            last = self._heartbeats.get(uid)
            if last is None or last.renew_time != renewals.get(name):
                last = _Heartbeat(renewals.get(name), now)
            seen[uid] = last
            if now - last.seen_at > self._grace_seconds:
                self._mark_unknown(node)
        self._heartbeats = seen

    def _mark_unknown(self, node: JsonObject) -> None:
        conditions = (node.get("status") or {}).get("conditions") or []
        ready = next((c for c in conditions if c["type"] == "Ready"), {"type": "Ready"})
        if ready.get("status") == "Unknown":
            return
        unknown = ready | {
            "status": "Unknown",
            "reason": REASON,
            "message": MESSAGE,
            "lastTransitionTime": whole_seconds(self._clock.wall()),
        }
        change = partial(strategic_merge_patch, patch={"status": {"conditions": [unknown]}})
        self._store.patch(Key(NODES, "", node["metadata"]["name"]), change, "status")

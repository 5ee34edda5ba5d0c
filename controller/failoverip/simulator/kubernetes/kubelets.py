"""Pretend kubelets: a node, its heartbeat Lease, and Ready posted again when it was changed.

A Lease alone never makes a node Ready again after it was Unknown: a kubelet looks at its node every
beat, in a phase of its own, so that nodes come back staggered after an outage (design 9).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from failoverip.clock import Clock
from failoverip.core.timestamps import micro_time, whole_seconds
from failoverip.simulator.kubernetes.patches import strategic_merge_patch
from failoverip.simulator.kubernetes.resources import LEASES, NODES, JsonObject, Key
from failoverip.simulator.kubernetes.store import Store

HEARTBEAT_NAMESPACE = "kube-node-lease"
LEASE_DURATION_SECONDS = 40


@dataclass(frozen=True, slots=True)
class PretendNode:
    """What a kubelet registers. `address` becomes the InternalIP."""

    name: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    provider_id: str = ""


class Kubelet:
    """The kubelet of one node; `tick` does what is due. It registers its node when it is made."""

    def __init__(
        self, store: Store, node: PretendNode, clock: Clock, beat_seconds: float = 10.0
    ) -> None:
        self._store = store
        self._node = node
        self._clock = clock
        self._beat_seconds = beat_seconds
        self._key = Key(NODES, "", node.name)
        self._on = False
        self._lease_due = self._status_due = 0.0
        self.power_on()

    def power_off(self) -> None:
        """Fall silent at once, without a word to the API server."""
        self._on = False

    def power_on(self) -> None:
        """Boot: register the node if there is none, say Ready, beat."""
        self._on = True
        now = self._clock.now()
        phase = zlib.crc32(self._node.name.encode()) % 1000 / 1000
        self._lease_due, self._status_due = now, now + self._beat_seconds * phase
        if self._store.uid(self._key) is None:
            self._store.create(self._key, node_document(self._node))
        self._post_ready()
        self.tick()

    def tick(self) -> None:
        """Renew the Lease and look at the node, each if its time has come."""
        if not self._on:
            return
        now = self._clock.now()
        if now >= self._lease_due:
            self._lease_due = now + self._beat_seconds
            self._renew_lease()
        if now >= self._status_due:
            self._status_due = now + self._beat_seconds
            self._post_ready()

    def _post_ready(self) -> None:
        # A kubelet whose Node was deleted registers again only when it starts.
        if self._store.uid(self._key) is None:
            return
        if says_ready(self._store.get(self._key)):
            return
        ready = ready_condition(self._clock.wall())
        change = partial(strategic_merge_patch, patch={"status": {"conditions": [ready]}})
        self._store.patch(self._key, change, "status")

    def _renew_lease(self) -> None:
        key = Key(LEASES, HEARTBEAT_NAMESPACE, self._node.name)
        spec = heartbeat_spec(self._node.name, self._clock.wall())
        if self._store.uid(key) is None:
            self._store.create(key, {"metadata": {"name": self._node.name}, "spec": spec})
        else:
            self._store.patch(key, partial(strategic_merge_patch, patch={"spec": spec}))


def node_document(node: PretendNode) -> JsonObject:
    """The Node that a kubelet registers."""
    return {
        "metadata": {
            "name": node.name,
            "labels": {"kubernetes.io/hostname": node.name, **node.labels},
            "annotations": dict(node.annotations),
        },
        "spec": {"providerID": node.provider_id} if node.provider_id else {},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": node.address},
                {"type": "Hostname", "address": node.name},
            ]
        },
    }


def says_ready(node: JsonObject) -> bool:
    """Whether a Node's Ready condition is True."""
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def ready_condition(wall_seconds: float) -> JsonObject:
    """What a healthy kubelet says of itself, for its Node's status."""
    timestamp = whole_seconds(wall_seconds)
    return {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": timestamp,
        "lastTransitionTime": timestamp,
    }


def heartbeat_spec(name: str, wall_seconds: float) -> JsonObject:
    """The spec of a node's heartbeat Lease, renewed now."""
    return {
        "holderIdentity": name,
        "leaseDurationSeconds": LEASE_DURATION_SECONDS,
        "renewTime": micro_time(wall_seconds),
    }

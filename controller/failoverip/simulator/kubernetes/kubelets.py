"""Pretend kubelets: a node, its heartbeat Lease, and Ready posted again when it was changed.

A Lease alone never makes a node Ready again after it was Unknown: a kubelet looks at its node every
beat, in a phase of its own, so that nodes come back staggered after an outage (design 9).
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from failoverip.clock import Clock
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
            self._store.create(self._key, self._registration())
        self._post_ready()
        self.tick()

    def tick(self) -> None:
        """Renew the Lease and look at the node, each if its time has come."""
        now = self._clock.now()
        if not self._on:
            return
        if now >= self._lease_due:
            self._lease_due = now + self._beat_seconds
            self._renew_lease()
        if now >= self._status_due:
            self._status_due = now + self._beat_seconds
            self._post_ready()

    def _registration(self) -> JsonObject:
        node = self._node
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

    def _post_ready(self) -> None:
        # A kubelet whose Node was deleted registers again only when it starts.
        if self._store.uid(self._key) is None:
            return
        conditions = (self._store.get(self._key).get("status") or {}).get("conditions") or []
        shown: JsonObject = next((c for c in conditions if c["type"] == "Ready"), {})
        if shown.get("status") == "True":
            return
        timestamp = self._moment().strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": timestamp,
            "lastTransitionTime": timestamp,
        }
        change = partial(strategic_merge_patch, patch={"status": {"conditions": [ready]}})
        self._store.patch(self._key, change, "status")

    def _renew_lease(self) -> None:
        key = Key(LEASES, HEARTBEAT_NAMESPACE, self._node.name)
        spec = {
            "holderIdentity": self._node.name,
            "leaseDurationSeconds": LEASE_DURATION_SECONDS,
            "renewTime": self._moment().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        if self._store.uid(key) is None:
            self._store.create(key, {"metadata": {"name": self._node.name}, "spec": spec})
        else:
            self._store.patch(key, partial(strategic_merge_patch, patch={"spec": spec}))

    def _moment(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock.wall(), dt.UTC)

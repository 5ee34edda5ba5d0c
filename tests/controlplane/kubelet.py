"""Pretend kubelets: what a real one tells the API server about its node, and nothing else.

A kubelet renews its heartbeat Lease every beat. It also looks at its node every beat, in a phase
of its own, and posts Ready again when the server shows otherwise: a Lease alone never makes a node
Ready after it was Unknown.

After an API server's freeze, requests that waited for it are answered all at once. Real kubelets
come back over 0 to 10 s: freeze them with the API server, then `thaw_staggered`.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from tests.controlplane.cluster import (
    HEARTBEAT_NAMESPACE,
    NODES,
    PRETEND_LABEL,
    namespaced_leases,
)
from tests.controlplane.rest import STRATEGIC_PATCH, Api, ApiError, Json
from tests.controlplane.waiting import eventually

HEARTBEATS = namespaced_leases(HEARTBEAT_NAMESPACE)
HEARTBEAT_LEASE_SECONDS = 40
DEFAULT_BEAT_SECONDS = 10.0
FAST_BEAT_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PretendNode:
    """What a kubelet registers. `address` is its InternalIP."""

    name: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    provider_id: str = ""


@dataclass(frozen=True)
class Readiness:
    """What a kubelet says of itself."""

    ready: bool
    reason: str
    message: str


READY = Readiness(True, "KubeletReady", "kubelet is posting ready status")


class Kubelet:
    """The kubelet of one node, in a thread of its own. `api` may go through a proxy.

    `start` registers the node. What the API server refuses or does not answer is tried again
    a beat later.
    """

    def __init__(
        self, api: Api, node: PretendNode, beat_seconds: float = FAST_BEAT_SECONDS
    ) -> None:
        self.node = node
        self.beat_seconds = beat_seconds
        self._api = api
        self._readiness = READY
        self._path = f"{NODES}/{node.name}"
        self._beating = threading.Event()
        self._stopping = threading.Event()
        self._post_now = threading.Event()
        self._lease_due = self._status_due = 0.0
        self._thread = threading.Thread(target=self._run, name=f"kubelet-{node.name}", daemon=True)

    def start(self) -> None:
        """Boot for the first time: register the node, Ready, and begin to beat."""
        self._register()
        self._begin_beating()
        self._thread.start()

    def power_off(self) -> None:
        """Fall silent at once, without a word to the API server."""
        self._beating.clear()

    @property
    def powered(self) -> bool:
        """Whether its node runs."""
        return self._beating.is_set()

    def power_on(self) -> None:
        """Boot again: register if the node was deleted, and say Ready at once."""
        self._readiness = READY
        self._register()
        self._begin_beating()
        self._post_now.set()

    def freeze(self) -> None:
        """Fall silent as a stopped process does: what was known is kept for `thaw`."""
        self._beating.clear()

    def thaw(self) -> None:
        """Go on where `freeze` stopped: a Lease at once, the status within a beat."""
        self._begin_beating()

    def set_ready(
        self, ready: bool, reason: str = "KubeletNotReady", message: str = "set by the test"
    ) -> None:
        """Say Ready True or False, from now on."""
        self._readiness = READY if ready else Readiness(False, reason, message)
        self._post_now.set()

    def restart(self, not_ready_seconds: float = 1.0) -> None:
        """What a restarting kubelet does: Ready False for a moment, and its beats go on."""
        self.set_ready(False, "KubeletNotReady", "container runtime is down, PLEG is not healthy")
        eventually(lambda: self.reported_ready() == "False", f"{self.node.name} says Ready False")
        self._stopping.wait(not_ready_seconds)
        self.set_ready(True)

    def reported_ready(self) -> str | None:
        """The status of the node's Ready condition at the API server; None without a node."""
        found = self._api.find(self._path)
        return None if found is None else ready_status(found)

    def stop(self) -> None:
        """End the thread; the node stays as it is."""
        self._stopping.set()
        self._beating.set()
        self._post_now.set()
        if self._thread.is_alive():
            self._thread.join()

    def _begin_beating(self) -> None:
        now = time.monotonic()
        phase = zlib.crc32(self.node.name.encode()) % 1000 / 1000
        self._lease_due = now
        self._status_due = now + self.beat_seconds * phase
        self._beating.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._beating.wait()
            if self._stopping.is_set():
                return
            now = time.monotonic()
            if now >= self._lease_due:
                self._lease_due = now + self.beat_seconds
                self._attempt(self._renew_lease)
            if self._post_now.is_set() or now >= self._status_due:
                self._post_now.clear()
                self._status_due = now + self.beat_seconds
                self._attempt(self._post_status)
            pause = min(self._lease_due, self._status_due) - time.monotonic()
            self._post_now.wait(max(pause, 0.0))

    def _attempt(self, step: Callable[[], None]) -> None:
        if not self._beating.is_set():
            return
        try:
            step()
        except (ApiError, httpx.TransportError) as error:
            log.info("kubelet %s: %r", self.node.name, error)

    def _register(self) -> None:
        if self._api.find(self._path) is None:
            self._api.create(NODES, self._node_document())

    def _renew_lease(self) -> None:
        change = {"spec": {"renewTime": micro_time()}}
        try:
            self._api.patch(f"{HEARTBEATS}/{self.node.name}", change)
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            self._create_lease()

    def _create_lease(self) -> None:
        found = self._api.find(self._path)
        if found is None:
            return  # a real kubelet makes no Lease without its node as the owner
        owner = {
            "apiVersion": "v1",
            "kind": "Node",
            "name": self.node.name,
            "uid": found["metadata"]["uid"],
        }
        lease = {
            "metadata": {
                "name": self.node.name,
                "labels": {PRETEND_LABEL: "true"},
                "ownerReferences": [owner],
            },
            "spec": {
                "holderIdentity": self.node.name,
                "leaseDurationSeconds": HEARTBEAT_LEASE_SECONDS,
                "renewTime": micro_time(),
            },
        }
        self._api.create(HEARTBEATS, lease)

    def _post_status(self) -> None:
        found = self._api.find(self._path)
        if found is None:
            return
        shown = _ready_condition(found)
        wanted = self._ready_condition()
        if (shown.get("status"), shown.get("reason")) == (wanted["status"], wanted["reason"]):
            return
        if shown.get("status") == wanted["status"]:
            wanted["lastTransitionTime"] = shown["lastTransitionTime"]
        change: Json = {"status": {"conditions": [wanted, *_pressures()]}}
        self._api.patch(f"{self._path}/status", change, STRATEGIC_PATCH)

    def _ready_condition(self) -> Json:
        readiness = self._readiness
        status = "True" if readiness.ready else "False"
        return _condition("Ready", status, readiness.reason, readiness.message)

    def _node_document(self) -> Json:
        node = self.node
        addresses = [
            {"type": "InternalIP", "address": node.address},
            {"type": "Hostname", "address": node.name},
        ]
        return {
            "metadata": {
                "name": node.name,
                "labels": {
                    "kubernetes.io/hostname": node.name,
                    PRETEND_LABEL: "true",
                    **node.labels,
                },
                "annotations": dict(node.annotations),
            },
            "spec": {"providerID": node.provider_id} if node.provider_id else {},
            "status": {
                "addresses": addresses,
                "conditions": [self._ready_condition(), *_pressures()],
                "capacity": {"cpu": "8", "memory": "64Gi", "pods": "110"},
                "allocatable": {"cpu": "8", "memory": "64Gi", "pods": "110"},
            },
        }


def thaw_staggered(kubelets: Sequence[Kubelet], over_seconds: float) -> None:
    """Thaw one after another, the first at once, the last after `over_seconds`; returns then."""
    pause = over_seconds / max(len(kubelets) - 1, 1)
    for number, kubelet in enumerate(kubelets):
        if number > 0:
            time.sleep(pause)
        kubelet.thaw()


def ready_status(node: Json) -> str | None:
    """The status of a node's Ready condition: True, False, Unknown, or None without one."""
    status: str | None = _ready_condition(node).get("status")
    return status


def micro_time() -> str:
    """Now as a MicroTime: always six digits, since a zero fraction left out is refused."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _ready_condition(node: Json) -> Json:
    conditions: list[Json] = node.get("status", {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == "Ready"), {})


def _condition(kind: str, status: str, reason: str, message: str) -> Json:
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }


def _pressures() -> list[Json]:
    return [
        _condition(kind, "False", "KubeletHasEnough", "kubelet has enough of it")
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]

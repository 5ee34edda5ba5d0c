"""A large cluster without machines: thousands of nodes of realistic size, and their heartbeats.

A node object of a real kubelet is mostly its list of images. Nobody else writes the nodes here: the
time after which kube-controller-manager calls a node Unknown is out of reach.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

import httpx
from tests.controlplane.cluster import NODES
from tests.controlplane.kubelet import HEARTBEAT_LEASE_SECONDS, HEARTBEATS, micro_time
from tests.controlplane.rest import STRATEGIC_PATCH, Api, ApiError, Json

T = TypeVar("T")
WRITERS = 8
IMAGES = 50
BEAT_SECONDS, STATUS_SECONDS = 10.0, 300.0
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def node_document(name: str, address: str, labels: dict[str, str]) -> Json:
    """A Node as a kubelet fills it: 50 images, and all else that `kubectl get -o json` shows."""
    return {
        "metadata": {
            "name": name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "dedicated",
                "topology.kubernetes.io/region": "fsn1",
                "topology.kubernetes.io/zone": "fsn1-dc14",
                **labels,
            },
            "annotations": {
                "csi.volume.kubernetes.io/nodeid": json.dumps({"csi.example.org": name}),
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "capacity": _resources(),
            "allocatable": _resources(),
            "conditions": _conditions(),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _node_info(name),
            "images": [_image(name, number) for number in range(IMAGES)],
        },
    }


def create_all(api: Api, path: str, documents: Iterable[Json]) -> None:
    """Create objects, several at a time."""
    _for_each(lambda document: api.create(path, document), documents)


def beat_all(api: Api, names: Iterable[str], *, create: bool = False) -> None:
    """One heartbeat of each node; `create` makes the Leases."""
    if create:
        create_all(api, HEARTBEATS, (_lease(name) for name in names))
    else:
        _for_each(lambda name: _renew(api, name), names)


class Heartbeats:
    """Renews Leases and posts statuses at the pace of real kubelets, or as fast as it can.

    `lease_rate` and `status_rate` tell how many a second there really were.
    """

    def __init__(self, api: Api, names: Sequence[str], pace: float) -> None:
        self._api = api
        self._names = names
        self._lease_pause = WRITERS * BEAT_SECONDS / (len(names) * pace)
        self._status_every = max(1, round(STATUS_SECONDS / BEAT_SECONDS))
        self._stopping = threading.Event()
        self._counts = [[0, 0] for _ in range(WRITERS)]
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(WRITERS)]
        self._began = time.monotonic()
        self._ended = self._began

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._ended = time.monotonic()

    @property
    def lease_rate(self) -> float:
        """Leases renewed a second."""
        return sum(leases for leases, _ in self._counts) / (self._ended - self._began)

    @property
    def status_rate(self) -> float:
        """Node statuses posted a second."""
        return sum(statuses for _, statuses in self._counts) / (self._ended - self._began)

    def _run(self, number: int) -> None:
        mine, due, turn = self._names[number::WRITERS], time.monotonic(), 0
        while not self._stopping.is_set():
            name = mine[turn % len(mine)]
            turn += 1
            try:
                _renew(self._api, name)
                self._counts[number][0] += 1
                if turn % self._status_every == 0:
                    self._api.patch(
                        f"{NODES}/{name}/status",
                        {"status": {"conditions": _conditions()}},
                        STRATEGIC_PATCH,
                    )
                    self._counts[number][1] += 1
            except (ApiError, httpx.TransportError):
                pass  # a kubelet tries again at its next beat
            due += self._lease_pause
            # Late is late: no burst makes up for it.
            due = max(due, time.monotonic() - self._lease_pause)
            self._stopping.wait(max(0.0, due - time.monotonic()))


def _for_each(do: Callable[[T], object], things: Iterable[T]) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(do, things):
            pass


def _renew(api: Api, name: str) -> None:
    api.patch(f"{HEARTBEATS}/{name}", {"spec": {"renewTime": micro_time()}})


def _lease(name: str) -> Json:
    return {
        "metadata": {"name": name},
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": HEARTBEAT_LEASE_SECONDS,
            "renewTime": micro_time(),
        },
    }


def _conditions() -> list[Json]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    told = [
        ("Ready", "True", "KubeletReady"),
        *((p, "False", f"KubeletHasNo{p}") for p in PRESSURES),
    ]
    return [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": now,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for kind, status, reason in told
    ]


def _resources() -> Json:
    return {
        "cpu": "16",
        "ephemeral-storage": "459850824Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": "65575680Ki",
        "pods": "110",
    }


def _node_info(name: str) -> Json:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {
        "architecture": "amd64",
        "bootID": f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
        "containerRuntimeVersion": "containerd://2.1.4",
        "kernelVersion": "6.12.48+deb13-amd64",
        "kubeProxyVersion": "",
        "kubeletVersion": "v1.36.3",
        "machineID": digest[:32],
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 13 (trixie)",
        "systemUUID": digest[:32],
    }


def _image(name: str, number: int) -> Json:
    repository = f"registry.example.org/team-{number % 7}/application-with-a-long-name-{number}"
    digest = hashlib.sha256(f"{number % 40}{name[-1]}".encode()).hexdigest()
    return {
        "names": [f"{repository}@sha256:{digest}", f"{repository}:v1.{number}.0-bookworm-slim"],
        "sizeBytes": 40_000_000 + 1_000_003 * number,
    }

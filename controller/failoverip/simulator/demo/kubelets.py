"""Pretend kubelets that talk to whatever API server the demo runs on."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from failoverip.clock import Clock
from failoverip.kube import KubeError, NotFound
from failoverip.simulator.demo.cluster import Cluster
from failoverip.simulator.kubernetes import (
    HEARTBEAT_NAMESPACE,
    PretendNode,
    heartbeat_spec,
    node_document,
    ready_condition,
    says_ready,
)

NODES = "/api/v1/nodes"
_HEARTBEATS = f"/apis/coordination.k8s.io/v1/namespaces/{HEARTBEAT_NAMESPACE}/leases"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"


class DemoKubelet:
    """The kubelet of one node: a heartbeat each beat, and Ready where the server shows otherwise.

    What the API server does not take is tried again a beat later, as a real one does.
    """

    def __init__(
        self, cluster: Cluster, node: PretendNode, clock: Clock, beat_seconds: float
    ) -> None:
        self._cluster = cluster
        self._node = node
        self._clock = clock
        self._beat_seconds = beat_seconds
        self._path = f"{NODES}/{node.name}"
        self._beating: asyncio.Task[None] | None = None

    async def power_on(self) -> None:
        """Boot: register the node if there is none, and begin to beat. Raises KubeError."""
        if await self._cluster.find(self._path) is None:
            await self._cluster.request("POST", NODES, node_document(self._node))
        self._beating = asyncio.create_task(self._beat())

    async def power_off(self) -> None:
        """Fall silent at once, without a word to the API server."""
        beating, self._beating = self._beating, None
        if beating is not None:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    @property
    def is_on(self) -> bool:
        """Whether the node has power."""
        return self._beating is not None

    async def _beat(self) -> None:
        while True:
            with suppress(KubeError):
                await self._renew_lease()
                await self._post_ready()
            await self._clock.sleep(self._beat_seconds)

    async def _renew_lease(self) -> None:
        name = self._node.name
        spec = {"spec": heartbeat_spec(name, self._clock.wall())}
        try:
            await self._cluster.request("PATCH", f"{_HEARTBEATS}/{name}", spec, _MERGE)
        except NotFound:
            lease = {"metadata": {"name": name}, **spec}
            await self._cluster.request("POST", _HEARTBEATS, lease)

    async def _post_ready(self) -> None:
        if says_ready(await self._cluster.get(self._path)):
            return
        change = {"status": {"conditions": [ready_condition(self._clock.wall())]}}
        await self._cluster.request("PATCH", f"{self._path}/status", change, _STRATEGIC)

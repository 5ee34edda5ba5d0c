"""Clock, Kubernetes API, nodes, Robot and replicas in one event loop. Times are its seconds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from failoverip.simulator import robot as simulated
from failoverip.simulator.kubernetes import (
    Answer,
    Api,
    Kubelet,
    NodeLifecycle,
    PretendNode,
    Request,
    Store,
)
from failoverip.simulator.kubernetes.documents import copy
from failoverip.simulator.world.links import Json, Link, RobotHost
from failoverip.simulator.world.replica import Replica
from failoverip.simulator.world.virtual_time import VirtualClock

# kube-controller-manager's node monitor looks this often.
LIFECYCLE_SECONDS = 5.0
_MERGE_PATCH = {"content-type": "application/merge-patch+json"}


class RefusedError(Exception):
    """The API server said no to what the world's people asked of it."""


class World:
    """Everything there is, but what a scenario adds. `crd` is applied before anything else.

    `nodes` are registered in their order; the API serves them even while replicas cannot reach it.
    """

    def __init__(
        self,
        crd: Json,
        robot: simulated.World,
        nodes: Sequence[PretendNode],
        tick_seconds: float = 1.0,
    ) -> None:
        self.clock = VirtualClock(0.0)
        self.store = Store(self.clock.wall)
        self.api = Api(self.store)
        self.robot = RobotHost(robot, self.clock.now)
        self.replicas: list[Replica] = []
        self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        self.kubelets = {node.name: Kubelet(self.store, node, self.clock) for node in nodes}
        # Nodes whose kubelet cannot reach the API server before this time.
        self.cut_until: dict[str, float] = {}
        # Nothing reaches the API server, kube-controller-manager included.
        self.api_is_down = False
        self.lifecycle = NodeLifecycle(self.store, self.clock)
        self._tick_seconds = tick_seconds
        self._services = [
            asyncio.create_task(self.robot.run()),
            asyncio.create_task(self._tick()),
        ]

    # -- what people do in the cluster

    def create(self, path: str, document: Json) -> Json:
        """POST."""
        return self.ask("POST", path, document)

    def get(self, path: str) -> Json:
        """GET."""
        return self.ask("GET", path)

    def look(self, path: str) -> Json:
        """GET, for who changes nothing in the answer: it is what is stored, and no copy."""
        return self._answer("GET", path, None, {}).body

    def patch(self, path: str, patch: Json) -> Json:
        """A merge patch."""
        return self.ask("PATCH", path, patch, _MERGE_PATCH)

    def delete(self, path: str) -> None:
        """DELETE."""
        self.ask("DELETE", path)

    def ask(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] = {}
    ) -> Json:
        """Any request; RefusedError for what is not answered with success."""
        answer = self._answer(method, path, body, headers)
        # As a client has it, who may change what he was given.
        return copy(answer.body)  # type: ignore[no-any-return]  # a copy of an object is one

    def _answer(
        self, method: str, path: str, body: Json | None, headers: Mapping[str, str]
    ) -> Answer:
        request = Request(method, path, {}, headers, json.dumps(body).encode() if body else b"")
        answer = self.api.handle(request)
        if not isinstance(answer, Answer) or answer.code >= 300:
            raise RefusedError(f"{method} {path}: {getattr(answer, 'body', 'a watch')}")
        return answer

    def names(self, path: str) -> list[str]:
        """Of the objects of a collection."""
        items: list[Json] = self.get(path)["items"]
        return [item["metadata"]["name"] for item in items]

    def write_secret(self, name: str, user: str, password: str, namespace: str) -> None:
        """Create or change a Secret."""
        path = f"/api/v1/namespaces/{namespace}/secrets"
        data = {"stringData": {"username": user, "password": password}}
        if name in self.names(path):
            self.patch(f"{path}/{name}", data)
        else:
            self.create(path, {"metadata": {"name": name}, **data})

    def cordon(self, node: str, *, on: bool = True) -> None:
        """kubectl cordon, or uncordon."""
        self.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": on or None}})

    async def _tick(self) -> None:
        looked_at = -LIFECYCLE_SECONDS
        while True:
            if not self.api_is_down:
                now = self.clock.now()
                if now - looked_at >= LIFECYCLE_SECONDS:
                    looked_at = now
                    self.lifecycle.tick()
                for name, kubelet in list(self.kubelets.items()):
                    if now >= self.cut_until.get(name, 0.0):
                        kubelet.tick()
            await asyncio.sleep(self._tick_seconds)

    # -- the operator

    def start(self, name: str, namespace: str, **around: Any) -> Replica:
        """One more replica."""
        number = len(self.replicas) + 1
        replica = Replica(name, number, self.store, self.robot, namespace, **around)
        replica.predecessors = sum(other.name == name for other in self.replicas)
        self.replicas.append(replica)
        return replica

    def link(self, link: Link) -> None:
        """What every replica's requests to the API server meet from now on."""
        for replica in self.replicas:
            replica.api.link = link

    # -- Robot

    def fault(self, **fault: Any) -> None:
        """Put a fault of Robot in force."""
        self.robot.machine.add_fault(fault, self.clock.now())
        self.robot.wake()

    def move(self, address: str, target: str | None) -> None:
        """A stranger moves a route."""
        self.robot.machine.set_route(address, target)

    # -- time

    async def until(self, met: Callable[[], object], seconds: float, look_seconds: float) -> bool:
        """Let time pass until this is so, or for so long; whether it is."""
        end = self.clock.now() + seconds
        while not met():
            if self.clock.now() >= end:
                return False
            await asyncio.sleep(look_seconds)
        return True

    async def close(self) -> None:
        """End every task, of killed processes too; what a replica died of is raised."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        for replica in self.replicas:
            replica.process.resume()
        await asyncio.gather(*others, return_exceptions=True)
        for replica in self.replicas:
            if not replica.ended.cancelled() and (error := replica.ended.exception()):
                raise error

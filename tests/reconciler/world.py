"""A cluster, Robot and replicas of the operator in virtual time, all in one event loop.

The shipped reconciler, election, ledger and codec run against the embedded Kubernetes API and the
simulated Robot. Hours take seconds, and nothing depends on the machine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from failoverip.reconciler.ledgers import LEDGER_ANNOTATION
from failoverip.robot import Credentials
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
from failoverip.simulator.world.links import Json, RobotHost
from failoverip.simulator.world.processes import run_processes
from failoverip.simulator.world.replica import LEASE, Replica
from failoverip.simulator.world.virtual_time import VirtualClock

CRD = Path(__file__).resolve().parents[2] / "manifests" / "crd" / "failoverips.yaml"
NAMESPACE = "failoverip-system"
USER, PASSWORD = "#ws+canary-user", "canary-password-5f2a"
OTHER_USER, OTHER_PASSWORD = "#ws+canary-other", "canary-password-77aa"
MORE_USERS = tuple(f"#ws+canary-{number}" for number in range(6))
ADDRESS, ADDRESS_V6 = "203.0.113.10", "2001:db8:fff1::"
GROUP = (ADDRESS, f"{ADDRESS_V6}/64")
NODES = ("node-a", "node-b", "node-c")
FIPS = "/apis/failoverip.io/v1alpha1/failoverips"
PATIENCE_SECONDS = 900.0
LOOK_SECONDS = 0.5


def lease_path(namespace: str) -> str:
    """Of the election's Lease."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE}"


def server_ip(number: int) -> str:
    """The main IPv4 of server 321, 322, ..."""
    return f"192.0.2.{number - 310}"


def robot_world(addresses: Sequence[str], **switches: Any) -> simulated.World:
    """Three servers; the addresses are routed to the first of them."""
    return simulated.parse_world(
        {
            "users": [
                {"name": USER, "password": PASSWORD},
                {"name": OTHER_USER, "password": OTHER_PASSWORD},
                *({"name": user, "password": PASSWORD} for user in MORE_USERS),
            ],
            "servers": [
                {
                    "number": number,
                    "name": f"s{number}",
                    "ipv4": server_ip(number),
                    "ipv6_net": f"2001:db8:a:{number}::",
                }
                for number in (321, 322, 323, 399)
            ],
            "failovers": [{"ip": ip, "server_number": 321, "active": 321} for ip in addresses],
            "switches": {"switch_seconds": 40.0, **switches},
        }
    )


@cache
def _crd() -> Json:
    crd: Json = yaml.safe_load(CRD.read_text())
    return crd


class World:
    """Everything there is. Times are seconds of the loop."""

    def __init__(
        self,
        *,
        addresses: Sequence[str] = (ADDRESS, ADDRESS_V6),
        nodes: Sequence[str] = NODES,
        fenced: bool = True,
        tick_seconds: float = 1.0,
        grace_seconds: float = 50.0,
        **switches: Any,
    ) -> None:
        self.clock = VirtualClock(0.0)
        self.store = Store(self.clock.wall)
        self.api = Api(self.store)
        self.robot = RobotHost(robot_world(addresses, **switches), self.clock.now)
        self.replicas: list[Replica] = []
        self._install(fenced=fenced)
        self.kubelets = {
            name: Kubelet(self.store, PretendNode(name, server_ip(321 + index)), self.clock)
            for index, name in enumerate(nodes)
        }
        self.lifecycle = NodeLifecycle(self.store, self.clock, grace_seconds)
        self._tick_seconds = tick_seconds
        self._services = [
            asyncio.create_task(self.robot.run()),
            asyncio.create_task(self._tick()),
        ]

    # -- the cluster

    def create(self, path: str, document: Json) -> Json:
        """POST."""
        return self._ask("POST", path, document)

    def get(self, path: str) -> Json:
        """GET."""
        return self._ask("GET", path)

    def patch(self, path: str, patch: Json) -> Json:
        """A merge patch."""
        kind = {"content-type": "application/merge-patch+json"}
        return self._ask("PATCH", path, patch, kind)

    def delete(self, path: str) -> None:
        """DELETE."""
        self._ask("DELETE", path)

    def _ask(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] = {}
    ) -> Json:
        request = Request(method, path, {}, headers, json.dumps(body).encode() if body else b"")
        answer = self.api.handle(request)
        assert isinstance(answer, Answer)
        assert answer.code < 300, answer.body
        return answer.body

    def _install(self, *, fenced: bool) -> None:
        crd = deepcopy(_crd())
        if not fenced:
            for version in crd["spec"]["versions"]:
                version["schema"]["openAPIV3Schema"].pop("x-kubernetes-validations")
        self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        self.add_namespace(NAMESPACE)

    def add_namespace(self, namespace: str) -> None:
        """A namespace in which an operator finds credentials."""
        self.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        self.write_secret("robot-credentials", USER, PASSWORD, namespace)

    def write_secret(self, name: str, user: str, password: str, namespace: str = NAMESPACE) -> None:
        """Create or change a Secret."""
        path = f"/api/v1/namespaces/{namespace}/secrets"
        data = {"stringData": {"username": user, "password": password}}
        known = {item["metadata"]["name"] for item in self.get(path)["items"]}
        if name in known:
            self.patch(f"{path}/{name}", data)
        else:
            self.create(path, {"metadata": {"name": name}, **data})

    def apply(self, name: str = "web", addresses: Sequence[str] = (ADDRESS,), **spec: Any) -> None:
        """Create a FailoverIP."""
        document = {
            "apiVersion": "failoverip.io/v1alpha1",
            "kind": "FailoverIP",
            "metadata": {"name": name},
            "spec": {"addresses": list(addresses), **spec},
        }
        self.create(FIPS, document)

    def change(self, name: str = "web", **spec: Any) -> None:
        """Change the spec of a FailoverIP."""
        self.patch(f"{FIPS}/{name}", {"spec": spec})

    def status(self, name: str = "web") -> Json:
        """Its status, empty while there is none."""
        status: Json = self.get(f"{FIPS}/{name}").get("status") or {}
        return status

    def condition(self, kind: str, name: str = "web") -> Json:
        """One of its conditions, empty while there is none."""
        conditions: list[Json] = self.status(name).get("conditions", [])
        return next((c for c in conditions if c["type"] == kind), {})

    def events(self, reason: str = "") -> list[Json]:
        """The Events, of this reason if one is given."""
        found: list[Json] = self.get("/apis/events.k8s.io/v1/namespaces/default/events")["items"]
        return [event for event in found if reason in ("", event["reason"])]

    def lease(self, namespace: str = NAMESPACE) -> Json:
        """The election's Lease."""
        return self.get(lease_path(namespace))

    def ledger(self) -> Json:
        """What stands on the Lease about the first user's requests, empty before it does."""
        text = self.lease()["metadata"].get("annotations", {}).get(LEDGER_ANNOTATION, "{}")
        accounts = json.loads(text).get("accounts", {})
        found: Json = accounts.get(Credentials(USER, PASSWORD).account, {})
        return found

    def cordon(self, node: str, *, on: bool = True) -> None:
        """kubectl cordon, or uncordon."""
        self.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": on or None}})

    async def _tick(self) -> None:
        while True:
            for kubelet in self.kubelets.values():
                kubelet.tick()
            self.lifecycle.tick()
            await asyncio.sleep(self._tick_seconds)

    # -- the operator

    def start(self, name: str = "one", namespace: str = NAMESPACE) -> Replica:
        """One more replica."""
        number = len(self.replicas) + 1
        replica = Replica(name, number, self.store, self.robot, namespace)
        self.replicas.append(replica)
        return replica

    async def lead(self, name: str = "one") -> Replica:
        """Start a replica and wait until it leads."""
        replica = self.start(name)
        await self.until(lambda: replica.leads, f"{name} leads")
        return replica

    async def pair(self) -> tuple[Replica, Replica]:
        """A leader and a standby."""
        leader = await self.lead("one")
        return leader, self.start("two")

    # -- Robot

    def posts(self) -> list[simulated.Entry]:
        """The requests to switch that reached Robot."""
        return [entry for entry in self.robot.machine.journal.entries if entry.method == "POST"]

    def executed(self, address: str = ADDRESS) -> list[simulated.Entry]:
        """Those that started a switch of the address."""
        return [post for post in self.posts() if post.executed and post.address == address]

    def reads(self) -> list[simulated.Entry]:
        """The lists of routes that were asked of Robot."""
        entries = self.robot.machine.journal.entries
        return [e for e in entries if e.method == "GET" and e.path == "/failover"]

    def route(self, address: str = ADDRESS) -> str | None:
        """Where an address really goes."""
        return self.robot.machine.route(address)

    def move(self, address: str, target: str | None) -> None:
        """A stranger moves a route."""
        self.robot.machine.set_route(address, target)

    def fault(self, **fault: Any) -> None:
        """Put a fault of Robot in force."""
        self.robot.machine.add_fault(fault, self.clock.now())
        self.robot.wake()

    # -- time

    async def until(
        self, met: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Let time pass until this is so; AssertionError after so long."""
        end = self.clock.now() + seconds
        while not met():
            assert self.clock.now() < end, f"not within {seconds:g} s: {what}\n{self.story()}"
            await asyncio.sleep(LOOK_SECONDS)

    async def until_ready(self, node: str, name: str = "web") -> None:
        """Wait until the resource is Ready on this node, with no switch open."""

        def met() -> bool:
            status, ready = self.status(name), self.condition("Ready", name)
            settled = status.get("activeNode") == node and "intent" not in status
            return settled and ready.get("status") == "True"

        await self.until(met, f"{name} is Ready on {node}")

    async def settled(self, node: str = "node-a", **spec: Any) -> None:
        """Apply a FailoverIP and wait until it is Ready."""
        self.apply(**spec)
        await self.until_ready(node, spec.get("name", "web"))

    def story(self) -> str:
        """What a person needs to understand a failure."""
        items = self.get(FIPS)["items"]
        told = [json.dumps(item.get("status", {}), indent=1) for item in items]
        entries = [str(entry.as_dict()) for entry in self.robot.machine.journal.entries[-12:]]
        return "\n".join([*told, *entries])

    async def close(self) -> None:
        """End every task, of killed processes too."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        for replica in self.replicas:
            replica.process.resume()
        await asyncio.gather(*others, return_exceptions=True)
        for replica in self.replicas:
            if not replica.ended.cancelled() and (error := replica.ended.exception()):
                raise error


def play(scenario: Callable[[World], Awaitable[None]], **world: Any) -> None:
    """Run a scenario in a new world."""

    async def run() -> None:
        made = World(**world)
        try:
            await scenario(made)
        finally:
            await made.close()

    run_processes(run())


def kept_back(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Why requests to switch were not sent once their connections were open, as the log says."""
    return [
        vars(record)["key_values"]["why"]
        for record in caplog.records
        if record.message == "request not sent"
    ]

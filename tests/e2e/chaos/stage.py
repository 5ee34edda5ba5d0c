"""Where a round is played: real control plane, Robot, three nodes, two replicas behind doors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.controlplane.cluster import NODES
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import GatekeeperFactory, KubeletFactory, TcpProxyFactory
from tests.controlplane.gatekeeper import Gatekeeper
from tests.controlplane.kubelet import HEARTBEATS, Kubelet
from tests.controlplane.rest import Api, ApiError, Json, Jsons
from tests.e2e.chaos.facts import TIME_SCALE, Diary, Facts, LeaseWrite, NodeFact, StatusWrite
from tests.e2e.chaos.script import Script
from tests.e2e.installation import (
    ADDRESS,
    ADDRESS_V6,
    PROGRAM,
    Installation,
    Replica,
    installed,
    is_true,
    server_ip,
    world_toml,
)
from tests.e2e.replica_pair import lease_write, status_write

SERVERS = {"node-a": 321, "node-b": 322, "node-c": 323}
SOURCES = {"one": "127.0.0.2", "two": "127.0.0.3"}
BEAT_SECONDS = 1.0
# Of Robot's own limits; longer waits than a round has time for have tests of their own.
RATE_WINDOW_SECONDS = 12.0


class BeatingApi(Api):
    """Another client, and a note of each heartbeat that the API server took."""

    def __init__(self, inner: Api) -> None:
        self._inner = inner
        self.server = inner.server
        self.beats: list[tuple[float, str]] = []

    def request(
        self,
        method: str,
        path: str,
        body: Json | Jsons | None = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Json:
        """As the other client does."""
        answer = self._inner.request(method, path, body, query, content_type)
        if method == "PATCH" and path.startswith(HEARTBEATS):
            self.beats.append((time.monotonic(), path.rsplit("/", 1)[1]))
        return answer


@dataclass(frozen=True)
class Door:
    """A replica, and what stands between it and the API server."""

    replica: Replica
    api: Gatekeeper


@dataclass(frozen=True)
class Stage:
    """All of it. The diary is the player's."""

    home: Installation
    plane: ControlPlane
    doors: dict[str, Door]
    nodes: dict[str, Kubelet]
    kubelets_api: BeatingApi
    diary: Diary
    document: Json

    @property
    def addresses(self) -> list[str]:
        """As Robot spells them."""
        texts: list[str] = self.document["spec"]["addresses"]
        return [text.split("/")[0] for text in texts]

    def replica(self, role: str) -> str:
        """The name of the `leader`, by the last write of the Lease, or of the `standby`."""
        writes = self.lease_writes()
        holder = writes[-1].holder if writes else ""
        leader = "two" if holder.startswith("two_") else "one"
        return leader if role == "leader" else next(name for name in self.doors if name != leader)

    def node(self, role: str) -> str:
        """The node that carries the address, or one that does not."""
        target = self.home.simulator.routes()[ADDRESS]
        carrier = next(name for name, number in SERVERS.items() if server_ip(number) == target)
        return carrier if role == "carrier" else next(n for n in self.nodes if n != carrier)

    def lease_writes(self) -> list[LeaseWrite]:
        """Those that the API server took, in order."""
        writes = [
            LeaseWrite(e.began, e.answered, name, e.body["spec"].get("holderIdentity") or "")
            for name, door in self.doors.items()
            for e in tuple(door.api.journal)
            if e.answered is not None and e.status in (200, 201) and lease_write(e)
        ]
        return sorted(writes, key=lambda write: write.answered)

    def holders(self) -> list[str]:
        """Who held the Lease, and since when, in words."""
        writes = self.lease_writes()
        before = [None, *(write.holder for write in writes)]
        return [
            f"{write.answered:.3f} {write.holder or '(released)'}"
            for last, write in zip(before, writes, strict=False)
            if write.holder != last
        ]

    def status_writes(self) -> list[StatusWrite]:
        """Those that the API server took, in order."""
        writes = [
            StatusWrite(e.answered, name, e.body["metadata"]["name"], e.body["status"])
            for name, door in self.doors.items()
            for e in tuple(door.api.journal)
            if e.answered is not None and e.status == httpx.codes.OK and status_write(e)
        ]
        return sorted(writes, key=lambda write: write.answered)

    def intends(self) -> bool:
        """Whether a switch is open, by the last status that was stored."""
        writes = self.status_writes()
        return bool(writes) and writes[-1].status.get("intent") is not None

    def api_answers(self, probe: Api) -> bool:
        """Whether the API server serves."""
        with suppress(ApiError, httpx.TransportError):
            return probe.text("/readyz") == "ok"
        return False

    def is_right(self) -> bool:
        """Each address is on one node that has power, and the status says so, with no switch open.

        False also while the API server does not answer.
        """
        with suppress(ApiError, httpx.TransportError):
            status = self.home.status()
            node = self.nodes.get(status.get("activeNode", ""))
            return (
                node is not None
                and node.powered
                and self.places() <= targets_of(node.node.name)
                and "intent" not in status
                and is_true(status, "Ready")
            )
        return False

    def places(self) -> set[str | None]:
        """Where the addresses go."""
        routes = self.home.simulator.routes()
        return {routes[address] for address in self.addresses}

    def switches(self) -> int:
        """How many requests Robot has executed."""
        return len(self.home.simulator.executed())

    def facts(self, nodes: list[NodeFact], ended: list[tuple[str, int]]) -> Facts:
        """All that the audits want."""
        first = server_ip(SERVERS["node-a"]), "2001:db8:a:321::"
        refusals = [
            (name, str(line["detail"]))
            for name, door in self.doors.items()
            for line in door.replica.said("request refused", reason="InvariantBroken")
        ]
        return Facts(
            spec=self.document["spec"],
            nodes=nodes,
            replica_of={source: name for name, source in SOURCES.items()},
            routes={a: first[1] if ":" in a else first[0] for a in self.addresses},
            requests=self.home.simulator.journal(),
            leases=self.lease_writes(),
            statuses=self.status_writes(),
            beats=tuple(self.kubelets_api.beats),
            blind=tuple(self.diary.blind),
            lives=tuple(self.diary.lives),
            frozen=tuple(self.diary.frozen),
            refusals=refusals,
            ended=ended,
            began=self.diary.began,
        )


def targets_of(node: str) -> frozenset[str | None]:
    """What leads to the server of this node."""
    number = SERVERS[node]
    return frozenset({server_ip(number), f"2001:db8:a:{number}::"})


@dataclass(frozen=True)
class Rig:
    """The fixtures that a stage is made of."""

    plane: ControlPlane
    kubelet: KubeletFactory
    gatekeeper: GatekeeperFactory
    tcp_proxy: TcpProxyFactory
    directory: Path


@contextmanager
def staged(rig: Rig, script: Script, program: Sequence[str] = PROGRAM) -> Iterator[Stage]:
    """A round's stage: the address is Ready on node-a. Ends with everything healed.

    `program`: what both replicas run, the operator unless told otherwise.
    """
    shown = "present" if script.ready_shown else "absent"
    world = world_toml(
        switch_seconds=script.switch_seconds,
        status_field=shown,
        rate_window_seconds=RATE_WINDOW_SECONDS,
    )
    with installed(rig.plane, rig.directory, world) as home:
        api = BeatingApi(rig.plane.api(timeout_seconds=10))
        nodes = {
            name: rig.kubelet(name, server_ip(number), beat_seconds=BEAT_SECONDS, api=api)
            for name, number in SERVERS.items()
        }
        diary = Diary(time.monotonic())
        addresses = [ADDRESS, ADDRESS_V6] if script.grouped else [ADDRESS]
        document = home.apply(addresses=addresses)
        doors = {name: _door(rig, home, name, program) for name in SOURCES}
        stage = Stage(home, rig.plane, doors, nodes, api, diary, document)
        try:
            home.until_ready("node-a")
            yield stage
        finally:
            # They end before their doors close.
            for door in doors.values():
                door.replica.kill()
            rig.plane.restore()


def node_facts(stage: Stage) -> list[NodeFact]:
    """As the API server has them."""
    return [
        NodeFact(
            name,
            stage.plane.admin.get(f"{NODES}/{name}")["metadata"]["uid"],
            frozenset(t for t in targets_of(name) if t),
        )
        for name in stage.nodes
    ]


def _door(rig: Rig, home: Installation, name: str, program: Sequence[str]) -> Door:
    api, robot = rig.gatekeeper(), rig.tcp_proxy(home.robot_url, SOURCES[name])
    flags = ("--robot-url", robot.url, "--time-scale", str(TIME_SCALE))
    replica = home.start_replica(name, server=api.url, flags=flags, program=program)
    return Door(replica, api)

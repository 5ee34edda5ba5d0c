"""The demo's world as values: servers, nodes, the address, and how much every time is shortened."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from failoverip.simulator.kubernetes import PretendNode
from failoverip.simulator.robot import World, parse_world

NAMESPACE = "failoverip-system"
SERVICE_ACCOUNT = "failoverip-operator"
LEASE = "failoverip-operator"
SECRET = "robot-credentials"  # noqa: S105  the name of a Secret, not a secret
RESOURCE = "web"
ADDRESS = "203.0.113.10"
USER = "#ws+demo"
REPLICAS = ("one", "two")
# Robot's number and main address of the server below each node.
SERVERS = {
    "node-a": (321, "192.0.2.11"),
    "node-b": (322, "192.0.2.12"),
    "node-c": (323, "192.0.2.13"),
}


@dataclass(frozen=True, slots=True)
class DemoTimings:
    """Seconds in the demo, and what each is in service."""

    switch_seconds: float = 5.0
    beat_seconds: float = 1.0
    node_grace_seconds: int = 8
    # Of every period of the operator but the election's.
    time_scale: float = 0.3
    lease_duration_seconds: int = 6
    renew_deadline_seconds: int = 4
    retry_period_seconds: int = 1

    def as_dict(self) -> dict[str, float]:
        """All of them by name, for JSON."""
        return asdict(self)

    def told(self) -> list[str]:
        """For people: what is shorter than in service."""
        text = (
            f"Robot switches in {self.switch_seconds:g} s (really 28 to 110 s), kubelets beat every"
            f" {self.beat_seconds:g} s (10 s), a silent node is NotReady after"
            f" {self.node_grace_seconds} s (about 50 s), the leader's lease lasts"
            f" {self.lease_duration_seconds} s (15 s), and every other period of the operator is"
            f" multiplied by {self.time_scale:g}."
        )
        return textwrap.wrap(text, width=90)


TIMINGS = DemoTimings()


def node(name: str) -> PretendNode:
    """What the kubelet of this node registers; its address maps it to its server."""
    return PretendNode(name, SERVERS[name][1])


def robot_world(password: str) -> World:
    """Robot as it is at the start: the address is routed to the first server."""
    first = SERVERS["node-a"][0]
    return parse_world(
        {
            "users": [{"name": USER, "password": password}],
            "servers": [
                {"number": number, "name": name, "ipv4": address}
                for name, (number, address) in SERVERS.items()
            ],
            "failovers": [{"ip": ADDRESS, "server_number": first, "active": first}],
            # `status` is on no documentation page; production code has read it since 2025.
            "switches": {"switch_seconds": TIMINGS.switch_seconds, "status_field": "present"},
        }
    )


def secret_document(password: str) -> dict[str, Any]:
    """The Secret with the credentials of Robot's user."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "stringData": {"username": USER, "password": password},
    }


def failoverip_document() -> dict[str, Any]:
    """The one FailoverIP."""
    return {
        "apiVersion": "failoverip.io/v1alpha1",
        "kind": "FailoverIP",
        "metadata": {"name": RESOURCE},
        "spec": {"addresses": [ADDRESS]},
    }

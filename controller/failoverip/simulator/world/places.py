"""The account, the servers and the addresses of every world: names and numbers stand here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

USER, PASSWORD = "#ws+world", "password-of-the-world"
SECOND_PASSWORD = "second-password-of-the-world"  # noqa: S105  a pretend account's
NAMESPACE = "failoverip-system"
# Where somebody installs the operator a second time, and its one replica.
SECOND_NAMESPACE, SECOND_REPLICA = "failoverip-second", "delta"
SECRET = "robot-credentials"  # noqa: S105  the name of a Secret
FIPS = "/apis/failoverip.io/v1alpha1/failoverips"
NODES = "/api/v1/nodes"
HEARTBEATS = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
LEASE = "failoverip-operator"
LEASE_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}"
# Servers that are no nodes: for strangers, and for nodes that are made anew elsewhere.
FOREIGN_SERVERS = (390, 391)
# One without IPv6, and one that Robot does not know.
IPV4_SERVER, UNKNOWN_SERVER = 392, 999
FIRST_SERVER = 321
# Failover addresses of the account: by resource, one IPv4 and one IPv6 network.
IPV4 = tuple(f"203.0.113.{10 + index}" for index in range(4))
UNKNOWN_IPV4 = "203.0.113.99"
# Of a node that no main address tells the server of.
PRIVATE_IPV4 = "10.0.0.5"
IPV6 = tuple(f"2001:db8:ff{index}::" for index in range(4))


@dataclass(frozen=True, slots=True)
class Place:
    """One node and the server that it begins on."""

    node: str
    server: int


def targets_of(number: int | None) -> list[str]:
    """The targets that lead to a server; none for one that Robot does not know."""
    if number is None or number == UNKNOWN_SERVER:
        return []
    return [server_ipv4(number)] + ([] if number == IPV4_SERVER else [server_ipv6(number)])


def server_of_node(node: Mapping[str, Any]) -> int | None:
    """The server that a Node is on: its annotation says so, or its address."""
    annotation = (node["metadata"].get("annotations") or {}).get("failoverip.io/server")
    if annotation:
        return int(annotation)
    found = {entry["type"]: entry["address"] for entry in node["status"]["addresses"]}
    return None if found["InternalIP"] == PRIVATE_IPV4 else server_of(found["InternalIP"])


def server_ipv4(number: int) -> str:
    """The main IPv4 of a server."""
    return f"192.0.2.{number - 310}"


def server_ipv6(number: int) -> str:
    """The main IPv6 network of a server."""
    return f"2001:db8:a:{number}::"


def target_of(number: int, address: str) -> str:
    """What Robot takes to route an address to a server."""
    return server_ipv6(number) if ":" in address else server_ipv4(number)


def server_of(target: str | None) -> int | None:
    """The server behind a target; None for no target."""
    if target is None:
        return None
    if ":" in target:
        return int(target.split(":")[3])
    return int(target.rpartition(".")[2]) + 310

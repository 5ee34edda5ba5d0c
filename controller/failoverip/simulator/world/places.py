"""The account, the servers and the addresses of every world: names and numbers stand here."""

from __future__ import annotations

from dataclasses import dataclass

USER, PASSWORD = "#ws+world", "password-of-the-world"
SECOND_PASSWORD = "second-password-of-the-world"  # noqa: S105  a pretend account's
NAMESPACE = "failoverip-system"
SECRET = "robot-credentials"  # noqa: S105  the name of a Secret
FIPS = "/apis/failoverip.io/v1alpha1/failoverips"
NODES = "/api/v1/nodes"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
LEASE = "failoverip-operator"
LEASE_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}"
# Servers that are no nodes: for strangers, and for nodes that are made anew elsewhere.
FOREIGN_SERVERS = (390, 391)
FIRST_SERVER = 321
# Failover addresses of the account: by resource, one IPv4 and one IPv6 network.
IPV4 = tuple(f"203.0.113.{10 + index}" for index in range(4))
IPV6 = tuple(f"2001:db8:ff{index}::" for index in range(4))


@dataclass(frozen=True, slots=True)
class Place:
    """One node and the server that it begins on."""

    node: str
    server: int


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

"""The ground of a measure: control plane, Robot with its accounts, nodes, operator replicas.

The operator runs at its default periods: what is measured is the product, not the tests' rig.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from tests.controlplane.build import find_assets
from tests.controlplane.cluster import Cluster
from tests.controlplane.controlplane import (
    ControlPlane,
    ControlPlaneOptions,
    start_control_plane,
)
from tests.controlplane.kubelet import DEFAULT_BEAT_SECONDS, Kubelet, PretendNode
from tests.controlplane.servers import NodeTimings
from tests.controlplane.waiting import eventually
from tests.e2e.installation import NAMESPACE, PASSWORD, Installation, Replica, installed, server_ip

FIRST_SERVER = 321
# A measure moves addresses more often than a user would let them.
ALL_MOVES = {"maxMovesPerHour": 10}
_NODE_PREFIX = "node-"
ROLE = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles/failoverip-operator"
DEFAULT_PERIODS = (
    "--time-scale",
    "1",
    "--lease-duration-seconds",
    "15",
    "--renew-deadline-seconds",
    "10",
    "--retry-period-seconds",
    "2",
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One FailoverIP to be: its addresses, and the server they are routed to at first."""

    name: str
    addresses: tuple[str, ...]
    server: int


@dataclass(frozen=True, slots=True)
class Account:
    """A Robot user, the Secret that holds it, and its FailoverIPs."""

    user: str
    secret: str
    units: tuple[Unit, ...]


def say(line: str) -> None:
    """Tell the person who waits."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


@contextmanager
def prepared(
    accounts: Sequence[Account], servers: Sequence[int], timings: NodeTimings | None
) -> Iterator[tuple[Installation, Mapping[int, Kubelet]]]:
    """An installation without replicas, and the kubelet of each server. RigError, DeadlineError."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="failoverip-bench-")))
        plane = start_control_plane(find_assets(say), directory, ControlPlaneOptions(timings))
        stack.callback(plane.stop)
        home = stack.enter_context(installed(plane, directory, _world(accounts, servers)))
        _give_secrets(plane, accounts)
        kubelets = _start_kubelets(plane, servers, stack)
        yield home, kubelets


def start_replica(home: Installation, name: str) -> Replica:
    """One more replica, ready to lead or leading."""
    replica = home.start_replica(name, flags=DEFAULT_PERIODS)
    eventually(lambda: replica.page("/readyz").is_success, f"{name} is ready")
    return replica


def apply_all(home: Installation, accounts: Sequence[Account]) -> None:
    """Create the FailoverIPs of all accounts; return once each is Ready."""
    for account in accounts:
        for unit in account.units:
            home.apply(
                unit.name,
                addresses=list(unit.addresses),
                credentialsSecretRef={"name": account.secret},
                safety=ALL_MOVES,
            )
    for account in accounts:
        for unit in account.units:
            home.until_ready(node_name(unit.server), unit.name)


def node_name(server: int) -> str:
    """The node on a server."""
    return f"{_NODE_PREFIX}{server}"


def server_of(node: str) -> int:
    """The server of a node."""
    return int(node.removeprefix(_NODE_PREFIX))


def _world(accounts: Sequence[Account], servers: Sequence[int]) -> str:
    """Robot's world: each user sees its own addresses, and `ready`: a move confirms at once."""
    parts = [
        f'[[servers]]\nnumber = {number}\nname = "s{number}"\nipv4 = "{server_ip(number)}"'
        for number in servers
    ]
    for account in accounts:
        addresses = [address for unit in account.units for address in unit.addresses]
        parts.append(
            f'[[users]]\nname = "{account.user}"\npassword = "{PASSWORD}"\n'
            f"addresses = {json.dumps(addresses)}"
        )
        parts += [
            f'[[failovers]]\nip = "{address}"\n'
            f"server_number = {unit.server}\nactive = {unit.server}"
            for unit in account.units
            for address in unit.addresses
        ]
    parts.append('[switches]\nswitch_seconds = 0.2\nstatus_field = "present"')
    return "\n".join(parts)


def _give_secrets(cluster: Cluster, accounts: Sequence[Account]) -> None:
    """Create the Secrets, and let the operator read them, as manifests/rbac says users must."""
    for account in accounts:
        secret: dict[str, Any] = {
            "metadata": {"name": account.secret},
            "stringData": {"username": account.user, "password": PASSWORD},
        }
        cluster.admin.create(f"/api/v1/namespaces/{NAMESPACE}/secrets", secret)
    role = cluster.admin.get(ROLE)
    rule = next(rule for rule in role["rules"] if rule["resources"] == ["secrets"])
    rule["resourceNames"] += [account.secret for account in accounts]
    cluster.admin.replace(ROLE, role)


def _start_kubelets(
    plane: ControlPlane, servers: Sequence[int], stack: ExitStack
) -> Mapping[int, Kubelet]:
    """One node a server; their beats are spread over the ten seconds, as those of a cluster."""
    say(f"starting {len(servers)} kubelets")
    api = plane.api(timeout_seconds=DEFAULT_BEAT_SECONDS)
    kubelets: dict[int, Kubelet] = {}
    for number in servers:
        node = PretendNode(node_name(number), server_ip(number))
        kubelets[number] = Kubelet(api, node, DEFAULT_BEAT_SECONDS)
        kubelets[number].start()
        stack.callback(kubelets[number].stop)
        time.sleep(DEFAULT_BEAT_SECONDS / len(servers))
    return kubelets


def robot_reader(home: Installation, account: Account) -> httpx.Client:
    """A client of the simulator with this account's credentials. Close it when done."""
    return httpx.Client(base_url=home.robot_url, auth=(account.user, PASSWORD), timeout=30)

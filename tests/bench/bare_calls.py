"""The requests of one move without an operator: what the machine and the servers take for them.

Two passes of the loop (three lists each), the Secret, the route, the two status writes and the two
writes of the Lease (here four of a Lease that nobody else knows), one connection for the POST.
"""

from __future__ import annotations

import socket
import time

import httpx
from tests.bench.ground import Account, robot_reader
from tests.controlplane.cluster import FAILOVER_IPS, NODES, namespaced_leases
from tests.controlplane.kubelet import HEARTBEATS, micro_time
from tests.controlplane.rest import Api
from tests.e2e.installation import NAMESPACE, Installation

SAMPLES = 50
PASSES = 2
WRITES = 4
OWN_LEASE = f"{namespaced_leases(NAMESPACE)}/bench-bare-calls"


def time_bare_calls(home: Installation, account: Account) -> list[float]:
    """Seconds of each sequence, one connection kept for each server as the operator does."""
    api = home.cluster.api()
    api.create(namespaced_leases(NAMESPACE), {"metadata": {"name": "bench-bare-calls"}, "spec": {}})
    samples = []
    with robot_reader(home, account) as robot:
        _call_all(api, robot, account)
        for _ in range(SAMPLES):
            began = time.monotonic()
            _call_all(api, robot, account)
            samples.append(time.monotonic() - began)
    return samples


def _call_all(api: Api, robot: httpx.Client, account: Account) -> None:
    for _ in range(PASSES):
        for path in (NODES, HEARTBEATS, FAILOVER_IPS):
            api.list(path)
    robot.get("/failover")
    api.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/{account.secret}")
    for _ in range(WRITES):
        api.patch(OWN_LEASE, {"spec": {"renewTime": micro_time()}})
    with socket.create_connection((robot.base_url.host, robot.base_url.port or 80)):
        pass

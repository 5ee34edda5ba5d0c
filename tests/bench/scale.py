"""A large cluster: thousands of nodes, a thousand FailoverIPs, and what that costs the leader.

Heartbeats of real kubelets are 500 writes a second for 5,000 nodes. How many this machine really
made stands among the figures. A probe in the leader measures for how long its event loop stands.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client.parser import text_string_to_metric_families
from tests.bench.crowd import Heartbeats, beat_all, create_all, node_document
from tests.bench.figures import Figure, Goal
from tests.bench.ground import DEFAULT_PERIODS, say
from tests.bench.machine import bare_imports_mib, cpu_seconds, resident_mib
from tests.controlplane.build import find_assets
from tests.controlplane.cluster import FAILOVER_IPS, NODES
from tests.controlplane.controlplane import ControlPlaneOptions, start_control_plane
from tests.controlplane.rest import Api
from tests.controlplane.servers import NodeTimings
from tests.controlplane.waiting import eventually
from tests.e2e.installation import PASSWORD, USER, Installation, Replica, failoverip, installed

MEASURE = "scale"
MEMORY_GOAL = Goal("max", 150.0)
BARE = "bare imports, beside the crowd"
# Nobody calls a node Unknown because this machine is too slow to beat for all.
NEVER_UNKNOWN = NodeTimings(monitor_period_seconds=60, monitor_grace_period_seconds=86400)
POOLS, NODES_A_POOL = 100, 5
POOL = "failoverip.example.com/pool"
FIRST_SERVER = 100_000
DECIDED_DEADLINE_SECONDS = 900.0
SAMPLE_SECONDS = 5.0
PROBE = Path(__file__).resolve().parent / "probe"


@dataclass(frozen=True, slots=True)
class Size:
    """How large, for how long; at which share of their pace the nodes beat that carry nothing."""

    nodes: int
    resources: int
    watch_seconds: float
    pace: float


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of the leader in one time."""

    cpu_percent: float
    mib: float
    longest_stall: float
    requests_a_minute: float


def measure(size: Size) -> list[Figure]:
    """Start a leader in a crowd, then watch it while few and while all nodes beat."""
    with _crowd(size) as (home, api, names):
        used = NODES_A_POOL * _pools(size)
        # Those that can carry an address always beat at their pace: one that is silent for 20 s
        # would be news.
        with Heartbeats(api, names[:used], 1.0) as carriers:
            leader, first, last = _started(home, size)
            started = _stall(leader), resident_mib(leader.process.pid)
            say(f"scale: first decision after {first:.1f} s, all after {last:.1f} s")
            time.sleep(size.watch_seconds / 2)
            quiet = _watch(home, leader, size.watch_seconds)
            say(f"scale: quiet: {quiet}")
            with Heartbeats(api, names[used:], size.pace) as others:
                busy = _watch(home, leader, size.watch_seconds)
        say(f"scale: {others.lease_rate:.0f} more heartbeats a second: {busy}")
    return [
        Figure(MEASURE, "nodes", "1", (float(size.nodes),)),
        Figure(MEASURE, "resources", "1", (float(size.resources),)),
        Figure(MEASURE, "start to first status", "s", (first,)),
        Figure(MEASURE, "start to all statuses", "s", (last,)),
        Figure(MEASURE, BARE, "MiB", (bare_imports_mib(),)),
        Figure(MEASURE, "RSS after the start", "MiB", (started[1],), MEMORY_GOAL, BARE),
        Figure(MEASURE, "longest stall, start", "s", (started[0],)),
        Figure(MEASURE, "heartbeats, quiet", "1/s", (carriers.lease_rate,)),
        *_figures("quiet", quiet),
        Figure(MEASURE, "heartbeats, busy", "1/s", (carriers.lease_rate + others.lease_rate,)),
        Figure(MEASURE, "node statuses, busy", "1/s", (carriers.status_rate + others.status_rate,)),
        *_figures("busy", busy),
    ]


def _figures(name: str, seen: Watched) -> list[Figure]:
    return [
        Figure(MEASURE, f"CPU, {name}", "% of a core", (seen.cpu_percent,)),
        Figure(MEASURE, f"RSS, {name}", "MiB", (seen.mib,), MEMORY_GOAL, BARE),
        Figure(MEASURE, f"longest stall, {name}", "s", (seen.longest_stall,)),
        Figure(MEASURE, f"API requests a minute, {name}", "1/min", (seen.requests_a_minute,)),
    ]


@contextmanager
def _crowd(size: Size) -> Iterator[tuple[Installation, Api, list[str]]]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="failoverip-scale-")))
        options = ControlPlaneOptions(NEVER_UNKNOWN, leader_elect=False)
        plane = start_control_plane(find_assets(say), directory, options)
        stack.callback(plane.stop)
        home = stack.enter_context(installed(plane, directory, _world(size)))
        api = plane.api(timeout_seconds=60)
        say(f"scale: creating {size.nodes} nodes and {size.resources} FailoverIPs")
        names = [f"node-{number:05}" for number in range(size.nodes)]
        create_all(
            api,
            NODES,
            (
                node_document(name, _address(number), {POOL: f"pool-{number // NODES_A_POOL}"})
                for number, name in enumerate(names)
            ),
        )
        beat_all(api, names, create=True)
        create_all(
            api,
            FAILOVER_IPS,
            (
                failoverip(
                    f"unit-{number:04}",
                    addresses=[_failover(number)],
                    nodeSelector={POOL: f"pool-{_pool(number, size)}"},
                )
                for number in range(size.resources)
            ),
        )
        yield home, api, names


def _started(home: Installation, size: Size) -> tuple[Replica, float, float]:
    """The leader, and the seconds until the first and until every resource had a status."""
    began = time.monotonic()
    leader = home.start_replica("one", flags=DEFAULT_PERIODS, code=PROBE)
    eventually(lambda: _told(home) >= 1, "a status", DECIDED_DEADLINE_SECONDS, 0.5)
    first = time.monotonic() - began
    eventually(lambda: _told(home) >= size.resources, "every status", DECIDED_DEADLINE_SECONDS, 1.0)
    return leader, first, time.monotonic() - began


def _told(home: Installation) -> int:
    """Resources whose status says where the address is."""
    found = home.cluster.admin.list(FAILOVER_IPS)
    return sum(1 for one in found if one.get("status", {}).get("addresses"))


def _watch(home: Installation, leader: Replica, seconds: float) -> Watched:
    _stall(leader)
    pid, before, asked = leader.process.pid, cpu_seconds(leader.process.pid), _requests(home)
    began, mib = time.monotonic(), 0.0
    while time.monotonic() - began < seconds:
        time.sleep(SAMPLE_SECONDS)
        mib = max(mib, resident_mib(pid))
    took = time.monotonic() - began
    return Watched(
        100 * (cpu_seconds(pid) - before) / took,
        mib,
        _stall(leader),
        60 * (_requests(home) - asked) / took,
    )


def _stall(leader: Replica) -> float:
    """The longest time that the loop stood still since the last call; see probe/sitecustomize."""
    path = Path(f"/tmp/failoverip-stalls-{leader.process.pid}")  # noqa: S108  of this run's process
    stalls = [float(line) for line in path.read_text().split()]
    path.write_text("")
    return max(stalls, default=0.0)


def _requests(home: Installation) -> float:
    """What only the operator asks here: lists, and reads and writes of its own objects."""
    families = text_string_to_metric_families(home.cluster.admin.text("/metrics"))
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "apiserver_request_total" and _is_the_operators(sample.labels)
    )


def _is_the_operators(labels: Mapping[str, str]) -> bool:
    kind, verb = labels["resource"], labels["verb"]
    if kind in ("nodes", "leases"):
        # kube-controller-manager watches; the bench patches.
        return verb in ("LIST", "GET") or (kind, verb) == ("leases", "PUT")
    return kind in ("failoverips", "secrets", "events", "customresourcedefinitions")


def _pool(number: int, size: Size) -> int:
    return number % _pools(size)


def _pools(size: Size) -> int:
    """Pools whose nodes can carry addresses; the other nodes are bystanders."""
    return max(1, min(POOLS, size.nodes // NODES_A_POOL // 2))


def _address(number: int) -> str:
    return f"192.1{number // 250 // 250}.{number // 250 % 250}.{number % 250 + 1}"


def _failover(number: int) -> str:
    return f"203.{number // 250}.113.{number % 250 + 1}"


def _world(size: Size) -> str:
    """One account: a server for each node, each address routed to the first node of its pool."""
    parts = [f'[[users]]\nname = "{USER}"\npassword = {json.dumps(PASSWORD)}\n']
    parts += [
        f'[[servers]]\nnumber = {FIRST_SERVER + number}\nname = "s{number}"\n'
        f'ipv4 = "{_address(number)}"\n'
        for number in range(size.nodes)
    ]
    parts += [
        f'[[failovers]]\nip = "{_failover(number)}"\n'
        f"server_number = {FIRST_SERVER + _pool(number, size) * NODES_A_POOL}\n"
        f"active = {FIRST_SERVER + _pool(number, size) * NODES_A_POOL}\n"
        for number in range(size.resources)
    ]
    parts.append('[switches]\nswitch_seconds = 0.2\nstatus_field = "present"')
    return "\n".join(parts)

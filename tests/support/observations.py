"""Observations in the words of a test: which nodes live, and where the routes go.

Node `a` is on server 1, `b` on 2 and so on; server N has the main address 198.51.100.N and the net
2001:db8:N::. What is not said is fine: claimed, fresh, budgeted, Active.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from failoverip.core.addresses import AddressKey, TargetAddress, parse_failover_address
from failoverip.core.cluster import Node, Ready
from failoverip.core.health import ClusterTrace, NodeTrace
from failoverip.core.observation import AccountView, Budget, Claim, Observation
from failoverip.core.provider import Server
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    Cause,
    Fence,
    Intent,
    IntentRoute,
    Move,
    MoveResult,
    Policy,
    Resource,
    Status,
)
from failoverip.core.routes import RouteTrack
from failoverip.core.timings import Timings

NOW = 10_000.0
WALL = 1_790_000_000.0
IP, IP2, NET6 = "203.0.113.10", "203.0.113.11", "2001:db8:100:1::/64"
FENCE = Fence(7, "replica-1", "failoverip/operator")
PLENTY = Budget(50, 40, float("-inf"), float("-inf"))


@dataclass(frozen=True)
class Seen:
    """A node and what was seen of it."""

    node: Node
    trace: NodeTrace

    def but(self, **changes: object) -> Seen:
        """The same with other fields of the Node."""
        return replace(self, node=replace(self.node, **changes))  # type: ignore[arg-type]  # fields of Node


def number_of(name: str) -> int:
    """The server of a node named by one letter."""
    return ord(name) - ord("a") + 1


def server(number: int) -> Server:
    """A server with both IP versions."""
    v4, v6 = TargetAddress(f"198.51.100.{number}"), TargetAddress(f"2001:db8:{number}::")
    return Server(number, f"server-{number}", v4, v6)


def _node(name: str, ready: Ready) -> Node:
    provider_id = f"hrobot://{number_of(name)}"
    return Node(name, f"uid-{name}", ready=ready, provider_id=provider_id)


def healthy(name: str) -> Seen:
    """Ready, and beating."""
    trace = NodeTrace("beat", NOW - 5, NOW - 5, None)
    return Seen(_node(name, Ready.TRUE), trace)


def silent(name: str) -> Seen:
    """Ready Unknown and a heartbeat that stopped: failed."""
    return Seen(_node(name, Ready.UNKNOWN), NodeTrace("beat", NOW - 60, NOW - 60, None))


def not_ready(name: str) -> Seen:
    """Beating, but its kubelet says NotReady for long enough: failed."""
    trace = NodeTrace("beat", NOW - 5, NOW - 5, NOW - 30)
    return Seen(_node(name, Ready.FALSE), trace)


def unclear(name: str) -> Seen:
    """Ready Unknown, but beating until a moment ago."""
    return Seen(_node(name, Ready.UNKNOWN), NodeTrace("beat", NOW - 12, NOW - 12, None))


def settling(name: str) -> Seen:
    """Ready, and watched for too short a time to have seen a beat."""
    return Seen(_node(name, Ready.TRUE), NodeTrace("beat", None, NOW - 4, None))


def at(
    name: str, *, version: int = 4, ready: bool | None = True, since: float = NOW - 600
) -> RouteTrack:
    """A route to the server of node `name`, read a moment ago."""
    target = server(number_of(name)).target(version)
    return RouteTrack(target, ready, since, NOW - 1)


def nowhere(since: float = NOW - 600) -> RouteTrack:
    """A route to no server."""
    return RouteTrack(None, True, since, NOW - 1)


def foreign(since: float = NOW - 600) -> RouteTrack:
    """A route to a server of somebody else."""
    return RouteTrack(TargetAddress("192.0.2.99"), True, since, NOW - 1)


def policy(*addresses: str, **fields: object) -> Policy:
    """A spec; without addresses it names `IP`."""
    parsed = tuple(parse_failover_address(text) for text in addresses or (IP,))
    return Policy(parsed, **fields)  # type: ignore[arg-type]  # fields of Policy by name


def an_observation(
    nodes: Iterable[Seen] | None = None,
    routes: Mapping[str, RouteTrack] | None = None,
    spec: Policy | None = None,
    status: Status | None = None,
    switch_to: str = "",
) -> Observation:
    """Nodes a, b and c live and the address is at a, unless the test says otherwise."""
    tracks = routes if routes is not None else {IP: at("a")}
    record = status if status is not None else Status(fence=FENCE)
    made_at = WALL - 9000
    return Observation(
        now=NOW,
        wall_seconds=WALL,
        resource=Resource(
            "front", "uid-front", "4711", 1, made_at, False, spec or policy(), record, switch_to
        ),
        claim=Claim.HELD,
        window_left_seconds=12.0,
        conflict=None,
        credentials=None,
        cluster=cluster([healthy(name) for name in "abc"] if nodes is None else nodes),
        account=AccountView(
            routes={key_of(text): track for text, track in tracks.items()},
            listed=frozenset(key_of(text) for text in tracks),
            routes_read_at=NOW - 1,
            servers=tuple(server(number) for number in range(1, 9)),
            budget=PLENTY,
        ),
        memory=None,
        carried={},
        unmapped_recently=(),
        timings=Timings(),
    )


def cluster(nodes: Iterable[Seen]) -> ClusterTrace:
    """Lists of a moment ago that show these nodes."""
    seen = sorted(nodes, key=lambda item: item.node.name)
    return ClusterTrace(
        tuple(item.node for item in seen), {item.node.uid: item.trace for item in seen}, NOW - 1
    )


def with_account(o: Observation, **changes: object) -> Observation:
    """The same with other fields of the account."""
    return replace(o, account=replace(o.account, **changes))  # type: ignore[arg-type]  # fields of AccountView


def with_resource(o: Observation, **changes: object) -> Observation:
    """The same with other fields of the resource."""
    return replace(o, resource=replace(o.resource, **changes))  # type: ignore[arg-type]  # fields of Resource


def with_status(o: Observation, **changes: object) -> Observation:
    """The same with other fields of the status."""
    return with_resource(o, status=replace(o.resource.status, **changes))  # type: ignore[arg-type]  # fields of Status


def with_track(o: Observation, text: str, **changes: object) -> Observation:
    """The same with another series of reads of one route."""
    key = key_of(text)
    track = replace(o.account.routes[key], **changes)  # type: ignore[arg-type]  # fields of RouteTrack
    return with_account(o, routes={**o.account.routes, key: track})


def key_of(text: str) -> AddressKey:
    """What Robot calls an address."""
    return parse_failover_address(text).key


def an_intent(
    to: str = "b",
    *addresses: str,
    cause: Cause | None = None,
    attempts: int = 0,
    epoch: int = FENCE.epoch,
) -> Intent:
    """A switch of `addresses` (else `IP`) to node `to`, because node a is silent."""
    number = number_of(to)
    routes = []
    for text in addresses or (IP,):
        address = parse_failover_address(text)
        target = server(number).target(address.version)
        assert target is not None
        routes.append(IntentRoute(address, target))
    return Intent(
        id="7-4700",
        epoch=epoch,
        node=to,
        node_uid=f"uid-{to}",
        server_number=number,
        routes=tuple(routes),
        cause=cause or Cause(Reason.NODE_UNREACHABLE, "a", "uid-a"),
        attempts=attempts,
        started_at=WALL - 60,
        detected_at=WALL - 60,
        posted_at=WALL - 59 if attempts else None,
    )


def a_move(
    to: str = "b",
    result: MoveResult = MoveResult.CONFIRMED,
    *,
    cause: Reason = Reason.NODE_UNREACHABLE,
    ended_seconds_ago: float = 60.0,
    attempts: int = 1,
) -> Move:
    """An entry of `status.moves`."""
    return Move(
        id="6-4000",
        cause=cause,
        source="a",
        node=to,
        server_number=number_of(to),
        result=result,
        reason=Reason.CONFIRMED if result is MoveResult.CONFIRMED else Reason.FAILED,
        attempts=attempts,
        detected_at=WALL - ended_seconds_ago - 60,
        ended_at=WALL - ended_seconds_ago,
    )

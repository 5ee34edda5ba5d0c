"""What an observation means: where each address is, on which node, and how that node is.

The active node is where Robot routes, never where the status says (design 2).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from failoverip.core.addresses import FailoverAddress
from failoverip.core.brakes import seconds_since
from failoverip.core.cluster import Node, Ready
from failoverip.core.health import UNCLEAR, Health, Verdict, assess
from failoverip.core.mapping import Unmapped, index_servers, map_node
from failoverip.core.observation import Observation
from failoverip.core.provider import Server
from failoverip.core.reasons import Reason
from failoverip.core.resource import Policy, Status
from failoverip.core.routes import RouteTrack

DELETED = Health(Verdict.FAILED, Reason.NODE_DELETED)


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node with its health, its server and whether `nodeSelector` selects it."""

    node: Node
    health: Health
    server: Server | Unmapped
    selected: bool

    @property
    def server_number(self) -> int | None:
        """Of its server, None when it has none."""
        return None if isinstance(self.server, Unmapped) else self.server.number


class PlaceKind(StrEnum):
    """Where one address is, as far as can be told."""

    UNKNOWN = "Unknown"  # no recent answer, or the servers or the nodes were never listed
    UNLISTED = "Unlisted"  # the account has no such failover address
    NOWHERE = "Nowhere"
    NODE = "Node"  # on a server that carries at least one node
    DELETED = "Deleted"  # on the server of the last known node, and that node is gone
    LOST = "Lost"  # on the server of the last known node, which is no longer mapped to it
    FOREIGN = "Foreign"


@dataclass(frozen=True, slots=True)
class Place:
    """One address; `views` are the nodes on its server, `node` the name to tell."""

    address: FailoverAddress
    kind: PlaceKind
    track: RouteTrack | None = None
    server_number: int | None = None
    views: tuple[NodeView, ...] = ()
    node: str = ""
    node_uid: str = ""

    @property
    def health(self) -> Health:
        """Of the server: alive if any of its nodes is, failed only if all are."""
        if self.kind is PlaceKind.DELETED:
            return DELETED
        if not self.views:
            return UNCLEAR
        order = (Verdict.POSITIVE, Verdict.UNCLEAR, Verdict.FAILED)
        return min((view.health for view in self.views), key=lambda h: order.index(h.verdict))


@dataclass(frozen=True, slots=True)
class Situation:
    """`active` is the place that speaks for the group, None when no address is on a node."""

    policy: Policy
    views: tuple[NodeView, ...]
    places: tuple[Place, ...]
    active: Place | None
    eligibility: Mapping[str, Reason]  # by node UID; Reason.ELIGIBLE or why not
    unproven: frozenset[str] = frozenset()  # UIDs: no heartbeat since the storm began

    def view(self, name: str) -> NodeView | None:
        """The node of this name, if it is listed."""
        return next((view for view in self.views if view.node.name == name), None)

    def can_take(self, view: NodeView) -> bool:
        """Eligible, and alive by positive evidence, which no storm is older than."""
        eligible = self.eligibility[view.node.uid] is Reason.ELIGIBLE
        proven = view.node.uid not in self.unproven
        return eligible and proven and view.health.verdict is Verdict.POSITIVE

    def is_unfit(self, view: NodeView) -> bool:
        """Ineligible, for a reason that will not pass by reading or by waiting."""
        passing = (Reason.ELIGIBLE, Reason.SERVERS_UNREAD, Reason.TARGET_BARRED)
        return self.eligibility[view.node.uid] not in passing


# What a decision was made of is what its status tells: worked out once for both. A few, since a
# pass keeps that many looks before it tells of any.
SITUATIONS_KEPT = 8
_understood: deque[tuple[Observation, Situation]] = deque(maxlen=SITUATIONS_KEPT)


def understand(o: Observation, policy: Policy) -> Situation:
    """The situation of the resource in this observation, of which `policy` is a part."""
    for known, situation in _understood:
        if known is o:
            return situation
    situation = _situation(o, policy)
    _understood.append((o, situation))
    return situation


def _situation(o: Observation, policy: Policy) -> Situation:
    selector = set(policy.node_selector)
    views = tuple(
        NodeView(
            node,
            assess(node, o.cluster, o.now, o.timings),
            map_node(node, o.account.servers),
            selector <= set(node.labels),
        )
        for node in o.cluster.nodes
    )
    places = tuple(_place(address, o, views) for address in policy.addresses)
    barred = barred_servers(o)
    nodes_on = Counter(view.server_number for view in views)
    eligibility = {view.node.uid: _eligibility(view, nodes_on, policy, barred) for view in views}
    unproven = frozenset(
        node.uid for node in o.cluster.nodes if not o.storm.is_proven(node.uid, o.cluster)
    )
    return Situation(policy, views, places, _active(places), eligibility, unproven)


def barred_servers(o: Observation) -> frozenset[int]:
    """Servers to which a switch was Refused, Failed or left Partial less than 10 minutes ago."""
    return frozenset(
        move.server_number
        for move in o.resource.status.moves
        if move.result in ("Refused", "Failed")
        and seconds_since(o, move) < o.timings.barred_seconds
    )


def _eligibility(
    view: NodeView, nodes_on: Mapping[int | None, int], policy: Policy, barred: frozenset[int]
) -> Reason:
    if not view.selected:
        return Reason.NODE_NOT_SELECTED
    if isinstance(view.server, Unmapped):
        return view.server.reason
    if nodes_on[view.server.number] > 1:
        return Reason.SERVER_SHARED
    if any(view.server.target(address.version) is None for address in policy.addresses):
        return Reason.FAMILY_MISSING
    if view.node.unschedulable:
        return Reason.NODE_CORDONED
    if view.node.deleting:
        return Reason.NODE_DELETING
    if view.server.number in barred:
        return Reason.TARGET_BARRED
    return Reason.ELIGIBLE


def _place(address: FailoverAddress, o: Observation, views: Sequence[NodeView]) -> Place:
    account = o.account
    if account.listed is None or _outdated(o):
        return Place(address, PlaceKind.UNKNOWN)
    track = account.routes.get(address.key)
    if address.key not in account.listed or track is None:
        return Place(address, PlaceKind.UNLISTED)
    if track.target is None:
        return Place(address, PlaceKind.NOWHERE, track)
    if account.servers is None or o.cluster.listed_at is None:
        return Place(address, PlaceKind.UNKNOWN, track)
    server = index_servers(account.servers).by_target.get(track.target)
    if server is None:
        return Place(address, PlaceKind.FOREIGN, track)
    there = tuple(view for view in views if view.server_number == server.number)
    if there:
        node = min(there, key=lambda view: (view.health.verdict != Verdict.POSITIVE, _name(view)))
        return Place(
            address, PlaceKind.NODE, track, server.number, there, _name(node), node.node.uid
        )
    return _deserted(address, track, server.number, o, views)


def _outdated(o: Observation) -> bool:
    read_at = o.account.routes_read_at
    return read_at is None or o.now - read_at > o.timings.route_unknown_after_seconds


def _deserted(
    address: FailoverAddress,
    track: RouteTrack,
    number: int,
    o: Observation,
    views: Sequence[NodeView],
) -> Place:
    """A server without a node: its last known node was deleted, lost its mapping, or never was."""
    name, uid = _last_known_node(o.resource.status, address, track, number)
    if not name:
        return Place(address, PlaceKind.FOREIGN, track, number)
    listed = next((view for view in views if view.node.name == name), None)
    gone = listed is None or (uid and listed.node.uid != uid)
    kind = PlaceKind.DELETED if gone else PlaceKind.LOST
    return Place(address, kind, track, number, (), name, uid)


def _last_known_node(
    status: Status, address: FailoverAddress, track: RouteTrack, number: int
) -> tuple[str, str]:
    if status.active_server == number:
        return status.active_node, status.active_node_uid
    for recorded in status.addresses:
        if recorded.address.key == address.key and recorded.active_server_ip == track.target:
            return recorded.node, recorded.node_uid
    return "", ""


def _active(places: Iterable[Place]) -> Place | None:
    """The healthy node with most addresses, else the one with most; then the first address."""
    on_nodes = [place for place in places if place.server_number is not None and place.node]
    if not on_nodes:
        return None
    count: dict[int | None, int] = {}
    for place in on_nodes:
        count[place.server_number] = count.get(place.server_number, 0) + 1
    return min(
        on_nodes,
        key=lambda place: (
            place.health.verdict is not Verdict.POSITIVE,
            -count[place.server_number],
        ),
    )


def _name(view: NodeView) -> str:
    return view.node.name


def choose_target(s: Situation, carried: Mapping[int, int]) -> NodeView | None:
    """The node to move to: the most preferred one; of those that are equally so the one with the
    fewest addresses of other resources, then the first by name.
    """
    return min(
        (view for view in s.views if s.can_take(view)),
        key=lambda view: (
            preference(s.policy, view.node.name),
            carried.get(view.server_number or 0, 0),
            _name(view),
        ),
        default=None,
    )


def shows_life(o: Observation, name: str) -> bool:
    """Whether the node of this name is listed, and alive by positive evidence."""
    return any(
        assess(node, o.cluster, o.now, o.timings).verdict is Verdict.POSITIVE
        for node in o.cluster.nodes
        if node.name == name
    )


def preference(policy: Policy, node: str) -> int:
    """The rank of a node in `preferredNodes`, 0 the best; all others come after them."""
    preferred = policy.preferred_nodes
    return preferred.index(node) if node in preferred else len(preferred)


def still_settling(o: Observation, view: NodeView) -> bool:
    """This process has not watched a Ready node long enough to see its heartbeat change."""
    trace = o.cluster.traces.get(view.node.uid)
    return (
        view.node.ready is Ready.TRUE
        and trace is not None
        and trace.changed_at is None
        and o.now - trace.same_since < o.timings.heartbeat_silence_seconds
    )

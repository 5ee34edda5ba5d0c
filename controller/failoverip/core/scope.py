"""Which nodes of a cluster can matter to one resource: a few, where the cluster has thousands.

A decision about a resource asks of the nodes only

* those that `nodeSelector` selects, and whoever shares a server with one of them,
* those on a server that one of its addresses is routed to, or that a switch is to lead to,
* those that its status or its annotation names, by name or UID,
* those whose story it is still watching (a storm's).

Whatever else is listed changes no decision, so an observation leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from failoverip.core.cluster import Node
from failoverip.core.health import ClusterTrace
from failoverip.core.mapping import Unmapped, index_servers, map_node
from failoverip.core.observation import AccountView
from failoverip.core.provider import Server
from failoverip.core.resource import InvalidSpec, Policy, Resource, Status

Label = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Directory:
    """The nodes of one list, by what a resource can say of them."""

    trace: ClusterTrace
    by_name: Mapping[str, Node]
    by_uid: Mapping[str, Node]
    by_label: Mapping[Label, tuple[Node, ...]]

    def selected(self, selector: tuple[Label, ...]) -> tuple[Node, ...]:
        """The nodes that have all these labels, of which there is one at least."""
        rarest = min((self.by_label.get(label, ()) for label in selector), key=len)
        wanted = set(selector)
        return tuple(node for node in rarest if wanted <= set(node.labels))


@dataclass(frozen=True, slots=True)
class Ground:
    """Which node stands on which server of one account."""

    servers: Sequence[Server] | None
    server_of: Mapping[str, int]  # by the node's UID
    nodes_on: Mapping[int, tuple[Node, ...]]


def directory_of(trace: ClusterTrace) -> Directory:
    """Of the last good lists."""
    by_label: dict[Label, list[Node]] = {}
    for node in trace.nodes:
        for label in node.labels:
            by_label.setdefault(label, []).append(node)
    return Directory(
        trace,
        {node.name: node for node in trace.nodes},
        {node.uid: node for node in trace.nodes},
        {label: tuple(nodes) for label, nodes in by_label.items()},
    )


def ground_of(trace: ClusterTrace, servers: Sequence[Server] | None) -> Ground:
    """The nodes on the servers of one account; nothing while these are not known."""
    server_of: dict[str, int] = {}
    nodes_on: dict[int, list[Node]] = {}
    for node in trace.nodes if servers is not None else ():
        server = map_node(node, servers)
        if not isinstance(server, Unmapped):
            server_of[node.uid] = server.number
            nodes_on.setdefault(server.number, []).append(node)
    return Ground(servers, server_of, {number: tuple(on) for number, on in nodes_on.items()})


def narrowed(
    directory: Directory,
    ground: Ground,
    resource: Resource,
    account: AccountView,
    watched: Iterable[str],
) -> ClusterTrace:
    """The trace with the nodes that can matter to the resource; `watched` are UIDs that also do."""
    policy = resource.policy
    if isinstance(policy, InvalidSpec) or not policy.node_selector:
        return directory.trace
    selected = directory.selected(policy.node_selector)
    if len(selected) == len(directory.trace.nodes):
        return directory.trace
    found = {node.uid: node for node in selected}
    numbers = {ground.server_of[uid] for uid in found if uid in ground.server_of}
    numbers |= _servers_of(resource.status, policy, account)
    for number in numbers:
        found.update((node.uid, node) for node in ground.nodes_on.get(number, ()))
    for name in _names_of(resource):
        if name in directory.by_name:
            node = directory.by_name[name]
            found[node.uid] = node
    for uid in (*watched, *_uids_of(resource.status)):
        if uid in directory.by_uid:
            found[uid] = directory.by_uid[uid]
    nodes = sorted(found.values(), key=lambda node: node.name)
    return replace(directory.trace, nodes=tuple(nodes))


def _servers_of(status: Status, policy: Policy, account: AccountView) -> set[int]:
    """By number: where the addresses are routed, were last, or are to go."""
    numbers = {move.server_number for move in status.moves}
    if status.active_server is not None:
        numbers.add(status.active_server)
    if status.intent is not None:
        numbers.add(status.intent.server_number)
    if account.servers is not None:
        by_target = index_servers(account.servers).by_target
        for address in policy.addresses:
            track = account.routes.get(address.key)
            server = by_target.get(track.target) if track and track.target else None
            if server is not None:
                numbers.add(server.number)
    return numbers


def _names_of(resource: Resource) -> set[str]:
    status = resource.status
    names = {status.active_node, resource.switch_to.partition("@")[0]}
    names |= {entry.node for entry in status.addresses}
    names |= {entry.node for entry in status.candidates}
    for move in status.moves:
        names |= {move.source, move.node}
    if status.intent is not None:
        names |= {status.intent.node, status.intent.cause.node}
    return names


def _uids_of(status: Status) -> set[str]:
    uids = {status.active_node_uid}
    if status.intent is not None:
        uids |= {status.intent.node_uid, status.intent.cause.node_uid}
    return uids

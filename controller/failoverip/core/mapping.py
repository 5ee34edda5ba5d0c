"""Which dedicated server a node is (design 6, hetzner-api 6).

Annotation, then providerID, then a node address equal to a server's main IPv4. Never "any address
of the server": a failover address is listed there too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from failoverip.core.cluster import Node
from failoverip.core.provider import Server
from failoverip.core.reasons import Reason
from failoverip.core.resource import SERVER_ANNOTATION

# hrobot://N is what the cloud controller manager writes, hcloud://bm-N its legacy form.
PROVIDER_ID = re.compile(r"(?:hrobot://|hcloud://bm-)([0-9]{1,12})")
# Longer ones are no server's, and Python refuses to read very long ones.
NUMBER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Unmapped:
    """No server for this node; `message` names the fix."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class ServerIndex:
    """The servers of an account by what can name one; the first listed where several share it.

    `mapped` remembers, by UID, each node that was looked for here, and what it is.
    """

    by_number: Mapping[int, Server]
    by_target: Mapping[str, Server]
    by_main_ipv4: Mapping[str, tuple[Server, ...]]
    mapped: dict[str, tuple[Node, Server | Unmapped]] = field(default_factory=dict, compare=False)


def index_servers(servers: Sequence[Server]) -> ServerIndex:
    """The index of a list of servers; that of a tuple is made once for as long as it is in use."""
    for known, index in _indexed:
        if known is servers:
            return index
    by_number: dict[int, Server] = {}
    by_target: dict[str, Server] = {}
    by_main_ipv4: dict[str, tuple[Server, ...]] = {}
    for server in servers:
        by_number.setdefault(server.number, server)
        for target in (server.ipv4, server.ipv6_net):
            if target is not None:
                by_target.setdefault(target, server)
        if server.ipv4 is not None:
            by_main_ipv4[server.ipv4] = (*by_main_ipv4.get(server.ipv4, ()), server)
    index = ServerIndex(by_number, by_target, by_main_ipv4)
    if isinstance(servers, tuple):
        _indexed.insert(0, (servers, index))
        del _indexed[_INDEXES_KEPT:]
    return index


# Each node is mapped at every decision about every resource: without the index, thousands of nodes
# would each be compared with thousands of servers. One entry for each account.
_INDEXES_KEPT = 16
# More than a cluster has: nodes that were deleted are forgotten some day, too.
NODES_REMEMBERED = 8192
_indexed: list[tuple[tuple[Server, ...], ServerIndex]] = []


def map_node(node: Node, servers: Sequence[Server] | None) -> Server | Unmapped:
    """The node's server. `servers` None: Robot's list could not be read yet."""
    if servers is None:
        return Unmapped(Reason.SERVERS_UNREAD, "Robot's list of servers was not read yet")
    index = index_servers(servers)
    known = index.mapped.get(node.uid)
    if known is not None and known[0] is node:
        return known[1]
    server = _looked_up(node, index)
    if len(index.mapped) >= NODES_REMEMBERED:
        index.mapped.clear()
    index.mapped[node.uid] = node, server
    return server


def _looked_up(node: Node, index: ServerIndex) -> Server | Unmapped:
    if node.server_annotation:
        return _annotated(node, index)
    matched = PROVIDER_ID.fullmatch(node.provider_id)
    if matched:
        return _numbered(int(matched.group(1)), index, f"providerID {node.provider_id}")
    return _addressed(node, index)


def _annotated(node: Node, index: ServerIndex) -> Server | Unmapped:
    text = node.server_annotation.strip()
    if NUMBER.fullmatch(text):
        return _numbered(int(text), index, f"annotation {SERVER_ANNOTATION}={text}")
    try:
        wanted = str(ipaddress.ip_address(text))
    except ValueError:
        return Unmapped(
            Reason.UNMAPPED,
            f"annotation {SERVER_ANNOTATION}={text[:64]!r} is neither a server number"
            " nor a server's main address",
        )
    server = index.by_target.get(wanted)
    if server is not None:
        return server
    return Unmapped(
        Reason.SERVER_UNKNOWN,
        f"annotation {SERVER_ANNOTATION}={wanted}: Robot lists no server with this main address",
    )


def _numbered(number: int, index: ServerIndex, source: str) -> Server | Unmapped:
    server = index.by_number.get(number)
    if server is not None:
        return server
    return Unmapped(
        Reason.SERVER_UNKNOWN, f"{source}: Robot lists no server {number} for this account"
    )


def _addressed(node: Node, index: ServerIndex) -> Server | Unmapped:
    own = {_canonical(text) for text in node.addresses}
    found = [server for text in own for server in index.by_main_ipv4.get(text, ())]
    if len(found) == 1:
        return found[0]
    why = "several servers match" if found else "no node address is a server's main IPv4"
    return Unmapped(Reason.UNMAPPED, f"{why}: set the annotation {SERVER_ANNOTATION}=NUMBER")


def _canonical(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text

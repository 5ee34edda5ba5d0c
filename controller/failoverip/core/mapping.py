"""Which dedicated server a node is (design 6, hetzner-api 6).

Annotation, then providerID, then a node address equal to a server's main IPv4. Never "any address
of the server": a failover address is listed there too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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


def map_node(node: Node, servers: Sequence[Server] | None) -> Server | Unmapped:
    """The node's server. `servers` None: Robot's list could not be read yet."""
    if servers is None:
        return Unmapped(Reason.SERVERS_UNREAD, "Robot's list of servers was not read yet")
    if node.server_annotation:
        return _annotated(node, servers)
    matched = PROVIDER_ID.fullmatch(node.provider_id)
    if matched:
        return _numbered(int(matched.group(1)), servers, f"providerID {node.provider_id}")
    return _addressed(node, servers)


def _annotated(node: Node, servers: Sequence[Server]) -> Server | Unmapped:
    text = node.server_annotation.strip()
    if NUMBER.fullmatch(text):
        return _numbered(int(text), servers, f"annotation {SERVER_ANNOTATION}={text}")
    try:
        wanted = str(ipaddress.ip_address(text))
    except ValueError:
        return Unmapped(
            Reason.UNMAPPED,
            f"annotation {SERVER_ANNOTATION}={text[:64]!r} is neither a server number"
            " nor a server's main address",
        )
    for server in servers:
        if wanted in (server.ipv4, server.ipv6_net):
            return server
    return Unmapped(
        Reason.SERVER_UNKNOWN,
        f"annotation {SERVER_ANNOTATION}={wanted}: Robot lists no server with this main address",
    )


def _numbered(number: int, servers: Sequence[Server], source: str) -> Server | Unmapped:
    for server in servers:
        if server.number == number:
            return server
    return Unmapped(
        Reason.SERVER_UNKNOWN, f"{source}: Robot lists no server {number} for this account"
    )


def _addressed(node: Node, servers: Sequence[Server]) -> Server | Unmapped:
    own = {_canonical(text) for text in node.addresses}
    found = [server for server in servers if server.ipv4 is not None and server.ipv4 in own]
    if len(found) == 1:
        return found[0]
    why = "several servers match" if found else "no node address is a server's main IPv4"
    return Unmapped(Reason.UNMAPPED, f"{why}: set the annotation {SERVER_ANNOTATION}=NUMBER")


# Each node is mapped at every decision about every resource.
@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text

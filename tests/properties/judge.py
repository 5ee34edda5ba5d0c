"""What must hold before Robot is asked, judged without the code that decides it."""

from __future__ import annotations

from collections.abc import Sequence

from failoverip.core.addresses import AddressKey
from failoverip.core.cluster import Node, Ready
from failoverip.core.observation import Claim, Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Mode, MoveResult, OnCordon, Policy


def _storms(o: Observation) -> bool:
    return o.storm.storm is not None and o.now - o.storm.storm.began_at < 120.0


def _moves_of_the_hour(o: Observation) -> int:
    free = (Reason.SWITCH_REQUESTED, Reason.GROUP_SPLIT)
    return sum(
        move.attempts > 0
        and move.cause not in free
        and move.result is not MoveResult.REFUSED
        and o.wall_seconds - move.ended_at < 3600
        for move in o.resource.status.moves
    )


def shut_gates(o: Observation, requests: int, *, requested: bool) -> list[str]:
    """The names of the gates that are shut (design 4)."""
    policy, budget = o.resource.policy, o.account.budget
    gates = {
        "spec": isinstance(policy, Policy),
        "storm": isinstance(policy, Policy) and (not _storms(o) or requested),
        "moves": requested or _moves_of_the_hour(o) < 6,
        "mode": isinstance(policy, Policy) and policy.mode is Mode.ACTIVE,
        "claim": o.claim is Claim.HELD,
        "window": o.window_left_seconds >= 5.0,
        "conflict": o.conflict is None,
        "deleting": not o.resource.deleting,
        "credentials": o.credentials is None,
        "lists": o.cluster.listed_at is not None and o.now - o.cluster.listed_at <= 5.0,
        "route": o.account.routes_read_at is not None and o.now - o.account.routes_read_at <= 10.0,
        "servers": o.account.servers is not None,
        "budget": budget.writes_left >= requests and budget.write_at <= o.now,
    }
    return [name for name, is_open in gates.items() if not is_open]


def number_of(node: Node) -> int | None:
    """Of the server that a node of these tests is on."""
    text = node.server_annotation or node.provider_id.removeprefix("hrobot://")
    return int(text) if text.isdigit() and 1 <= int(text[:4]) <= 8 and len(text) < 4 else None


def is_alive(o: Observation, node: Node) -> bool:
    """Positive evidence: Ready, and a beat that changed at most 20 s ago."""
    changed_at = o.cluster.traces[node.uid].changed_at
    return node.ready is Ready.TRUE and changed_at is not None and o.now - changed_at <= 20.0


def nodes_on(o: Observation, number: int | None) -> list[Node]:
    """The nodes on a server."""
    return [n for n in o.cluster.nodes if number is not None and number_of(n) == number]


def nodes_at(o: Observation, key: AddressKey) -> list[Node]:
    """The nodes on the server to which Robot routes the address."""
    target = o.account.routes[key].target
    for server in o.account.servers or ():
        if target is not None and target in (server.ipv4, server.ipv6_net):
            return nodes_on(o, server.number)
    return []


def is_unwanted(policy: Policy, node: Node) -> bool:
    """The user wants the addresses off this node: cordon, deletion, selector."""
    cordoned = node.unschedulable and policy.on_cordon is OnCordon.MOVE
    return cordoned or node.deleting or not set(policy.node_selector) <= set(node.labels)


def may_carry(policy: Policy, o: Observation, node: Node) -> bool:
    """Eligible as a target: selected, alone on a known server, not cordoned, not deleting."""
    selected = set(policy.node_selector) <= set(node.labels)
    alone = nodes_on(o, number_of(node)) == [node]
    return selected and alone and not node.unschedulable and not node.deleting


def the_node(nodes: Sequence[Node], name: str, uid: str) -> Node | None:
    """The listed node of this name and UID."""
    return next((node for node in nodes if (node.name, node.uid) == (name, uid)), None)

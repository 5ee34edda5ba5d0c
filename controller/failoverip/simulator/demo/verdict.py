"""Whether the demo went well: what was seen goes in, what is wrong comes out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CONFIRMED = "Confirmed"


@dataclass(frozen=True, slots=True)
class Switch:
    """One cause and what came of it. `posts` and `executed` are counted in Robot's journal.

    `leader` began it and `finisher` ended it, by name of the replica; `in_flight_at_kill` tells
    whether Robot still switched when the leader was killed, None when nobody was.
    """

    source: str
    target: str
    result: str
    posts: int
    executed: int
    leader: str
    finisher: str
    robot_seconds: float | None
    in_flight_at_kill: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the address is in the end: by Robot, by the status, and which nodes have power."""

    address: str
    routed_to: str | None
    active_node: str
    active_node_ip: str | None
    ready: bool
    nodes_with_power: frozenset[str]


def problems(place: Place, switches: Sequence[Switch]) -> tuple[str, ...]:
    """What is not as it should be, a line each; empty when all is well."""
    found = _misplaced(place)
    for switch in switches:
        found += _unsound(switch)
    return tuple(found)


def _misplaced(place: Place) -> list[str]:
    found = []
    routed, node = place.routed_to or "nowhere", place.active_node or "no node"
    if place.routed_to is None or place.routed_to != place.active_node_ip:
        found.append(f"{place.address} is routed to {routed}, but the status says {node}")
    if place.active_node not in place.nodes_with_power:
        found.append(f"{place.address} is on {node}, which has no power")
    if not place.ready:
        found.append("the FailoverIP is not Ready")
    return found


def _unsound(switch: Switch) -> list[str]:
    found = []
    what = f"the switch from {switch.source} to {switch.target}"
    if switch.executed != 1:
        found.append(f"{what} was executed {switch.executed} times, not once")
    if switch.result != CONFIRMED:
        found.append(f"{what} ended {switch.result}, not {CONFIRMED}")
    if switch.in_flight_at_kill is False:
        found.append(f"{what} had ended before the leader was killed: nothing was shown")
    if switch.in_flight_at_kill is not None and switch.finisher == switch.leader:
        found.append(f"{what} was ended by {switch.leader}, which had been killed")
    return found

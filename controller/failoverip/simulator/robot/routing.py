"""Where each failover address goes, and the switches under way (hetzner-api 2 to 4).

A switch belongs to Robot, not to the client that asked for it: it holds the lock of its address
and ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from failoverip.simulator.robot import answers
from failoverip.simulator.robot.answers import Answer
from failoverip.simulator.robot.switches import RouteChoice, Switches
from failoverip.simulator.robot.world import Failover, Server, World


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch under way. `target` None: to nowhere; `failure`: how it will end badly."""

    number: int  # the request's, in the journal
    ip: str
    target: str | None
    begins: float
    ends: float
    failure: Answer | None = None


class Routing:
    """The routes and locks of all failover addresses. Answers are Robot's."""

    def __init__(self, world: World) -> None:
        self.failovers = {failover.ip: failover for failover in world.failovers}
        self._world = world
        self._targets = {failover.ip: failover.target for failover in world.failovers}
        self._running: dict[str, Switch] = {}

    @property
    def running(self) -> tuple[Switch, ...]:
        """The switches under way, in the order of their ends."""
        return tuple(sorted(self._running.values(), key=lambda each: (each.ends, each.number)))

    def target(self, ip: str) -> str | None:
        """Where an address really goes, whatever Robot shows while it switches."""
        return self._targets[ip]

    def move(self, ip: str, target: str | None) -> None:
        """A stranger's doing: the route is elsewhere from now on. Ends no switch."""
        self._targets[ip] = target

    def shown_target(self, ip: str, switches: Switches) -> str | None:
        """`active_server_ip` as Robot shows it now."""
        switch = self._running.get(ip)
        if switch is None:
            return self._targets[ip]
        return self._chosen(switches.route_during_switch, switch)

    def refusal(
        self, ip: str, target: str | None, switches: Switches, *, locked: bool
    ) -> Answer | None:
        """Why a write cannot start now: `locked` tells that a stranger holds the lock."""
        locked = locked or ip in self._running
        already = target is not None and self.shown_target(ip, switches) == target
        first = answers.ALREADY_ROUTED if already else None
        second = answers.LOCKED if locked else None
        if switches.first_check == "locked":
            first, second = second, first
        return first or second

    def start(self, switch: Switch) -> None:
        """Takes the lock of the address until `ends`; `refusal` has said that it is free."""
        self._running[switch.ip] = switch

    def settle(self, switch: Switch, switches: Switches) -> Answer:
        """Releases the lock, sets the route, and tells what the request is answered with."""
        if switch.failure is None:
            self._targets[switch.ip] = switch.target
        else:
            self._targets[switch.ip] = self._chosen(switches.failure_leaves, switch)
        del self._running[switch.ip]
        return switch.failure or answers.ok(self.view(switch.ip, switches))

    def view(self, ip: str, switches: Switches) -> dict[str, Any]:
        """The object `failover` of one address."""
        failover = self.failovers[ip]
        owner = self._owner(failover)
        shown: dict[str, Any] = {
            "ip": failover.ip,
            "netmask": failover.netmask,
            "server_ip": owner.ipv4 if switches.owner_ip == "present" else None,
            "server_ipv6_net": owner.ipv6_net,
            "server_number": owner.number,
            "active_server_ip": self.shown_target(ip, switches),
        }
        if switches.owner_ipv6_net == "absent":
            del shown["server_ipv6_net"]
        if switches.status_field == "present":
            shown["status"] = "processing" if ip in self._running else "ready"
        return {"failover": shown}

    def early_view(self, ip: str, target: str | None, switches: Switches) -> dict[str, Any]:
        """The object of a write that is answered before its switch has ended."""
        shown = self.view(ip, switches)
        shown["failover"]["active_server_ip"] = target
        return shown

    def _chosen(self, choice: RouteChoice, switch: Switch) -> str | None:
        if choice == "old":
            return self._targets[switch.ip]
        return switch.target if choice == "new" else None

    def _owner(self, failover: Failover) -> Server:
        owner = self._world.server(failover.server_number)
        if owner is None:
            raise LookupError(f"no server owns {failover.ip}")
        return owner

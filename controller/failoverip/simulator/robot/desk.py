"""Serves a request that has passed login and budget: looks up, checks, starts a switch."""

from __future__ import annotations

import ipaddress

from failoverip.simulator.robot import answers, servers
from failoverip.simulator.robot.answers import Answer
from failoverip.simulator.robot.faults import Fault, Kind
from failoverip.simulator.robot.journal import Entry
from failoverip.simulator.robot.requests import Call, Request, Route, canonical
from failoverip.simulator.robot.routing import Routing, Switch
from failoverip.simulator.robot.switches import Switches
from failoverip.simulator.robot.world import User, World

FAILURES = {Kind.FAILED: answers.FAILED, Kind.NOT_COMPLETE: answers.NOT_COMPLETE}


class Desk:
    """Answers for one world; a `Switch` instead of an answer is one that has been started."""

    def __init__(self, world: World, routing: Routing) -> None:
        self._world = world
        self._routing = routing

    def read(self, call: Call, user: User, switches: Switches) -> Answer:
        """The answer to a GET, or to a path that is not simulated."""
        match call.route:
            case Route.LIST:
                return self._list(user, switches)
            case Route.READ if self._sees(user, call.item):
                return answers.ok(self._routing.view(call.item, switches))
            case Route.SERVERS:
                return self._servers(user)
            case Route.SERVER:
                return self._server(call.item, user)
            case _:
                return answers.NOT_FOUND

    def write(
        self,
        call: Call,
        request: Request,
        user: User,
        switches: Switches,
        fault: Fault | None,
        entry: Entry,
    ) -> Answer | Switch:
        """Starts the switch that a POST or DELETE asks for, or says why not."""
        ip = call.item
        if not self._sees(user, ip):
            return answers.NOT_FOUND
        target: str | None = None
        if call.route is Route.SWITCH:
            checked = self._checked_target(ip, request, switches)
            if isinstance(checked, Answer):
                return checked
            target = checked
        kind = None if fault is None else fault.kind
        if kind is Kind.REFUSED:
            return answers.NEW_SERVER_NOT_FOUND
        locked = kind is Kind.LOCKED
        no = self._routing.refusal(ip, target, switches, locked=locked)
        if no is not None:
            return no
        if target is None and self._routing.target(ip) is None:
            # A DELETE of what is routed nowhere is a no-op.
            return answers.ok(self._routing.view(ip, switches))
        now, failure = entry.began, None if kind is None else FAILURES.get(kind)
        switch = Switch(entry.number, ip, target, now, now + switches.switch_seconds, failure)
        self._routing.start(switch)
        entry.executed = True
        return switch

    def _checked_target(self, ip: str, request: Request, switches: Switches) -> str | Answer:
        """The target of a POST in its canonical spelling, or the refusal of a bad one."""
        given = request.form.get("active_server_ip")
        if not given:
            return answers.invalid_input(missing=["active_server_ip"])
        invalid = answers.invalid_input(invalid=["active_server_ip"])
        target = canonical(given)
        version = self._routing.failovers[ip].version
        if target is None or ipaddress.ip_address(target).version != version:
            return invalid
        mains = [each.ipv4 if version == 4 else each.ipv6_net for each in self._world.servers]
        if target in mains:
            return target
        net = _net64(target) if version == 6 else None
        if net in mains and net is not None:
            by_switch: dict[str, str | Answer] = {
                "400": invalid,
                "404": answers.NEW_SERVER_NOT_FOUND,
                "accept": net,
            }
            return by_switch[switches.ipv6_host_target]
        return answers.NEW_SERVER_NOT_FOUND if switches.unknown_target == "404" else invalid

    def _list(self, user: User, switches: Switches) -> Answer:
        seen = [ip for ip in self._routing.failovers if self._sees(user, ip)]
        if not seen and switches.empty_list == "404":
            return answers.NOT_FOUND
        return answers.ok([self._routing.view(ip, switches) for ip in seen])

    def _servers(self, user: User) -> Answer:
        seen = [each for each in self._world.servers if _sees_server(user, each.number)]
        if not seen:
            return answers.SERVER_NOT_FOUND
        return answers.ok([servers.listed(each, self._world) for each in seen])

    def _server(self, item: str, user: User) -> Answer:
        server = self._world.server(int(item)) if item.isdecimal() else None
        if server is None or not _sees_server(user, server.number):
            return answers.SERVER_NOT_FOUND
        return answers.ok(servers.detailed(server, self._world))

    def _sees(self, user: User, ip: str) -> bool:
        known = ip in self._routing.failovers
        return known and (user.addresses is None or ip in user.addresses)


def _sees_server(user: User, number: int) -> bool:
    return user.servers is None or number in user.servers


def _net64(address: str) -> str:
    return str(ipaddress.ip_address(int(ipaddress.ip_address(address)) >> 64 << 64))

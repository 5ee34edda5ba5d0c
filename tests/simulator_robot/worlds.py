"""One small world, and a client that talks to a machine under a clock of its own."""

from __future__ import annotations

import json
from typing import Any

from failoverip.simulator.robot import Answer, Exchange, Machine, Request, World, parse_world

USER, PASSWORD = "#ws+demo", "canary-7c1e9f"
ADDRESS, SUBNET, ADDRESS_V6 = "203.0.113.10", "203.0.113.16", "2001:db8:fff1::"
FIRST, SECOND = "192.0.2.11", "192.0.2.12"
FIRST_NET, SECOND_NET = "2001:db8:a:1::", "2001:db8:a:2::"

WORLD: dict[str, Any] = {
    "users": [
        {"name": USER, "password": PASSWORD},
        {"name": "other", "password": "other-password"},
    ],
    "servers": [
        {"number": 321, "name": "one", "ipv4": FIRST, "ipv6_net": FIRST_NET},
        {"number": 322, "name": "two", "ipv4": SECOND, "ipv6_net": SECOND_NET},
        {"number": 323, "name": "six-only", "ipv6_net": "2001:db8:a:3::"},
    ],
    "failovers": [
        {"ip": ADDRESS, "server_number": 321, "active": 321},
        {
            "ip": SUBNET,
            "netmask": "255.255.255.248",
            "server_number": 321,
            "active": 321,
        },
        {"ip": ADDRESS_V6, "server_number": 321, "active": 322},
    ],
}


def world(**switches: Any) -> World:
    """The world, with some switches set."""
    return parse_world({**WORLD, "switches": switches})


class Story:
    """A machine and its time. Each request goes out at `now`."""

    def __init__(self, start: World) -> None:
        self.machine = Machine(start)
        self.now = 1000.0

    def later(self, seconds: float) -> Story:
        """Time goes by."""
        self.now += seconds
        self.machine.advance(self.now)
        return self

    def send(
        self,
        method: str,
        path: str,
        *,
        user: str | None = USER,
        password: str = PASSWORD,
        source: str = "198.51.100.1",
        **form: str,
    ) -> Exchange:
        """A request, perhaps with its reply."""
        return self.machine.begin(Request(method, path, source, user, password, form), self.now)

    def get(self, path: str = f"/failover/{ADDRESS}", **login: Any) -> Answer:
        """The answer to a GET, which must come at once."""
        return answer(self.send("GET", path, **login))

    def post(self, target: str = SECOND, address: str = ADDRESS) -> Exchange:
        """Asks for a switch."""
        return self.send("POST", f"/failover/{address}", active_server_ip=target)

    def delete(self, address: str = ADDRESS) -> Exchange:
        """Asks to route nowhere."""
        return self.send("DELETE", f"/failover/{address}")

    def shown(self, address: str = ADDRESS) -> dict[str, Any]:
        """The object `failover` of an address, as a GET shows it now."""
        shown: dict[str, Any] = body(self.get(f"/failover/{address}"))["failover"]
        return shown


def answer(exchange: Exchange) -> Answer:
    """The reply of an exchange, which must be there and be HTTP."""
    assert isinstance(exchange.reply, Answer), exchange
    return exchange.reply


def body(of: Answer | Exchange) -> Any:
    """The JSON of an answer."""
    return json.loads((of if isinstance(of, Answer) else answer(of)).body)


def outcome(exchange: Exchange) -> tuple[int, str | None]:
    """Status and Robot's code."""
    given = answer(exchange)
    return given.status, given.code

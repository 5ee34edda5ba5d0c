"""A request as the machine sees it, and which of Robot's calls it is (hetzner-api 2 and 6)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is decoded and has no query; `user` None means that no login was sent."""

    method: str
    path: str
    source: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    form: Mapping[str, str] = field(default_factory=dict)


class Route(StrEnum):
    """The calls that are simulated; the value is how the documents write them."""

    LIST = "GET /failover"
    READ = "GET /failover/{ip}"
    SWITCH = "POST /failover/{ip}"
    UNROUTE = "DELETE /failover/{ip}"
    SERVERS = "GET /server"
    SERVER = "GET /server/{number}"
    UNKNOWN = "unknown"

    @property
    def writes(self) -> bool:
        """Whether it changes a route."""
        return self in {Route.SWITCH, Route.UNROUTE}


@dataclass(frozen=True, slots=True)
class Call:
    """A request's route, the address or number in its path, and the target that it asks for.

    Addresses are canonical where they are such.
    """

    route: Route
    item: str = ""
    target: str = ""

    @property
    def address(self) -> str | None:
        """The failover address in the path."""
        named = self.route in {Route.READ, Route.SWITCH, Route.UNROUTE}
        return self.item if named else None


def called(request: Request) -> Call:
    """Which call a request is; `UNKNOWN` for what is not simulated."""
    match request.method, request.path.strip("/").split("/"):
        case "GET", ["failover"]:
            return Call(Route.LIST)
        case "GET" | "POST" | "DELETE", ["failover", item]:
            routes = {"GET": Route.READ, "POST": Route.SWITCH, "DELETE": Route.UNROUTE}
            target = request.form.get("active_server_ip", "")
            return Call(
                routes[request.method], canonical(item) or item, canonical(target) or target
            )
        case "GET", ["server"]:
            return Call(Route.SERVERS)
        case "GET", ["server", item]:
            return Call(Route.SERVER, item)
        case _:
            return Call(Route.UNKNOWN)


# The same few addresses are asked for again and again.
@lru_cache(maxsize=1024)
def canonical(text: str) -> str | None:
    """One spelling for one address; None when it is none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None

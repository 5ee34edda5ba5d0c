"""The objects of Robot's JSON as facts of the core, pure.

Extra keys are tolerated (hetzner-api 2). A key that is missing, of another type or not an address
spoils the whole answer (`MalformedAnswerError`): a list that lacks one entry would read as "that
address is not ours", which nobody said.
"""

from __future__ import annotations

import ipaddress
import json

from failoverip.core.addresses import AddressKey, TargetAddress, canonical
from failoverip.core.provider import Route, Server

# A server with its addresses takes about 0.5 kB, so this holds some 4000 of them, the most that
# one account could plausibly list. An endless answer must not take the memory of the process.
MAX_BODY_BYTES = 2 * 1024 * 1024

_MAX_NAME_CHARACTERS = 253


class MalformedAnswerError(ValueError):
    """Not an answer of Robot's. The text is ours and quotes nothing of the answer."""


def json_document(body: bytes) -> object:
    """The JSON value of a whole body; MalformedAnswerError for anything else."""
    if len(body) > MAX_BODY_BYTES:
        raise MalformedAnswerError(f"an answer above {MAX_BODY_BYTES} bytes")
    if not body.strip():
        raise MalformedAnswerError("an empty answer")
    try:
        document: object = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        kind = "HTML" if body.lstrip()[:1] == b"<" else "something cut off or other than JSON"
        raise MalformedAnswerError(f"{kind} instead of JSON") from None
    return document


def parse_routes(document: object) -> tuple[Route, ...]:
    """The entries of GET /failover, sorted by address. None comes twice."""
    routes = tuple(sorted(map(parse_route, _entries(document)), key=lambda route: route.address))
    if len({route.address for route in routes}) != len(routes):
        raise MalformedAnswerError("an address listed twice")
    return routes


def parse_route(document: object) -> Route:
    """One `{"failover": {...}}`."""
    item = _item(document, "failover")
    address = _address(_text(item, "ip"), "ip")
    return Route(
        AddressKey(address),
        _target(item, address),
        _ready(item),
        prefix_length(item.get("netmask"), ipaddress.ip_address(address).version),
    )


def parse_servers(document: object) -> tuple[Server, ...]:
    """The entries of GET /server, sorted by number. None comes twice."""
    servers = tuple(sorted(map(_server, _entries(document)), key=lambda server: server.number))
    if len({server.number for server in servers}) != len(servers):
        raise MalformedAnswerError("a server listed twice")
    return servers


def prefix_length(netmask: object, version: int) -> int | None:
    """The bits of a dotted or textual mask, None for anything else.

    `ipaddress` refuses the textual IPv6 mask `ffff:ffff:ffff:ffff::` (hetzner-api 2).
    """
    if not isinstance(netmask, str):
        return None
    try:
        mask = ipaddress.ip_address(netmask)
    except ValueError:
        return None
    if mask.version != version:
        return None
    bits = f"{int(mask):0{mask.max_prefixlen}b}"
    ones = bits.rstrip("0")
    return None if "0" in ones else len(ones)


def _server(document: object) -> Server:
    item = _item(document, "server")
    number = item.get("server_number")
    if type(number) is not int or number <= 0:
        raise MalformedAnswerError("a server without server_number")
    ipv4 = _family(item, "server_ip", 4)
    return Server(number, _name(item), ipv4, _family(item, "server_ipv6_net", 6))


def _family(item: dict[str, object], key: str, version: int) -> TargetAddress | None:
    """A server's main address, None where it has none.

    That is null or empty on an IPv6-only server (hetzner-api 5.5), and `server_ipv6_net` is absent
    from older documentation (hetzner-api 2).
    """
    if item.get(key) in (None, ""):
        return None
    address = _address(_text(item, key), key)
    if ipaddress.ip_address(address).version != version:
        raise MalformedAnswerError(f"{key} of the wrong family")
    return TargetAddress(address)


def _name(item: dict[str, object]) -> str:
    """The server's name for people, fit for any log; it decides nothing."""
    name = item.get("server_name")
    if not isinstance(name, str):
        return ""
    return "".join(filter(str.isprintable, name))[:_MAX_NAME_CHARACTERS]


def _ready(item: dict[str, object]) -> bool | None:
    """`status` is undocumented: only `ready` proves that a switch has settled."""
    status = item.get("status")
    if status is None:
        return None
    if not isinstance(status, str):
        raise MalformedAnswerError("a status that is no text")
    return status == "ready"


def _target(item: dict[str, object], address: str) -> TargetAddress | None:
    """Null means "routed nowhere"; a key that is absent means nothing."""
    if "active_server_ip" in item and item["active_server_ip"] is None:
        return None
    target = _address(_text(item, "active_server_ip"), "active_server_ip")
    if ipaddress.ip_address(target).version != ipaddress.ip_address(address).version:
        raise MalformedAnswerError("active_server_ip of the wrong family")
    return TargetAddress(target)


def _entries(document: object) -> list[object]:
    if not isinstance(document, list):
        raise MalformedAnswerError("no list")
    return document


def _item(document: object, kind: str) -> dict[str, object]:
    item = document.get(kind) if isinstance(document, dict) else None
    if not isinstance(item, dict):
        raise MalformedAnswerError(f"no {kind} object")
    return item


def _text(item: dict[str, object], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise MalformedAnswerError(f"no {key}")
    return value


def _address(text: str, key: str) -> str:
    try:
        address = canonical(text)
    except ValueError:
        raise MalformedAnswerError(f"{key} is no address") from None
    if "%" in address:
        raise MalformedAnswerError(f"{key} is no address")
    return address

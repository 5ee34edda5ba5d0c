"""Bodies as Robot writes them."""

from __future__ import annotations

import json
from typing import Any

from failoverip.core.addresses import AddressKey, TargetAddress

ADDRESS = AddressKey("203.0.113.10")
TARGET = TargetAddress("192.0.2.12")
SINGLE: dict[str, Any] = {
    "ip": "203.0.113.10",
    "netmask": "255.255.255.255",
    "server_ip": "192.0.2.11",
    "server_ipv6_net": "2001:db8:a:1::",
    "server_number": 321,
    "active_server_ip": "192.0.2.12",
}
V6 = SINGLE | {
    "ip": "2001:db8:fff1::",
    "netmask": "ffff:ffff:ffff:ffff::",
    "active_server_ip": "2001:db8:a:2::",
}


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def failover(**changed: object) -> dict[str, object]:
    return {"failover": SINGLE | changed}


def error(status: int, code: str, **extra: object) -> bytes:
    return body({"error": {"status": status, "code": code, "message": "text", **extra}})

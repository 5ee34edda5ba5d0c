"""The objects of `GET /server` and `GET /server/{number}` (hetzner-api 6)."""

from __future__ import annotations

import ipaddress
from typing import Any

from failoverip.simulator.robot.world import Failover, Server, World


def listed(server: Server, world: World) -> dict[str, Any]:
    """The object `server` of the list."""
    owned = [each for each in world.failovers if each.server_number == server.number]
    # Failover addresses are seen among the owner's addresses, so a node must never be mapped
    # by "any address of the server".
    singles = [each.ip for each in owned if each.netmask == "255.255.255.255"]
    nets = [_subnet(each) for each in owned if each.ip not in singles]
    if server.ipv6_net is not None:
        nets.insert(0, {"ip": server.ipv6_net, "mask": "64"})
    addresses = [address for address in [server.ipv4, *singles] if address is not None]
    return {
        "server": {
            "server_ip": server.ipv4,
            "server_ipv6_net": server.ipv6_net,
            "server_number": server.number,
            "server_name": server.name,
            "product": "AX41-NVMe",
            "dc": "FSN1-DC10",
            "traffic": "unlimited",
            "status": "ready",
            "cancelled": False,
            "paid_until": "2027-01-31",
            "ip": addresses or None,
            "subnet": nets or None,
        }
    }


def detailed(server: Server, world: World) -> dict[str, Any]:
    """The object `server` of one server: the list's, with what it can do."""
    shown = listed(server, world)
    for capability in ("reset", "rescue", "vnc", "wol"):
        shown["server"][capability] = True
    for capability in ("windows", "plesk", "cpanel", "hot_swap"):
        shown["server"][capability] = False
    shown["server"]["linked_storagebox"] = None
    return shown


def _subnet(failover: Failover) -> dict[str, str]:
    mask = ipaddress.ip_address(failover.netmask)
    return {"ip": failover.ip, "mask": str(int(mask).bit_count())}

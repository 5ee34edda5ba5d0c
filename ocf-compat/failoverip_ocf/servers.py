"""Which of the account's servers this machine is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv6Network, ip_address

from failoverip_ocf.cache import CachedServer


class NoServerError(ValueError):
    """This machine is none of the servers, or could be several; one line that tells the fix."""


def own_targets(
    servers: Iterable[CachedServer], parameter: str, local: Collection[str]
) -> tuple[str, str]:
    """The addresses that Robot takes to route IPv4 and IPv6 here; empty for a family it lacks.

    `parameter`: the server's number or a main address of it, or empty: then `local`, the machine's
    own addresses, decide. NoServerError.
    """
    servers = tuple(servers)
    if parameter.isdecimal():
        found = [server for server in servers if server.number == int(parameter)]
    elif parameter:
        found = [server for server in servers if _has(server, [parameter])]
    else:
        found = [server for server in servers if _has(server, local)]
    if len(found) == 1:
        return found[0].ipv4, found[0].ipv6_net
    if parameter:
        raise NoServerError(f"server: Robot lists no server {parameter} for this user")
    if found:
        numbers = ", ".join(str(server.number) for server in found)
        raise NoServerError(
            f"this machine has the main addresses of several servers ({numbers}): set server"
        )
    raise NoServerError(
        "none of this machine's addresses is the main address of a server that Robot lists for "
        "this user: set server to its number"
    )


def _has(server: CachedServer, addresses: Collection[str]) -> bool:
    """Never by any address of a server but its main ones: Robot lists failover addresses too."""
    if server.ipv4 and server.ipv4 in addresses:
        return True
    if not server.ipv6_net:
        return False
    net = IPv6Network((server.ipv6_net, 64), strict=False)
    return any(":" in one and "%" not in one and ip_address(one) in net for one in addresses)

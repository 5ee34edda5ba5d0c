"""Addresses as Robot and as a FailoverIP write them, compared as values, never as strings.

A FailoverIP names `203.0.113.10`, `203.0.113.16/29` or `2001:db8:1:2::/64`; Robot names the same
by the plain network address, without a prefix (hetzner-api 2). The network address is the key.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import NewType

# The canonical network address of a failover IP or subnet: `203.0.113.16`, `2001:db8:1:2::`.
AddressKey = NewType("AddressKey", str)
# The canonical address that Robot routes to: a server's main IPv4, or its main IPv6 net's address.
TargetAddress = NewType("TargetAddress", str)


@dataclass(frozen=True, slots=True)
class FailoverAddress:
    """One address of a resource. `text` is what the user wrote, `key` what Robot calls it."""

    text: str
    key: AddressKey
    version: int  # 4 or 6


def parse_failover_address(text: str) -> FailoverAddress:
    """The address a user wrote; ValueError in one line when it is none."""
    network = ipaddress.ip_network(text, strict=True)
    return FailoverAddress(text, AddressKey(str(network.network_address)), network.version)


def canonical(text: str) -> str:
    """One spelling for one address; ValueError when it is none."""
    return str(ipaddress.ip_address(text.strip()))


# Every address is looked at in every list, and parsing is what that costs.
@lru_cache(maxsize=4096)
def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The block of an address or subnet; host bits are ignored."""
    return ipaddress.ip_network(text, strict=False)


def overlap(one: str, other: str) -> bool:
    """Whether two addresses or subnets of resources share an address."""
    first, second = network_of(one), network_of(other)
    return first.version == second.version and first.overlaps(second)

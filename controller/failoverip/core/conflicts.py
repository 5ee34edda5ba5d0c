"""Resources that claim the same address: the older one keeps working (design 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from failoverip.core.addresses import network_of
from failoverip.core.resource import Policy, Resource

# An IP version, a prefix length and the bits of that prefix.
Block = tuple[int, int, int]


def find_conflicts(resources: Iterable[Resource]) -> Mapping[str, str]:
    """By UID of each resource that must stand back: the name of an older one it overlaps.

    Older by creation time, then by the smaller UID. A resource that stands back itself still
    counts: else removing one of three would decide between the others by chance.

    Two blocks overlap when one holds the other, so each is looked up by its own prefixes: to
    compare all pairs took seconds with a thousand resources, at every list.
    """
    ordered = sorted(resources, key=lambda resource: (resource.created_at, resource.uid))
    conflicts: dict[str, str] = {}
    # By block, the age (as a place in `ordered`) of the oldest that claims it, or a part of it.
    claimed: dict[Block, int] = {}
    parted: dict[Block, int] = {}
    for age, resource in enumerate(ordered):
        wanted = [_blocks(text) for text in _addresses(resource)]
        older = [claimed[block] for blocks in wanted for block in blocks if block in claimed]
        older += [parted[blocks[0]] for blocks in wanted if blocks[0] in parted]
        if older:
            conflicts[resource.uid] = ordered[min(older)].name
        for blocks in wanted:
            claimed.setdefault(blocks[0], age)
            for block in blocks[1:]:
                parted.setdefault(block, age)
    return conflicts


def _addresses(resource: Resource) -> tuple[str, ...]:
    """What it claims. A spec that cannot be read gives up nothing: the status tells what it had."""
    policy = resource.policy
    if isinstance(policy, Policy):
        return tuple(address.text for address in policy.addresses)
    return tuple(told.address.text for told in resource.status.addresses)


# Looked up at every list.
@lru_cache(maxsize=4096)
def _blocks(text: str) -> tuple[Block, ...]:
    """The block of an address or subnet, then each one that holds it, from the smallest on."""
    network = network_of(text)
    bits, longest = int(network.network_address), network.max_prefixlen
    lengths = range(network.prefixlen, -1, -1)
    return tuple((network.version, length, bits >> (longest - length)) for length in lengths)

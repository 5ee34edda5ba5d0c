"""Resources that claim the same address: the older one keeps working (design 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from failoverip.core.addresses import overlap
from failoverip.core.resource import Policy, Resource


def find_conflicts(resources: Iterable[Resource]) -> Mapping[str, str]:
    """By UID of each resource that must stand back: the name of an older one it overlaps.

    Older by creation time, then by the smaller UID. A resource that stands back itself still
    counts: else removing one of three would decide between the others by chance.
    """
    ordered = sorted(resources, key=lambda resource: (resource.created_at, resource.uid))
    conflicts: dict[str, str] = {}
    for index, younger in enumerate(ordered):
        for older in ordered[:index]:
            if _overlapping(older, younger):
                conflicts[younger.uid] = older.name
                break
    return conflicts


def _overlapping(one: Resource, other: Resource) -> bool:
    if not isinstance(one.policy, Policy) or not isinstance(other.policy, Policy):
        return False
    return any(
        overlap(first.text, second.text)
        for first in one.policy.addresses
        for second in other.policy.addresses
    )

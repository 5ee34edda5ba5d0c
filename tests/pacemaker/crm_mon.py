"""What the cluster believes: crm_mon's XML as values."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

INFINITY = 1_000_000
# What crm_mon calls a resource whose agent is at it; `active` says that of a start, too.
_UNDER_WAY = frozenset({"Starting", "Stopping", "Migrating", "Promoting", "Demoting"})


@dataclass(frozen=True)
class Resource:
    """One resource, as crm_mon shows it."""

    name: str
    nodes: tuple[str, ...]
    active: bool
    failed: bool
    blocked: bool
    managed: bool


@dataclass(frozen=True)
class ClusterStatus:
    """One look at the cluster from one node."""

    online: frozenset[str]
    with_quorum: bool
    coordinator: bool
    resources: dict[str, Resource]
    fail_counts: dict[tuple[str, str], int]  # (node, resource)
    bans: frozenset[tuple[str, str]]  # (node, resource), by constraint

    def banned(self, *resources: str) -> tuple[str, ...]:
        """The nodes on which one of these may not run: by fail-count or by constraint."""
        failed = {key for key, count in self.fail_counts.items() if count >= INFINITY}
        return tuple(sorted({node for node, name in failed | self.bans if name in resources}))

    def where(self, resource: str) -> list[str]:
        """The nodes on which it is active and well."""
        found = self.resources.get(resource)
        return list(found.nodes) if found and found.active and not found.failed else []


def parse(text: str) -> ClusterStatus:
    """Of the output of `crm_mon -1 -rfL --output-as=xml`."""
    root = ET.fromstring(text)  # noqa: S314 - of our own cluster
    dc = root.find("summary/current_dc")
    return ClusterStatus(
        online=frozenset(
            node.get("name", "")
            for node in root.findall("nodes/node")
            if node.get("online") == "true" and node.get("pending") == "false"
        ),
        with_quorum=dc is not None and dc.get("with_quorum") == "true",
        coordinator=dc is not None and dc.get("present") == "true",
        resources={found.name: found for found in _resources(root)},
        fail_counts={
            (node.get("name", ""), history.get("id", "")): _count(history.get("fail-count", "0"))
            for node in root.findall("node_history/node")
            for history in node.findall("resource_history")
            if history.get("fail-count", "0") != "0"
        },
        bans=frozenset(
            (ban.get("node", ""), ban.get("resource", "")) for ban in root.findall("bans/ban")
        ),
    )


def _count(text: str) -> int:
    return INFINITY if text == "INFINITY" else int(text)


def _resources(root: ET.Element) -> Iterator[Resource]:
    for found in root.iter("resource"):
        name = found.get("id")
        if name is None:
            continue
        if found.get("role") in _UNDER_WAY:
            yield Resource(name, (), active=False, failed=False, blocked=False, managed=True)
            continue
        flags = {
            key: found.get(key) == "true" for key in ("active", "failed", "blocked", "managed")
        }
        nodes = tuple(node.get("name", "") for node in found.findall("node"))
        yield Resource(name, nodes, **flags)

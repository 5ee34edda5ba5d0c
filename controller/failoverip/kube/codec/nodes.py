"""Nodes and their heartbeat Leases as values."""

from __future__ import annotations

from failoverip.core.addresses import canonical
from failoverip.core.cluster import Heartbeat, Node, Ready
from failoverip.core.resource import SERVER_ANNOTATION
from failoverip.kube.codec.wire import Field, Json, label_pairs

# Host names and DNS names are no addresses; a node's own address is of one of these types.
_ADDRESS_TYPES = ("InternalIP", "ExternalIP")


def node_from(item: Json) -> Node:
    """A v1 Node, projected. UnreadableError when it has no name."""
    node = Field(item, "")
    metadata, spec, status = node["metadata"], node["spec"], node["status"]
    return Node(
        name=metadata["name"].text(),
        uid=metadata["uid"].text(""),
        labels=label_pairs(metadata["labels"]),
        ready=_ready(status["conditions"]),
        unschedulable=spec["unschedulable"].boolean(),
        deleting=not metadata["deletionTimestamp"].is_absent,
        provider_id=spec["providerID"].text(""),
        addresses=_addresses(status["addresses"]),
        server_annotation=metadata["annotations"][SERVER_ANNOTATION].text(""),
    )


def heartbeat_from(item: Json) -> Heartbeat:
    """A Lease of kube-node-lease. One without renewTime has an empty text, which never changes."""
    lease = Field(item, "")
    return Heartbeat(lease["metadata"]["name"].text(), lease["spec"]["renewTime"].text(""))


def _ready(conditions: Field) -> Ready:
    for condition in conditions.items():
        if condition["type"].value == "Ready":
            value = condition["status"].value
            # A word that Kubernetes does not know today says nothing about health.
            return Ready(value) if value in ("True", "False") else Ready.UNKNOWN
    return Ready.ABSENT


def _addresses(addresses: Field) -> tuple[str, ...]:
    found = []
    for entry in addresses.items():
        if entry["type"].value in _ADDRESS_TYPES:
            try:
                found.append(canonical(entry["address"].text("")))
            except ValueError:
                continue
    return tuple(found)

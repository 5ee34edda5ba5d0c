"""The election's Lease both ways."""

from __future__ import annotations

from failoverip.core.lease import LeaseRecord
from failoverip.kube.codec.wire import Field, Json, compact, label_pairs


def lease_from(item: Json) -> LeaseRecord:
    """A Lease as it is stored; UnreadableError when its fields are of other types."""
    lease = Field(item, "")
    metadata, spec = lease["metadata"], lease["spec"]
    return LeaseRecord(
        holder=spec["holderIdentity"].text(""),
        lease_duration_seconds=spec["leaseDurationSeconds"].integer(0),
        acquire_time=spec["acquireTime"].text(""),
        renew_time=spec["renewTime"].text(""),
        transitions=spec["leaseTransitions"].integer(0),
        annotations=label_pairs(metadata["annotations"]),
        resource_version=metadata["resourceVersion"].text(""),
    )


def lease_to(namespace: str, name: str, record: LeaseRecord) -> Json:
    """The Lease to write. With a resource version the write is conditional.

    A released Lease has no holderIdentity, as client-go writes it.
    """
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": compact(
            namespace=namespace,
            name=name,
            resourceVersion=record.resource_version,
            annotations=dict(record.annotations) or None,
        ),
        "spec": compact(
            holderIdentity=record.holder,
            leaseDurationSeconds=record.lease_duration_seconds,
            acquireTime=record.acquire_time,
            renewTime=record.renew_time,
            leaseTransitions=record.transitions,
        ),
    }

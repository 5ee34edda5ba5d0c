"""A coordination.k8s.io/v1 Lease as a value."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """`spec` of the Lease with its annotations; times are opaque texts written by some clock.

    `holder` is empty when released. `resource_version` is empty for a record not yet created.
    """

    holder: str
    lease_duration_seconds: int
    acquire_time: str
    renew_time: str
    transitions: int
    annotations: tuple[tuple[str, str], ...] = field(default=())
    resource_version: str = ""

"""The election's Lease behind the Kubernetes door."""

from __future__ import annotations

from failoverip.core.lease import LeaseRecord
from failoverip.kube import Kubernetes, NotFound


class LeaseOnApi:
    """A `LeaseStore` on the API server."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, name: str) -> None:
        self._kubernetes = kubernetes
        self._namespace = namespace
        self._name = name

    async def get(self, timeout_seconds: float) -> LeaseRecord:
        """The record as it is stored; NotFound when there is no Lease."""
        record = await self._kubernetes.get_lease(self._namespace, self._name, timeout_seconds)
        if record is None:
            raise NotFound(f"lease {self._name} does not exist", self._name)
        return record

    async def create(self, record: LeaseRecord, timeout_seconds: float) -> LeaseRecord:
        """Create the Lease; Conflict when it exists."""
        return await self._kubernetes.create_lease(
            self._namespace, self._name, record, timeout_seconds
        )

    async def update(self, record: LeaseRecord, timeout_seconds: float) -> LeaseRecord:
        """Replace the Lease; Conflict when it changed since."""
        return await self._kubernetes.update_lease(
            self._namespace, self._name, record, timeout_seconds
        )

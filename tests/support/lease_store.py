"""A Lease behind an API server that misbehaves on demand, for each replica by itself."""

from __future__ import annotations

import asyncio

from tests.support.election_world import LeaseServer, Refusal

from failoverip.core.election import Create, Get, Update
from failoverip.core.lease import LeaseRecord
from failoverip.kube.errors import ApiUnreachable, Conflict, NotFound, OutcomeUnknown, ServerError
from failoverip.simulator.world.links import Link


class ReplicaStore:
    """A `LeaseStore` of one replica; `arrived` are the times of the requests that got through."""

    def __init__(self, server: LeaseServer, latency_seconds: float = 0.01) -> None:
        self._server = server
        self._latency_seconds = latency_seconds
        self.link = Link.FINE
        self.arrived: list[float] = []

    async def get(self, timeout_seconds: float) -> LeaseRecord:
        return await self._request(Get(), timeout_seconds)

    async def create(self, record: LeaseRecord, timeout_seconds: float) -> LeaseRecord:
        return await self._request(Create(record), timeout_seconds)

    async def update(self, record: LeaseRecord, timeout_seconds: float) -> LeaseRecord:
        return await self._request(Update(record), timeout_seconds)

    async def _request(self, request: Get | Create | Update, timeout_seconds: float) -> LeaseRecord:
        if self.link is Link.REFUSES:
            raise ApiUnreachable("connection refused")
        if self.link is Link.HANGS:
            # Longer than asked for: who calls must not depend on the store's own limit.
            await asyncio.sleep(timeout_seconds + 3600)
        await asyncio.sleep(self._latency_seconds)
        if self.link is Link.FAILS:
            raise ServerError("500 etcdserver: request timed out")
        self.arrived.append(asyncio.get_running_loop().time())
        answer = self._server.serve(request)
        await asyncio.sleep(self._latency_seconds)
        if self.link is Link.LOSES_ANSWERS:
            raise OutcomeUnknown("connection reset")
        if answer is Refusal.NOT_FOUND:
            raise NotFound("leases failoverip not found")
        if answer is Refusal.CONFLICT:
            raise Conflict("the object has been modified")
        assert isinstance(answer, LeaseRecord)
        return answer

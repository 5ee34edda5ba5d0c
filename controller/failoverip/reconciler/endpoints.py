"""Which addresses the API server is reached by: a failover IP among them is a trap (design 7).

When the node behind it dies, every heartbeat stops with it, and nothing can be decided.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from failoverip.clock import Clock
from failoverip.kube import KubeError
from failoverip.reconciler.ports import KubernetesDoor

# An endpoint changes when somebody rebuilds the cluster.
LOOK_AGAIN_SECONDS = 600.0
RESOLVE_LIMIT_SECONDS = 3.0


class Endpoints:
    """The API server's addresses, looked up now and then; empty while nobody can tell."""

    def __init__(self, door: KubernetesDoor, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._looked_at: float | None = None
        self.addresses: frozenset[str] = frozenset()

    async def refresh(self) -> None:
        """Look up again if it is time."""
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < LOOK_AGAIN_SECONDS:
            return
        self._looked_at = now
        hosts = {self._door.server_host}
        try:
            hosts.add(await self._door.get_cluster_info_server() or "")
        except KubeError:
            # The next look may succeed; the lists tell of the trouble.
            self._looked_at = None
        self.addresses = frozenset([*_literal(hosts), *await _resolved(hosts)])


def _literal(hosts: Iterable[str]) -> list[str]:
    return [str(address) for host in hosts if (address := _address(host)) is not None]


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def _resolved(hosts: Iterable[str]) -> list[str]:
    """The addresses of names; a name that cannot be resolved in time tells nothing."""
    found: list[str] = []
    for name in sorted(host for host in hosts if host and _address(host) is None):
        try:
            async with asyncio.timeout(RESOLVE_LIMIT_SECONDS):
                answers = await asyncio.get_running_loop().getaddrinfo(
                    name, None, type=socket.SOCK_STREAM
                )
        except OSError:
            continue
        found += [str(answer[4][0]) for answer in answers]
    return found

"""The watches: kopf as list-and-watch machinery, and the only import of kopf.

Handlers only wake the reconcile task, and only for a change that a decision could see; a watch
that dies costs at most one resync. No daemon, timer or change handler: they would put finalizers
and annotations on objects, and `kubectl delete` would hang without us (kopf.md 1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Protocol

import kopf

from failoverip.clock import Clock
from failoverip.core.cluster import Node
from failoverip.kube import ConnectionInfo
from failoverip.kube.codec import node_from
from failoverip.metrics import Metrics

# The server ends a watch after this long; whole seconds, for kopf writes it into the URL.
WATCH_SECONDS = 300
# kopf closes its connections at its end; what takes longer is left behind.
STOP_LIMIT_SECONDS = 1.0
# kopf's first list comes in pages, and what it keeps of an object it drops soon: all nodes of a
# large cluster at once would be hundreds of MiB.
PAGE_OBJECTS = 100
KEEP_OBJECT_SECONDS = 0.2
# A watch that is silent for longer than bookmarks are apart is dead.
WATCH_SILENT_SECONDS = 70.0


class Connection(Protocol):
    """Where kopf finds the API server: `KubeClient` in production."""

    async def connection_info(self) -> ConnectionInfo:
        """Files and token as they are now."""
        ...


class Watches:
    """Turns watch events into wake-ups.

    `known_version` gives the resourceVersion of a FailoverIP as the reconciler knows it: the echo
    of its own write wakes nobody.
    """

    def __init__(
        self,
        connection: Connection,
        wake: Callable[[], None],
        known_version: Callable[[str], str],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._connection = connection
        self._wake = wake
        self._known_version = known_version
        self._clock = clock
        self._metrics = metrics
        self._nodes: dict[str, Node] = {}

    def node_seen(self, kind: str | None, node: Node) -> None:
        """A watch event about a node; its heartbeats and images are not news."""
        self._metrics.watch_heard("nodes", self._clock.now())
        if kind == "DELETED":
            self._nodes.pop(node.name, None)
            self._wake()
        elif self._nodes.get(node.name) != node:
            self._nodes[node.name] = node
            self._wake()

    def failoverip_seen(self, name: str, resource_version: str) -> None:
        """A watch event about a FailoverIP."""
        self._metrics.watch_heard("failoverips", self._clock.now())
        if self._known_version(name) != resource_version:
            self._wake()

    async def spawn(self, stop: asyncio.Event) -> Collection[asyncio.Task[Any]]:
        """Start kopf in this loop. It ends when `stop` is set, or by itself when a watch fails."""
        return await kopf.spawn_tasks(
            registry=self._registry(),
            settings=_settings(),
            clusterwide=True,
            standalone=True,
            stop_flag=stop,
            # Without one kopf asks who runs it, and the user of a pod is in no passwd file.
            identity="failoverip",  # type: ignore[arg-type]  # a NewType that kopf does not export
        )

    async def run(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Wait until one of kopf's tasks ends, and end the others; raises what ended it.

        kopf.run_tasks would cancel every other task of the loop as well: all of ours.
        """
        ended, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.wait(tasks, timeout=STOP_LIMIT_SECONDS)
        for task in ended:
            await task

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry, id="login")
        async def login(**_: Any) -> kopf.ConnectionInfo:
            return _for_kopf(await self._connection.connection_info())

        @kopf.on.event("", "v1", "nodes", registry=registry, id="nodes")
        async def node_event(event: Any, **_: Any) -> None:
            self.node_seen(event["type"], node_from(dict(event["object"])))

        @kopf.on.event(
            "failoverip.io", "v1alpha1", "failoverips", registry=registry, id="failoverips"
        )
        async def failoverip_event(event: Any, **_: Any) -> None:
            metadata = event["object"]["metadata"]
            self.failoverip_seen(metadata["name"], metadata["resourceVersion"])

        return registry


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    # No watch of CRDs and namespaces, and no rights for it.
    settings.scanning.disabled = True
    settings.peering.standalone = True
    # kopf would kill the process this long after its own end; the operator outlives a failed watch.
    settings.process.ultimate_exiting_timeout = None
    settings.networking.request_timeout = 10
    settings.networking.connect_timeout = 3
    settings.queueing.idle_timeout = KEEP_OBJECT_SECONDS
    settings.watching.chunk_size = PAGE_OBJECTS
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.connect_timeout = 3
    settings.watching.inactivity_timeout = WATCH_SILENT_SECONDS
    return settings


def _for_kopf(connection: ConnectionInfo) -> kopf.ConnectionInfo:
    return kopf.ConnectionInfo(
        server=connection.server,
        ca_path=connection.ca_path,
        insecure=connection.insecure,
        scheme=connection.scheme or None,
        token=connection.token or None,
        certificate_path=connection.certificate_path,
        private_key_path=connection.private_key_path,
        proxy_url=connection.proxy_url,
    )

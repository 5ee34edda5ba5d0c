"""What the story happens on: a control plane, Robot, kubelets and operator replicas, all running.

Everything ends with the block that opened it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from failoverip.clock import SystemClock
from failoverip.simulator.demo import manifests, world
from failoverip.simulator.demo.children import Child
from failoverip.simulator.demo.cluster import Cluster, History
from failoverip.simulator.demo.kubelets import NODES, DemoKubelet
from failoverip.simulator.demo.planes import (
    PLANES,
    Plane,
    Progress,
    kubeconfig_document,
    write_kubeconfig,
)
from failoverip.simulator.demo.screen import Screen
from failoverip.simulator.demo.waiting import StageError, until
from failoverip.simulator.robot.server import LOOPBACK, RunningSimulator
from failoverip.simulator.robot.server import running as running_robot

T = TypeVar("T")

FAILOVER_IPS = "/apis/failoverip.io/v1alpha1/failoverips"
_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{world.NAMESPACE}/leases/{world.LEASE}"
_TOKENS = f"/api/v1/namespaces/{world.NAMESPACE}/serviceaccounts/{world.SERVICE_ACCOUNT}/token"
_CRD_NAME = "failoverips.failoverip.io"
_TOKEN_SECONDS = 24 * 3600


class Stage:
    """The world of the demo. `resources` and `nodes` hold what was seen of them."""

    def __init__(
        self,
        directory: Path,
        plane: Plane,
        cluster: Cluster,
        robot: RunningSimulator,
        password: str,
        screen: Screen,
    ) -> None:
        self.plane = plane
        self.cluster = cluster
        self.robot = robot
        self.resources = History()
        self.nodes = History()
        self.replicas: dict[str, Child] = {}
        clock = SystemClock()
        self.kubelets = {
            name: DemoKubelet(cluster, world.node(name), clock, world.TIMINGS.beat_seconds)
            for name in world.SERVERS
        }
        self._directory = directory
        self._password = password
        self._screen = screen
        self._watches: list[asyncio.Task[None]] = []

    async def install(self) -> None:
        """CRD, namespace, rights and Secret applied, nodes registered, watches begun."""
        crd = manifests.crd_document()
        await self.cluster.apply(crd)
        await self.until(lambda: self._crd_serves(manifests.path_of(crd)), "the CRD is served")
        for document in manifests.operator_documents():
            await self.cluster.apply(document)
        await self.cluster.apply(world.secret_document(self._password))
        for kubelet in self.kubelets.values():
            await kubelet.power_on()
        for path, history in ((FAILOVER_IPS, self.resources), (NODES, self.nodes)):
            self._watches.append(asyncio.create_task(self.cluster.watch(path, history)))

    async def start_replica(self, name: str) -> None:
        """Start one operator process."""
        timings = world.TIMINGS
        flags = {
            "kubeconfig": str(await self._operator_kubeconfig(name)),
            "namespace": world.NAMESPACE,
            "lease-name": world.LEASE,
            "robot-url": self.robot.base_url,
            "listen": "127.0.0.1:0",
            "identity": name,
            "log-format": "text",
            "time-scale": str(timings.time_scale),
            "lease-duration-seconds": str(timings.lease_duration_seconds),
            "renew-deadline-seconds": str(timings.renew_deadline_seconds),
            "retry-period-seconds": str(timings.retry_period_seconds),
        }
        argv = [sys.executable, "-m", "failoverip", "operator"]
        argv += [part for flag, value in flags.items() for part in (f"--{flag}", value)]
        log = self._directory / f"{name}.log"
        self.replicas[name] = Child(argv, log, log)

    def kill_replica(self, name: str) -> None:
        """SIGKILL."""
        self.replicas.pop(name).kill()

    async def leader(self) -> str | None:
        """The replica that holds the Lease, None while nobody does."""
        lease = await self.cluster.find(_LEASE)
        return replica_of(lease["spec"].get("holderIdentity", "")) if lease else None

    async def until(
        self,
        find: Callable[[], Awaitable[T | None]],
        what: str,
        show: Callable[[], str] | None = None,
    ) -> T:
        """What `find` finds, once it does; StageError after the deadline.

        `show` says what goes on meanwhile, for a terminal; without it, `what` and the time.
        """

        def tell(passed: float) -> None:
            self._screen.live(show() if show else f"  {what} ... {passed:.1f} s")

        return await until(find, what, self._check, tell)

    async def until_seen(
        self, find: Callable[[], T | None], what: str, show: Callable[[], str] | None = None
    ) -> T:
        """The same for what needs no request."""

        async def look() -> T | None:
            return find()

        return await self.until(look, what, show)

    def last_words(self, lines: int) -> list[str]:
        """The end of each replica's log, of killed ones too."""
        told = []
        for log in sorted(self._directory.glob("*.log")):
            told.append(f"--- {log.stem}")
            told += log.read_text(errors="replace").splitlines()[-lines:]
        return told

    async def end_watches(self) -> None:
        """See nothing more."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._watches.clear()

    async def close(self) -> None:
        """Kill the replicas, end kubelets and watches."""
        for child in self.replicas.values():
            child.kill()
        await self.end_watches()
        for kubelet in self.kubelets.values():
            await kubelet.power_off()

    def _check(self) -> None:
        """Waiting for what cannot come any more would only waste the user's time."""
        self.plane.check()
        for name, child in self.replicas.items():
            if child.exit_code is not None:
                raise StageError(f"replica {name} ended with exit code {child.exit_code}")
        for watch in self._watches:
            if watch.done():
                # Its repr may hold the request's headers.
                error = type(watch.exception()).__name__
                raise StageError(f"a watch of the API server ended ({error})")

    async def _crd_serves(self, path: str) -> bool | None:
        conditions = (await self.cluster.get(path)).get("status", {}).get("conditions") or []
        established = any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
        return (established and await self.cluster.serves(FAILOVER_IPS)) or None

    async def _operator_kubeconfig(self, replica: str) -> Path:
        """With the operator's own token and rights, where the API server checks them."""
        if not self.plane.checks_rights:
            return self.plane.kubeconfig
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _TOKEN_SECONDS},
        }
        token = (await self.cluster.request("POST", _TOKENS, request))["status"]["token"]
        own = json.loads(self.plane.kubeconfig.read_text())["clusters"][0]["cluster"]
        document = kubeconfig_document(own, {"token": token})
        return write_kubeconfig(self._directory / f"{replica}.kubeconfig", document)


def replica_of(identity: str) -> str | None:
    """`one` of `one_3f2a`: each process adds a random suffix to its name."""
    return identity.rpartition("_")[0] or None


@asynccontextmanager
async def opened(
    directory: Path, plane_name: str, screen: Screen, progress: Progress
) -> AsyncIterator[Stage]:
    """A control plane and Robot, until the block ends. `progress` hears what is being built.

    BadInputError where that control plane cannot run.
    """
    # Robot's user has this password for as long as the demo runs.
    password = secrets.token_urlsafe(16)
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(PLANES[plane_name](directory, progress))
        simulated = running_robot(world.robot_world(password), admin=LOOPBACK)
        robot = await stack.enter_async_context(simulated)
        cluster = await stack.enter_async_context(Cluster.opened(plane.kubeconfig))
        stage = Stage(directory, plane, cluster, robot, password, screen)
        stack.push_async_callback(stage.close)
        yield stage

"""What the reconciler needs of the world outside, as small protocols.

Production passes `failoverip.kube.Kubernetes` and `failoverip.robot.RobotClient`; a simulated
world passes its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from failoverip.clock import Clock
from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.cluster import Heartbeat, Node
from failoverip.core.decide import decide
from failoverip.core.decision import Decision
from failoverip.core.invariants import Broken, Facts, Invariant, find_broken
from failoverip.core.lease import LeaseRecord
from failoverip.core.observation import Observation
from failoverip.core.provider import RoutesAnswer, ServersAnswer, SwitchAnswer
from failoverip.core.resource import Resource, Status
from failoverip.core.timings import Timings
from failoverip.kube import EventNote, SecretData
from failoverip.metrics import Metrics
from failoverip.robot import Credentials


class KubernetesDoor(Protocol):
    """The API server. Every method may raise `failoverip.kube.KubeError`."""

    async def list_nodes(self, timeout_seconds: float) -> tuple[Node, ...]:
        """All nodes, as of now."""
        ...

    async def list_heartbeats(self, timeout_seconds: float) -> tuple[Heartbeat, ...]:
        """All heartbeat Leases, as of now."""
        ...

    async def list_failoverips(self, timeout_seconds: float = ...) -> tuple[Resource, ...]:
        """All resources, as of now."""
        ...

    async def write_status(
        self,
        resource: Resource,
        status: Status,
        *,
        dry_run: bool = ...,
        timeout_seconds: float = ...,
    ) -> Resource:
        """Replace the status under the resource's resourceVersion; returns what was stored."""
        ...

    async def read_secret(
        self, namespace: str, name: str, timeout_seconds: float = ...
    ) -> SecretData | None:
        """The credentials, None when there is no such Secret."""
        ...

    async def get_lease(
        self, namespace: str, name: str, timeout_seconds: float = ...
    ) -> LeaseRecord | None:
        """A Lease, None when there is none."""
        ...

    @property
    def server_host(self) -> str:
        """The host of the API server that this process talks to."""
        ...

    async def get_cluster_info_server(self, timeout_seconds: float = ...) -> str | None:
        """The host that kubeadm gave to the kubelets, None when nobody tells."""
        ...

    async def create_event(self, note: EventNote, timeout_seconds: float = ...) -> None:
        """Tell it once."""
        ...


class Robot(Protocol):
    """Robot for one set of credentials. No method raises for what Robot or the network does."""

    async def read_routes(self, before_first_byte: Callable[[], bool]) -> RoutesAnswer:
        """Every failover address of the account."""
        ...

    async def read_servers(self, before_first_byte: Callable[[], bool]) -> ServersAnswer:
        """Every server of the account."""
        ...

    async def switch(
        self,
        address: AddressKey,
        target: TargetAddress,
        before_first_byte: Callable[[], bool],
    ) -> SwitchAnswer:
        """Ask for one switch; blocks for as long as Robot does."""
        ...

    async def aclose(self) -> None:
        """Close the reading connection."""
        ...


class Leader(Protocol):
    """This process's part in the election."""

    @property
    def identity(self) -> str:
        """The holder identity."""
        ...

    def window_left_seconds(self) -> float:
        """For how long nobody else can lead."""
        ...

    async def renew_now(self) -> bool:
        """Whether a renewal that began after this call succeeded."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every part of the reconciler works in. `wake` asks for a pass soon.

    `decide` and `find_broken` are those of the core; a test gives others, to show what each guards.
    """

    kubernetes: KubernetesDoor
    leader: Leader
    clock: Clock
    timings: Timings
    metrics: Metrics
    wake: Callable[[], None]
    decide: Callable[[Observation], Decision] = decide
    find_broken: Callable[[Facts, Mapping[str, Invariant]], Broken | None] = find_broken


RobotFactory = Callable[[Credentials], Robot]


class LostLeadershipError(Exception):
    """What was read or refused shows that somebody else leads."""

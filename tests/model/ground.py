"""What never changes in the model, and numbers for the values of the core that do.

Time stands still at `NOW`: when five seconds pass, what is remembered becomes five seconds older.
So states that differ only in when they happened are one state.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from tests.support.observations import IP, NOW, key_of, policy, server

from failoverip.core.resource import AddressStatus, Fence, Resource, RouteState, Status
from failoverip.core.routes import RouteTrack
from failoverip.kube.codec import status_to
from failoverip.simulator.kubernetes import fence
from failoverip.simulator.kubernetes.resources import schema_of_crd

CRD = Path(__file__).resolve().parents[2] / "manifests" / "crd" / "failoverips.yaml"
LEASE = "failoverip/operator"
ADDRESS = key_of(IP)
POLICY = policy(IP)
SERVERS = tuple(server(number) for number in (1, 2, 3))
TARGETS = {"abc"[s.number - 1]: s.ipv4 for s in SERVERS if s.ipv4 is not None}
NODE_AT = {target: node for node, target in TARGETS.items()}

Json = dict[str, Any]
V = TypeVar("V")


class Pool(Generic[V]):
    """A number for each value, and back. `key` is what equal values share, and can be hashed."""

    def __init__(self, key: Callable[[V], Hashable]) -> None:
        self._key = key
        self._values: list[V] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: V) -> int:
        """Its number: the same for equal values."""
        number = self._numbers.setdefault(self._key(value), len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number

    def __getitem__(self, number: int) -> V:
        return self._values[number]


def itself(value: V) -> V:
    """The key of a value that can be hashed."""
    return value


STATUSES: Pool[Status] = Pool(itself)
TRACKS: Pool[RouteTrack] = Pool(itself)


def resource_of(status: int) -> Resource:
    """The resource with this status.

    The version is the count of moves: with the epoch it makes an intent's id unique.
    """
    value = STATUSES[status]
    version = str(len(value.moves))
    return Resource("web", "uid-web", version, 1, 0.0, False, POLICY, value)


def first_status(holder: str) -> int:
    """Claimed, at node a, which was deleted a moment ago."""
    at_a = AddressStatus(POLICY.addresses[0], RouteState.CONFIRMED, TARGETS["a"], "a")
    return STATUSES.number(
        Status(
            observed_generation=1,
            fence=Fence(1, holder, LEASE),
            active_node="a",
            active_node_uid="uid-a",
            active_server=1,
            addresses=(at_a,),
        )
    )


def first_track() -> int:
    """The route at a, read just now."""
    return TRACKS.number(RouteTrack(TARGETS["a"], True, NOW - 120, NOW))


@cache
def fence_schema() -> Any:
    """The schema whose rules are the fence, from the manifest."""
    return schema_of_crd(yaml.safe_load(CRD.read_text()), "v1alpha1")


@cache
def fence_allows(old: int, new: int) -> bool:
    """Whether no rule of the CRD refuses the new status."""
    before, after = _document(old), _document(new)
    return not list(fence.violations(fence_schema(), before, after))


def _document(status: int) -> Json:
    return {"spec": {"addresses": [IP]}, "status": status_to(STATUSES[status])}

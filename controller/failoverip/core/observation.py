"""Everything that is known at one instant about one resource: the only input of a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from failoverip.core.addresses import AddressKey
from failoverip.core.health import ClusterTrace
from failoverip.core.memory import IntentMemory
from failoverip.core.provider import CannotTell, Fault, Server
from failoverip.core.reasons import Reason
from failoverip.core.resource import Resource
from failoverip.core.routes import RouteTrack
from failoverip.core.storm import StormWatch
from failoverip.core.timings import Timings


class Claim(StrEnum):
    """Whether this leader may write to the resource."""

    HELD = "Held"
    NOT_CLAIMED = "NotClaimed"
    FENCE_MISSING = "FenceMissing"
    SECOND_INSTALLATION = "SecondInstallation"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an account cannot be asked or used: a reason and one line with the fix."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What the ledger of the account allows now.

    `writes_left` counts the reserve, `free_writes_left` does not. `*_at`: the local time at which
    asking is possible again (in the past when it is possible now).
    """

    writes_left: int
    free_writes_left: int
    write_at: float
    read_at: float


@dataclass(frozen=True, slots=True)
class AccountView:
    """Robot as this account shows it.

    `routes` holds every route ever read; `listed` the addresses of the last good list, None when
    there was none; `routes_read_at` its local time. `trouble` is set while the last request
    failed. `servers` None: never read.
    """

    routes: Mapping[AddressKey, RouteTrack] = field(default_factory=dict)
    listed: frozenset[AddressKey] | None = None
    routes_read_at: float | None = None
    servers: Sequence[Server] | None = None
    trouble: Trouble | None = None
    budget: Budget = Budget(0, 0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Observation:
    """A snapshot; `now` is local time, `wall_seconds` POSIX time for records.

    `credentials` is set when the account cannot be used at all. `carried` counts by server number
    the addresses of other resources. `unmapped_recently` names Ready nodes that `nodeSelector`
    selects and that have no server or lost theirs within the grace. `api_server_addresses`: where
    kubelets and this process reach the API server, as far as is known. `storm`: what was
    seen of the candidates, list after list. `moves_known_since`: by id, since when this process
    knows each entry of `status.moves`.
    """

    now: float
    wall_seconds: float
    resource: Resource
    claim: Claim
    window_left_seconds: float
    conflict: str | None
    credentials: Trouble | None
    cluster: ClusterTrace
    account: AccountView
    memory: IntentMemory | None
    carried: Mapping[int, int]
    unmapped_recently: tuple[str, ...]
    timings: Timings
    api_server_addresses: frozenset[str] = frozenset()
    storm: StormWatch = field(default_factory=StormWatch)
    moves_known_since: Mapping[str, float] = field(default_factory=dict)


def trouble_of(fault: CannotTell) -> Reason:
    """The reason that surfaces for a fault of Robot."""
    return {
        Fault.RATE_LIMITED: Reason.RATE_LIMITED,
        Fault.CREDENTIALS_REFUSED: Reason.CREDENTIALS_REFUSED,
    }.get(fault.fault, Reason.PROVIDER_UNREACHABLE)

"""A FailoverIP as values: what the user wants (`Policy`) and what the status records.

Field names of the wire are those of design 6 in camelCase; `failoverip.kube` translates. Times in
a status are POSIX seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from failoverip.core.addresses import FailoverAddress, TargetAddress
from failoverip.core.reasons import Reason

SWITCH_TO_ANNOTATION = "failoverip.io/switch-to"
SERVER_ANNOTATION = "failoverip.io/server"


class Drift(StrEnum):
    """What to do about a route to a server that is no node of ours."""

    REPORT = "Report"
    ENFORCE = "Enforce"


class OnCordon(StrEnum):
    """Whether cordoning the active node moves the addresses."""

    MOVE = "Move"
    STAY = "Stay"


class FailbackPolicy(StrEnum):
    """Whether the addresses return to a preferred node by themselves."""

    NEVER = "Never"
    WHEN_PREFERRED_HEALTHY = "WhenPreferredHealthy"


class Mode(StrEnum):
    """How far the operator may go."""

    ACTIVE = "Active"
    DRY_RUN = "DryRun"
    PAUSED = "Paused"


class MoveResult(StrEnum):
    """How an intent ended."""

    CONFIRMED = "Confirmed"
    PARTIAL = "Partial"
    REFUSED = "Refused"
    ABANDONED = "Abandoned"
    FAILED = "Failed"


class RouteState(StrEnum):
    """One address at a glance."""

    CONFIRMED = "Confirmed"
    SWITCHING = "Switching"
    UNROUTED = "Unrouted"
    FOREIGN = "Foreign"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Safety:
    """`spec.safety`: how much the operator dares. Periods in seconds; the defaults are the CRD's.

    An object that was stored before these fields existed has none of them: so they stand here too.
    """

    hold_down_seconds: int = 300
    max_moves_per_hour: int = 6
    storm_percent: int = 50
    storm_hold_seconds: int = 120


@dataclass(frozen=True, slots=True)
class Failback:
    """`spec.failback`: `after_seconds` of unbroken health of the preferred node."""

    policy: FailbackPolicy = FailbackPolicy.NEVER
    after_seconds: int = 300


@dataclass(frozen=True, slots=True)
class Policy:
    """`spec`, read and checked."""

    addresses: tuple[FailoverAddress, ...]
    secret_name: str = "robot-credentials"  # noqa: S105  the name of a Secret, not a secret
    node_selector: tuple[tuple[str, str], ...] = ()  # sorted label pairs, all must match
    drift: Drift = Drift.REPORT
    on_cordon: OnCordon = OnCordon.MOVE
    mode: Mode = Mode.ACTIVE
    safety: Safety = Safety()
    preferred_nodes: tuple[str, ...] = ()  # the best first
    failback: Failback = Failback()


@dataclass(frozen=True, slots=True)
class InvalidSpec:
    """A spec that cannot be read (an older CRD let it pass). `message` names the field."""

    message: str


@dataclass(frozen=True, slots=True)
class Fence:
    """`status.fence`: who may write the status. `lease` is `namespace/name` of the election."""

    epoch: int
    holder: str
    lease: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an intent was opened; `node` names the source and is judged by name and UID."""

    reason: Reason
    node: str = ""
    node_uid: str = ""


@dataclass(frozen=True, slots=True)
class IntentRoute:
    """One address of an intent and the address that Robot shall route it to."""

    address: FailoverAddress
    to: TargetAddress


@dataclass(frozen=True, slots=True)
class Intent:
    """`status.intent`: what was decided, written before Robot is asked."""

    id: str
    epoch: int
    node: str
    node_uid: str
    server_number: int
    routes: tuple[IntentRoute, ...]
    cause: Cause
    attempts: int
    started_at: float
    detected_at: float
    posted_at: float | None = None


@dataclass(frozen=True, slots=True)
class LastMove:
    """`status.lastMove`: the outcome that closed the last intent (rules F4, F5, F7)."""

    id: str
    epoch: int
    result: MoveResult


@dataclass(frozen=True, slots=True)
class Move:
    """One entry of `status.moves`, newest first, at most ten."""

    id: str
    cause: Reason
    source: str
    node: str
    server_number: int
    result: MoveResult
    reason: Reason
    attempts: int
    detected_at: float
    ended_at: float
    posted_at: float | None = None
    confirmed_at: float | None = None


@dataclass(frozen=True, slots=True)
class RequestAnswer:
    """`status.switchRequest`: the answer to the last requested switch."""

    value: str
    accepted: bool
    reason: Reason
    message: str
    answered_at: float


@dataclass(frozen=True, slots=True)
class AddressStatus:
    """One entry of `status.addresses`."""

    address: FailoverAddress
    state: RouteState
    active_server_ip: TargetAddress | None
    node: str = ""
    node_uid: str = ""


@dataclass(frozen=True, slots=True)
class CandidateStatus:
    """One entry of `status.candidates`: `verdict` True when the node could take the addresses."""

    node: str
    server_number: int | None
    verdict: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class Condition:
    """A metav1.Condition; `since` is lastTransitionTime, when `status` last changed."""

    type: str
    status: str  # "True", "False" or "Unknown"
    reason: Reason
    message: str
    since: float
    observed_generation: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """`status` whole. What is absent on the wire is None or empty here."""

    observed_generation: int = 0
    fence: Fence | None = None
    conditions: tuple[Condition, ...] = ()
    active_node: str = ""
    active_node_uid: str = ""
    active_server: int | None = None
    addresses: tuple[AddressStatus, ...] = ()
    candidates: tuple[CandidateStatus, ...] = ()
    candidate_count: int = 0
    eligible_count: int = 0
    intent: Intent | None = None
    last_move: LastMove | None = None
    moves: tuple[Move, ...] = ()
    switch_request: RequestAnswer | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """A FailoverIP as it was read: metadata that matters, spec, recorded status."""

    name: str
    uid: str
    resource_version: str
    generation: int
    created_at: float
    deleting: bool
    policy: Policy | InvalidSpec
    status: Status = field(default_factory=Status)
    switch_to: str = ""  # the annotation's value, empty when absent

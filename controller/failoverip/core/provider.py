"""What Robot can tell, and what it means that it could not.

An answer is three-valued: a fact, a definitive no, or `CannotTell`. "Cannot tell" is never read as
"not mine" and never moves an address. Facts and classes follow hetzner-api 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from failoverip.core.addresses import AddressKey, TargetAddress


class Fault(StrEnum):
    """Why an answer is missing."""

    UNREACHABLE = "Unreachable"  # refused, no route, name not resolved, TLS refused
    TIMEOUT = "Timeout"  # hung past our own limit
    CONNECTION_LOST = "ConnectionLost"  # reset or closed in mid-answer
    RATE_LIMITED = "RateLimited"  # 403 RATE_LIMIT_EXCEEDED: not executed
    CREDENTIALS_REFUSED = "CredentialsRefused"  # 401: three of these lock the source for 10 minutes
    FORBIDDEN = "Forbidden"  # a bare 403: a limit, a lock-out, or bad credentials
    MAINTENANCE = "Maintenance"  # 503
    SERVER_ERROR = "ServerError"  # any other 5xx
    GARBLED = "Garbled"  # HTML, empty, truncated, wrong shape
    INVARIANT = "Invariant"  # never sent: it would have broken an invariant
    WINDOW_SHUT = "WindowShut"  # never sent: no longer allowed at the first byte


@dataclass(frozen=True, slots=True)
class CannotTell:
    """No answer that can be used. `detail` is one line for people, free of secrets."""

    fault: Fault
    detail: str
    retry_after_seconds: float | None = None  # only where Robot named an interval


@dataclass(frozen=True, slots=True)
class Route:
    """Where Robot says an address goes.

    `target` None: routed nowhere. `ready` None: Robot did not say (the field is undocumented),
    False: a switch is under way. `prefix_length` None: Robot's mask was absent or unreadable.
    """

    address: AddressKey
    target: TargetAddress | None
    ready: bool | None = None
    prefix_length: int | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A dedicated server as /server lists it; a family it lacks is None."""

    number: int
    name: str
    ipv4: TargetAddress | None
    ipv6_net: TargetAddress | None

    def target(self, version: int) -> TargetAddress | None:
        """The address that Robot takes to route an address of this IP version here."""
        return self.ipv4 if version == 4 else self.ipv6_net


@dataclass(frozen=True, slots=True)
class Switched:
    """200: Robot says that the route is at `route.target` (still settling if not ready)."""

    route: Route


@dataclass(frozen=True, slots=True)
class AlreadyRouted:
    """409 FAILOVER_ALREADY_ROUTED: nothing was executed, the route is where we want it."""


@dataclass(frozen=True, slots=True)
class Locked:
    """409 FAILOVER_LOCKED: not executed, another request's switch of this address is running."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A definitive no for this address and target, such as FAILOVER_NEW_SERVER_NOT_FOUND."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """Certainly not executed, and may be tried again: rate limit, 401, connection never opened."""

    reason: CannotTell


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """The request left and no usable answer came: the switch may have happened, or still run."""

    reason: CannotTell


SwitchAnswer = Switched | AlreadyRouted | Locked | Refused | NotExecuted | OutcomeUnknown
RoutesAnswer = tuple[Route, ...] | CannotTell
ServersAnswer = tuple[Server, ...] | CannotTell

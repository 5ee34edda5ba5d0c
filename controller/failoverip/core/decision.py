"""What to do next: exactly one action, why, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass

from failoverip.core.addresses import AddressKey
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, MoveResult


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Read again what is too old to act on, then decide anew."""

    lists: bool
    routes: bool


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """Write this intent. `requested` is the switch-to value that it accepts, if any."""

    intent: Intent
    requested: str | None = None


@dataclass(frozen=True, slots=True)
class RefuseRequest:
    """Answer the requested switch with no."""

    value: str


@dataclass(frozen=True, slots=True)
class AdoptIntent:
    """Write the predecessor's open intent under the present epoch."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Attempt:
    """Write the intent with one more attempt, then ask Robot for each of `addresses`."""

    intent: Intent
    addresses: tuple[AddressKey, ...]


@dataclass(frozen=True, slots=True)
class CloseIntent:
    """Write the outcome of the open intent. `unsettled`: a request may still take effect."""

    intent: Intent
    result: MoveResult
    unsettled: bool


Action = Hold | Refresh | OpenIntent | RefuseRequest | AdoptIntent | Attempt | CloseIntent


@dataclass(frozen=True, slots=True)
class Decision:
    """`message` is one line for people and never contains an age.

    `read_routes_at`: the local time by which this decision wants the routes read again, None for
    the regular pace.
    """

    action: Action
    reason: Reason
    message: str
    recheck_after_seconds: float
    read_routes_at: float | None = None

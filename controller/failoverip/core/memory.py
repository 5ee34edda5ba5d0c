"""What this process remembers of one open intent: its own requests and how they ended.

Nothing of it is needed for safety. A new leader begins without: what its predecessor sent counts
as sent at the claim, with an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from failoverip.core.addresses import AddressKey
from failoverip.core.provider import (
    AlreadyRouted,
    Locked,
    OutcomeUnknown,
    Refused,
    SwitchAnswer,
    Switched,
)
from failoverip.core.resource import Intent


@dataclass(frozen=True, slots=True)
class RouteMemory:
    """Of one route of the intent.

    `unsettled_since`: since when (local time) a request may still take effect although its
    connection ended; None when no such request exists. `done`: Robot answered the last request
    that the route is where we want it.
    """

    in_flight: bool = False
    unsettled_since: float | None = None
    refused: Refused | None = None
    last_ended_at: float | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class IntentMemory:
    """`round_ended_at`: when the last request of the latest round ended, None before the first.

    `broken`: what the last look before a request refused, `broken_since` since when it has refused
    every one of this intent; None once one was let through.
    """

    intent_id: str
    followed_since: float
    round_ended_at: float | None = None
    routes: Mapping[AddressKey, RouteMemory] = field(default_factory=dict)
    broken: str | None = None
    broken_since: float | None = None

    def route(self, address: AddressKey) -> RouteMemory:
        """Of one address; nothing was sent when there is no entry."""
        return self.routes.get(address, RouteMemory())

    @property
    def in_flight(self) -> bool:
        """Whether a request of this process is under way."""
        return any(route.in_flight for route in self.routes.values())


def remember_intent(intent: Intent, now: float) -> IntentMemory:
    """Of an intent that this process begins to follow at `now`, opened or adopted."""
    if intent.attempts == 0:
        return IntentMemory(intent.id, now)
    inherited = RouteMemory(unsettled_since=now)
    return IntentMemory(
        intent.id, now, routes={route.address.key: inherited for route in intent.routes}
    )


def refused_by_invariant(memory: IntentMemory, message: str, now: float) -> IntentMemory:
    """After the last look kept a request back."""
    since = memory.broken_since if memory.broken_since is not None else now
    return replace(memory, broken=message, broken_since=since)


def passed_invariants(memory: IntentMemory) -> IntentMemory:
    """After the last look let a request through."""
    return replace(memory, broken=None, broken_since=None)


def sent(memory: IntentMemory, addresses: Iterable[AddressKey]) -> IntentMemory:
    """After a round of requests left."""
    routes = dict(memory.routes)
    for address in addresses:
        routes[address] = replace(memory.route(address), in_flight=True)
    return replace(memory, routes=routes)


def answered(
    memory: IntentMemory, address: AddressKey, answer: SwitchAnswer, now: float
) -> IntentMemory:
    """After one request ended at `now`, with whatever answer."""
    before = memory.route(address)
    after = RouteMemory(
        in_flight=False,
        unsettled_since=_unsettled_since(before, answer, now),
        refused=answer if isinstance(answer, Refused) else before.refused,
        last_ended_at=now,
        done=isinstance(answer, Switched | AlreadyRouted),
    )
    return replace(memory, round_ended_at=now, routes={**memory.routes, address: after})


def _unsettled_since(before: RouteMemory, answer: SwitchAnswer, now: float) -> float | None:
    if isinstance(answer, Switched | AlreadyRouted):
        return None
    if isinstance(answer, OutcomeUnknown | Locked):
        return now
    # Refused or not executed says nothing about an earlier request that may still run.
    return before.unsettled_since

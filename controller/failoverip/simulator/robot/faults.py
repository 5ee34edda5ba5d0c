"""Faults on demand: what goes wrong, for which requests, how often and for how long."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from failoverip.simulator.robot.fields import Fields, WorldError
from failoverip.simulator.robot.requests import Call, Route, canonical

METHODS = ("GET", "POST", "DELETE")


class Kind(StrEnum):
    """What goes wrong."""

    # On the way, before Robot has looked at the request, or after it is done with it.

    DOWN = "down"  # the port is closed: connections are refused, open ones are reset
    RESET = "reset"  # the connection is reset instead of an answer
    HANG = "hang"  # no answer, ever
    UNAVAILABLE = "unavailable"  # 503, as the switch `maintenance_body` says
    FORBIDDEN = "forbidden"  # a bare 403
    HTML = "html"  # 200 and a page
    GATEWAY_TIMEOUT = "gateway_timeout"  # 504 and a page
    EMPTY = "empty"  # 200 and nothing
    # At Robot's door.
    UNAUTHORIZED = "unauthorized"  # the login fails, and counts as failed
    RATE_LIMITED = "rate_limited"  # 403 RATE_LIMIT_EXCEEDED
    # The request is served, its answer suffers.
    SLOW = "slow"  # answered `seconds` later
    TRUNCATED = "truncated"  # cut in the middle of the body
    # Robot itself says no to a write.
    LOCKED = "locked"  # a stranger holds the lock
    REFUSED = "refused"  # FAILOVER_NEW_SERVER_NOT_FOUND
    FAILED = "failed"  # FAILOVER_FAILED, after the switch time
    NOT_COMPLETE = "not_complete"  # FAILOVER_NOT_COMPLETE, after the switch time


# Something on the way may spoil the answer after Robot has done its work.
MAY_EXECUTE = {
    Kind.RESET,
    Kind.HANG,
    Kind.UNAVAILABLE,
    Kind.HTML,
    Kind.GATEWAY_TIMEOUT,
    Kind.EMPTY,
}
BEFORE_ROBOT = MAY_EXECUTE | {Kind.FORBIDDEN}
ALWAYS_EXECUTE = {Kind.SLOW, Kind.TRUNCATED}
OF_WRITES = {Kind.LOCKED, Kind.REFUSED, Kind.FAILED, Kind.NOT_COMPLETE}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `count` None: every time; `until` None: until it is removed."""

    kind: Kind
    methods: tuple[str, ...] = METHODS
    address: str | None = None  # None: whatever is asked
    count: int | None = None
    until: float | None = None
    executed: bool = False  # whether the request takes effect although its answer is spoilt
    seconds: float = 0.0  # how late a SLOW answer is
    target: str | None = None  # None: whatever is asked for

    def hits(self, call: Call, method: str) -> bool:
        """Whether a request is of those that this fault spoils."""
        if self.kind is Kind.DOWN or method not in self.methods:
            return False
        if self.kind in OF_WRITES and not call.route.writes:
            return False
        if self.kind is Kind.REFUSED and call.route is not Route.SWITCH:
            return False
        return self.address in (None, call.address) and self.target in (None, call.target)

    def as_dict(self) -> dict[str, Any]:
        """All fields, by name, for JSON."""
        return asdict(self)


def parse_fault(table: object, now: float) -> Fault:
    """A fault from parsed JSON or TOML; WorldError names the key and the fix.

    Keys: `kind`; `methods`, `address`, `target`, `count`, `for_seconds` limit it; `executed` for a
    kind that may spoil the answer of a request that took effect; `seconds` for `slow`.
    """
    fields = Fields(table, "fault")
    kind = Kind(fields.choice("kind", list(Kind)))
    methods = tuple(fields.array("methods", list(METHODS)))
    for index, method in enumerate(methods):
        if method not in METHODS:
            raise WorldError(f"fault.methods[{index}]: {method!r} is not one of GET, POST, DELETE")
    address, target = _address(fields, "address"), _address(fields, "target")
    count = fields.optional("count", lambda key: fields.integer(key, least=1))
    lasts = fields.optional("for_seconds", fields.number)
    executed = fields.flag("executed", False) if kind in MAY_EXECUTE else kind in ALWAYS_EXECUTE
    seconds = fields.number("seconds") if kind is Kind.SLOW else 0.0
    fields.finish()
    if kind is Kind.DOWN and (count or address or target or methods != METHODS):
        raise WorldError("fault.kind: 'down' closes the port for all; only for_seconds limits it")
    until = None if lasts is None else now + lasts
    return Fault(kind, methods, address, count, until, executed, seconds, target)


def _address(fields: Fields, key: str) -> str | None:
    given = fields.optional(key, fields.text)
    if given is None:
        return None
    address = canonical(given)
    if address is None:
        raise WorldError(f"fault.{key}: {given!r} is not an IP address")
    return address


class Faults:
    """The faults in force, oldest first; the first that hits a request is applied."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Puts a fault in force, behind those that are."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Ends all faults."""
        self._faults.clear()

    def in_force(self, now: float) -> tuple[Fault, ...]:
        """The faults that are neither used up nor over."""
        self._faults = [fault for fault in self._faults if fault.until is None or now < fault.until]
        return tuple(self._faults)

    def take(self, call: Call, method: str, now: float) -> Fault | None:
        """The fault to apply to a request; uses it up by one."""
        for index, fault in enumerate(self.in_force(now)):
            if not fault.hits(call, method):
                continue
            if fault.count == 1:
                del self._faults[index]
            elif fault.count is not None:
                self._faults[index] = replace(fault, count=fault.count - 1)
            return fault
        return None

    def down(self, now: float) -> bool:
        """Whether the port is closed."""
        return any(fault.kind is Kind.DOWN for fault in self.in_force(now))

    def next_end(self, now: float) -> float | None:
        """When the next fault ends by itself."""
        ends = [fault.until for fault in self.in_force(now) if fault.until is not None]
        return min(ends, default=None)

"""Request budgets per login (hetzner-api 4): which requests are admitted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from failoverip.simulator.robot.requests import Route
from failoverip.simulator.robot.switches import Switches


class Verdict(Enum):
    """What a budget says to one request."""

    ADMITTED = auto()
    LIMITED = auto()
    FORBIDDEN = auto()  # the bare 403 that was seen right after a limit was lifted


@dataclass(slots=True)
class _Bucket:
    admitted: deque[float] = field(default_factory=deque)
    lifted_at: float | None = None  # when the last limit ends or ended


class Buckets:
    """Counts admitted requests; a refused one costs nothing."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def admit(self, user: str, route: Route, switches: Switches, now: float) -> Verdict:
        """Admits a request and counts it, or says why not."""
        bucket = self._buckets.setdefault((user, _name(route, switches)), _Bucket())
        _forget(bucket, switches, now)
        if len(bucket.admitted) >= limit(route, switches):
            bucket.lifted_at = bucket.admitted[0] + switches.rate_window_seconds
            return Verdict.LIMITED
        if bucket.lifted_at is not None:
            if now < bucket.lifted_at + switches.forbidden_after_limit_seconds:
                return Verdict.FORBIDDEN
            bucket.lifted_at = None
        bucket.admitted.append(now)
        return Verdict.ADMITTED

    def used(self, switches: Switches, now: float) -> dict[str, dict[str, int]]:
        """Requests counted in the present window, by user and bucket."""
        counts: dict[str, dict[str, int]] = {}
        for (user, name), bucket in self._buckets.items():
            _forget(bucket, switches, now)
            counts.setdefault(user, {})[name] = len(bucket.admitted)
        return counts


def limit(route: Route, switches: Switches) -> int:
    """How many requests of a route one window admits."""
    if route in {Route.SERVERS, Route.SERVER}:
        return switches.server_reads_per_window
    return switches.writes_per_window if route.writes else switches.reads_per_window


def _name(route: Route, switches: Switches) -> str:
    if switches.rate_scope == "per_route":
        return route.value
    if route in {Route.SERVERS, Route.SERVER}:
        return "server"
    return "write" if route.writes else "read"


def _forget(bucket: _Bucket, switches: Switches, now: float) -> None:
    if switches.rate_window == "fixed":
        # A fixed window opens with its first request and empties at once.
        if bucket.admitted and now >= bucket.admitted[0] + switches.rate_window_seconds:
            bucket.admitted.clear()
        return
    while bucket.admitted and now >= bucket.admitted[0] + switches.rate_window_seconds:
        bucket.admitted.popleft()

"""What consecutive reads of one route add up to."""

from __future__ import annotations

from dataclasses import dataclass

from failoverip.core.addresses import TargetAddress
from failoverip.core.provider import Route


@dataclass(frozen=True, slots=True)
class RouteTrack:
    """An unbroken series of equal reads of one route.

    `since` and `seen_at` are the local times of the first and the last of them. A read that says
    "not ready" breaks the series: what it shows is not settled.
    """

    target: TargetAddress | None
    ready: bool | None
    since: float
    seen_at: float

    def held_for(self, seconds: float, after: float) -> bool:
        """Whether equal reads show the route for at least `seconds` after `after`."""
        return self.seen_at - max(self.since, after) >= seconds


def track_route(before: RouteTrack | None, route: Route, now: float) -> RouteTrack:
    """The series after one more read at `now`.

    A read that was asked for before the last one knows nothing newer: it began before a switch was
    answered, and ended after it.
    """
    if before is not None and now < before.seen_at:
        return before
    same = (
        before is not None
        and before.target == route.target
        and (before.ready is False) == (route.ready is False)
    )
    since = before.since if before is not None and same else now
    return RouteTrack(route.target, route.ready, since, now)

"""From "the addresses should leave" to an intent, or to what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence

from failoverip.core.decision import Decision, OpenIntent
from failoverip.core.gates import evidence_gate, hold, shut_gate
from failoverip.core.mapping import Unmapped
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Intent, IntentRoute
from failoverip.core.situation import NodeView, Place, Situation, choose_target


def open_move(
    o: Observation,
    s: Situation,
    cause: Cause,
    places: Sequence[Place],
    *,
    target: NodeView | None = None,
    requested: str | None = None,
) -> Decision:
    """Open an intent that routes `places` to `target` (else to the best node) because of `cause`.

    Where no node can take them, or a gate is shut, the decision says so instead.
    """
    chosen = target or choose_target(s, o.carried)
    because = describe(cause)
    if chosen is None:
        return hold(Reason.NO_TARGET, f"{because}; {_no_target(s)}", o.timings.busy_resync_seconds)
    routes = _routes(chosen, places)
    why = f"{because}; moving to {chosen.node.name}"
    shut = shut_gate(o, s.policy, why, requests=len(routes), cause=cause.reason) or evidence_gate(
        o, why
    )
    if shut is not None:
        return shut
    return Decision(
        OpenIntent(_intent(o, chosen, routes, cause), requested), cause.reason, why, 0.0
    )


def describe(cause: Cause) -> str:
    """The cause in a sentence, such as `node a failed: ...`."""
    where = f"node {cause.node}: " if cause.node else ""
    return f"{where}{cause.reason.text.rstrip('.')}"


def _routes(target: NodeView, places: Sequence[Place]) -> tuple[IntentRoute, ...]:
    wanted = []
    for place in places:
        server = target.server
        to = None if isinstance(server, Unmapped) else server.target(place.address.version)
        if to is not None and (place.track is None or place.track.target != to):
            wanted.append(IntentRoute(place.address, to))
    return tuple(wanted)


def _intent(
    o: Observation, target: NodeView, routes: tuple[IntentRoute, ...], cause: Cause
) -> Intent:
    fence = o.resource.status.fence
    epoch = fence.epoch if fence is not None else 0
    return Intent(
        # Unique: a resourceVersion is never seen twice, and the epoch tells whose it was.
        id=f"{epoch}-{o.resource.resource_version}",
        epoch=epoch,
        node=target.node.name,
        node_uid=target.node.uid,
        server_number=target.server_number or 0,
        routes=routes,
        cause=cause,
        attempts=0,
        started_at=o.wall_seconds,
        detected_at=o.wall_seconds,
    )


def _no_target(s: Situation) -> str:
    """Why nobody can take the addresses: the first few candidates with their reasons."""
    told = []
    for view in s.views:
        if view.selected:
            reason = s.eligibility[view.node.uid]
            shown = view.health.verdict if reason is Reason.ELIGIBLE else reason
            told.append(f"{view.node.name} {shown}")
    names = ", ".join(told[:5]) if told else "nodeSelector selects no node"
    return f"no node can take it: {names}"

"""An open intent from node a to node b, at any point of its way."""

from __future__ import annotations

from dataclasses import replace

from tests.support.observations import (
    IP,
    IP2,
    NOW,
    Seen,
    an_observation,
    at,
    healthy,
    key_of,
    policy,
    silent,
    with_status,
)

from failoverip.core.decide import decide
from failoverip.core.decision import CloseIntent, Decision
from failoverip.core.memory import IntentMemory, RouteMemory
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, MoveResult
from failoverip.core.routes import RouteTrack


def memory(
    *, round_ended_at: float | None = None, since: float = NOW - 900, **routes: RouteMemory
) -> IntentMemory:
    """Of the intent under test; `ip` and `ip2` are its routes."""
    keys = {"ip": key_of(IP), "ip2": key_of(IP2)}
    remembered = {keys[name]: route for name, route in routes.items()}
    return IntentMemory("7-4700", since, round_ended_at, remembered)


def following(
    intent: Intent,
    routes: dict[str, RouteTrack] | None = None,
    remembered: IntentMemory | None = None,
    nodes: tuple[Seen, ...] = (silent("a"), healthy("b"), healthy("c")),
) -> Observation:
    """Node a is silent and its addresses are on the way to b."""
    tracks = routes if routes is not None else {IP: at("a")}
    o = an_observation(nodes, tracks, policy(*tracks))
    return replace(with_status(o, intent=intent), memory=remembered)


def ending(o: Observation) -> tuple[MoveResult, Reason]:
    """How the intent ends in this observation; fails when it does not."""
    decision = decide(o)
    assert isinstance(decision.action, CloseIntent), decision
    return decision.action.result, decision.reason


def goes_on(o: Observation) -> Decision:
    """The decision, which must not end the intent."""
    decision = decide(o)
    assert not isinstance(decision.action, CloseIntent), decision
    return decision

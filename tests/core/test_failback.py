"""Preferred nodes, and the return to them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import (
    IP,
    NOW,
    Seen,
    a_move,
    an_intent,
    an_observation,
    at,
    healthy,
    policy,
    silent,
    unclear,
    with_resource,
    with_status,
)

from failoverip.core.causes import CauseState, judge_cause
from failoverip.core.decide import decide
from failoverip.core.decision import OpenIntent
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Failback, FailbackPolicy, Policy
from failoverip.core.situation import understand
from failoverip.core.storm import Sighting, StormWatch

BACK = Failback(FailbackPolicy.WHEN_PREFERRED_HEALTHY, 300)
TO_B = policy(preferred_nodes=("b",), failback=BACK)


def seen_good(o: Observation, *, for_seconds: float = 300) -> Observation:
    since = NOW - for_seconds
    sightings = {node.uid: Sighting(node, good_since=since) for node in o.cluster.nodes}
    return replace(o, storm=StormWatch(NOW - 1, sightings))


def returns_to(o: Observation) -> str | None:
    decision = decide(o)
    if not isinstance(decision.action, OpenIntent):
        return None
    assert decision.action.intent.cause == Cause(Reason.FAILBACK, "a", "uid-a")
    return decision.action.intent.node


def test_addresses_return_once_the_preferred_node_was_healthy_for_long_enough() -> None:
    o = an_observation(spec=TO_B)
    assert returns_to(seen_good(o)) == "b"
    assert returns_to(seen_good(o, for_seconds=299)) is None


def test_in_a_world_of_shorter_seconds_they_return_earlier() -> None:
    o = an_observation(spec=TO_B)
    demo = replace(o, timings=replace(o.timings, spec_second_seconds=0.1))
    assert returns_to(seen_good(demo, for_seconds=30)) == "b"
    assert returns_to(seen_good(demo, for_seconds=29)) is None


def test_a_new_leader_does_not_know_for_how_long_it_was() -> None:
    assert returns_to(an_observation(spec=TO_B)) is None


def test_by_default_nothing_returns() -> None:
    o = an_observation(spec=policy(preferred_nodes=("b",)))
    assert returns_to(seen_good(o)) is None


@pytest.mark.parametrize(
    ("preferred", "to"),
    [(("c", "b"), "c"), (("b", "a"), "b"), (("a", "b"), None), (("x", "b"), "b"), (("x",), None)],
)
def test_they_go_to_the_most_preferred_node_and_never_to_a_less_preferred_one(
    preferred: tuple[str, ...], to: str | None
) -> None:
    o = an_observation(spec=policy(preferred_nodes=preferred, failback=BACK))
    assert returns_to(seen_good(o)) == to


@pytest.mark.parametrize(
    "nodes",
    [
        (healthy("a"), unclear("b")),
        (healthy("a"), healthy("b").but(unschedulable=True)),
        (unclear("a"), healthy("b")),
    ],
    ids=["an unclear target", "a cordoned target", "an unclear source"],
)
def test_nothing_returns_on_a_guess(nodes: tuple[Seen, ...]) -> None:
    assert returns_to(seen_good(an_observation(nodes, spec=TO_B))) is None


def test_the_hold_down_and_the_moves_of_the_hour_keep_it_back() -> None:
    o = seen_good(an_observation(spec=TO_B))
    assert decide(with_status(o, moves=(a_move("a"),))).reason is Reason.HOLD_DOWN
    often = (a_move("a", ended_seconds_ago=1000),) * 6
    assert decide(with_status(o, moves=often)).reason is Reason.MOVES_EXHAUSTED


@pytest.mark.parametrize(
    ("spec", "state"),
    [
        (TO_B, CauseState.HOLDS),
        (policy(preferred_nodes=("b",)), CauseState.GONE),
        (policy(preferred_nodes=("c",), failback=BACK), CauseState.GONE),
    ],
)
def test_it_goes_on_while_it_is_wanted(spec: Policy, state: CauseState) -> None:
    o = with_resource(an_observation(), policy=spec)
    intent = an_intent("b", cause=Cause(Reason.FAILBACK, "a", "uid-a"))
    assert judge_cause(understand(o, spec), intent) is state


def test_a_move_goes_to_the_most_preferred_node_that_can_take_it() -> None:
    def target(*preferred: str, carried: int = 0) -> str:
        o = an_observation(
            [silent("a"), healthy("b"), healthy("c")],
            {IP: at("a")},
            policy(preferred_nodes=preferred),
        )
        action = decide(replace(o, carried={3: carried})).action
        assert isinstance(action, OpenIntent)
        return action.intent.node

    assert target() == "b"
    assert target("c") == "c"
    assert target("a", "c", carried=5) == "c"
    assert target("x") == "b"

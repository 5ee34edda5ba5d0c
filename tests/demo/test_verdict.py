"""When the demo calls its own outcome bad: one line for each thing that is not as it should be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failoverip.simulator.demo.verdict import Place, Switch, problems

PLACE = Place(
    address="203.0.113.10",
    routed_to="192.0.2.13",
    active_node="node-c",
    active_node_ip="192.0.2.13",
    ready=True,
    nodes_with_power=frozenset({"node-c"}),
)
FIRST = Switch(
    source="node-a",
    target="node-b",
    result="Confirmed",
    posts=1,
    executed=1,
    leader="one",
    finisher="one",
    robot_seconds=5.0,
)
SECOND = replace(FIRST, source="node-b", target="node-c", finisher="two", in_flight_at_kill=True)


def test_nothing_is_wrong_when_the_address_is_at_its_node_after_one_executed_switch_each() -> None:
    assert problems(PLACE, [FIRST, SECOND]) == ()


def test_posts_that_were_not_executed_are_harmless() -> None:
    """LOCKED and ALREADY_ROUTED answer a repeated POST and switch nothing (design 5)."""
    assert problems(PLACE, [FIRST, replace(SECOND, posts=3)]) == ()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (replace(PLACE, routed_to="192.0.2.12"), "is routed to 192.0.2.12, but the status says"),
        (replace(PLACE, routed_to=None), "is routed to nowhere, but the status says node-c"),
        (
            replace(PLACE, routed_to=None, active_node="", active_node_ip=None),
            "is routed to nowhere, but the status says no node",
        ),
        (
            replace(PLACE, nodes_with_power=frozenset({"node-a"})),
            "is on node-c, which has no power",
        ),
        (replace(PLACE, ready=False), "the FailoverIP is not Ready"),
    ],
)
def test_an_address_that_is_not_where_it_should_be_is_a_problem(place: Place, words: str) -> None:
    assert words in problems(place, [FIRST, SECOND])[0]


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        (replace(FIRST, executed=2), "from node-a to node-b was executed 2 times, not once"),
        (replace(FIRST, executed=0), "from node-a to node-b was executed 0 times, not once"),
        (replace(FIRST, result="Partial"), "ended Partial, not Confirmed"),
        (replace(SECOND, in_flight_at_kill=False), "had ended before the leader was killed"),
        (replace(SECOND, finisher="one"), "was ended by one, which had been killed"),
    ],
)
def test_a_switch_that_does_not_show_what_it_should_is_a_problem(
    switch: Switch, words: str
) -> None:
    (problem,) = problems(PLACE, [switch])
    assert words in problem

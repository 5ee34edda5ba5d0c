"""Where an address may be once nothing goes wrong: facts written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from failoverip.simulator.world.judge import NodeFacts
from failoverip.simulator.world.peace import strays, wrong

NOW = 1000.0
V4, V6 = "203.0.113.10", "2001:db8:ff0::"
FOREIGN = "192.0.2.90"


def node(number: int, beat_at: float = NOW - 5, **facts: Any) -> NodeFacts:
    servers = frozenset({f"192.0.2.{number}", f"2001:db8:a:{number}::"})
    return NodeFacts(f"uid-{number}", servers, beat_at=beat_at, ready="True", **facts)


def resource(
    *addresses: str,
    ready: tuple[str, str] = ("True", "OnHealthyNode"),
    shown: list[Any] | None = None,
    **spec: Any,
) -> Any:
    condition = {"type": "Ready", "status": ready[0], "reason": ready[1], "message": "said"}
    return {
        "metadata": {"name": "web", "uid": "1", "creationTimestamp": "2027-01-15T08:00:00Z"},
        "spec": {"addresses": list(addresses or (V4,)), **spec},
        "status": {"conditions": [condition], "addresses": shown or []},
    }


def problems(
    document: Any, route: str | None, *nodes: NodeFacts, v6: str | None = None
) -> list[str]:
    named = {facts.uid: facts for facts in nodes}
    return [late.text for late in wrong(NOW, [document], named, {V4: route, V6: v6})]


def test_an_address_on_a_living_node_is_right() -> None:
    assert problems(resource(), "192.0.2.1", node(1), node(2)) == []


@pytest.mark.parametrize(
    "source",
    [node(1, beat_at=NOW - 60), node(1, gone_at=NOW - 60), node(1, unwanted=True)],
    ids=["dead", "deleted", "cordoned"],
)
def test_an_address_on_a_node_that_should_not_have_it_is_wrong(source: NodeFacts) -> None:
    (problem,) = problems(resource(), "192.0.2.1", source, node(2))
    assert "though a healthy node is there" in problem


def test_it_may_stay_there_when_no_other_node_can_take_it() -> None:
    assert problems(resource(), "192.0.2.1", node(1, beat_at=NOW - 60)) == []
    twins = (node(2), node(2))
    twins[1].uid = "uid-twin"
    assert problems(resource(), "192.0.2.1", node(1, unwanted=True), *twins) == []
    twins[1].servers = frozenset({"192.0.2.2"})
    assert problems(resource(), "192.0.2.1", node(1, unwanted=True), *twins) == []


def test_a_strangers_server_keeps_it_when_that_is_said_and_only_reported() -> None:
    shown = [{"address": V4, "activeServerIP": FOREIGN}]
    said = resource(ready=("False", "ForeignServer"), shown=shown)
    assert problems(said, FOREIGN, node(1)) == []
    assert problems(said, "192.0.2.91", node(1)), "said of where it was before"
    assert problems(resource(), FOREIGN, node(1))
    assert problems(said | {"spec": {"addresses": [V4], "drift": "Enforce"}}, FOREIGN, node(1))


@pytest.mark.parametrize("drift", ["Report", "Enforce"])
def test_where_somebody_mapped_a_node_by_mistake_the_address_may_stay_if_it_is_told(
    drift: str,
) -> None:
    """Seed 741: the operator waits for whoever edited the node."""
    shown = [{"address": V4, "activeServerIP": FOREIGN}]
    said = resource(ready=("Unknown", "MappingLost"), shown=shown, drift=drift)
    assert problems(said, FOREIGN, node(1)) == []
    unsaid = resource(shown=shown, drift=drift)
    assert problems(unsaid, FOREIGN, node(1))


def test_the_rest_of_a_group_that_a_stranger_has_in_part_leaves_a_dead_node() -> None:
    shown = [{"address": V4, "activeServerIP": FOREIGN}]
    said = resource(V4, V6, ready=("False", "GroupSplit"), shown=shown)
    there = {"v6": "2001:db8:a:1::"}
    assert problems(said, FOREIGN, node(1), node(2), **there) == []
    assert problems(said, FOREIGN, node(1, beat_at=NOW - 60), node(2), **there)


def test_a_lost_mapping_is_told_of_a_group_by_its_route_too() -> None:
    """Seed 12207: Ready said GroupSplit, Routed what it waits for."""
    shown = [{"address": V4, "activeServerIP": FOREIGN}]
    said = resource(V4, V6, ready=("False", "GroupSplit"), shown=shown, drift="Enforce")
    there = {"v6": "2001:db8:a:1::"}
    assert problems(said, FOREIGN, node(1), node(2), **there)
    said["status"]["conditions"].append({"type": "Routed", "reason": "MappingLost"})
    assert problems(said, FOREIGN, node(1), node(2), **there) == []


def test_an_address_is_astray_where_no_node_lives_and_is_wanted() -> None:
    """Seed 11204: what kept it there was told, and ended; its move then had a cause."""
    nodes = {"a": node(1), "b": node(2, unwanted=True), "c": node(3, beat_at=NOW - 60)}
    routes = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3", "d": FOREIGN, "e": None}
    assert strays(NOW, nodes, routes) == {"b", "c", "d", "e"}


def test_a_group_on_two_healthy_nodes_is_wrong_only_under_enforce() -> None:
    there = {"v6": "2001:db8:a:2::"}
    assert problems(resource(V4, V6), "192.0.2.1", node(1), node(2), **there) == []
    enforced = resource(V4, V6, drift="Enforce")
    (problem,) = problems(enforced, "192.0.2.1", node(1), node(2), **there)
    assert "on two servers" in problem


@pytest.mark.parametrize(
    ("shared", "expected"), [(1, 0), (2, 1)], ids=["the first is there", "the rest is there"]
)
def test_a_group_may_stay_apart_only_where_it_would_move_to_a_server_of_several_nodes(
    shared: int, expected: int
) -> None:
    """Seed 382: it counted as right, so its repair counted as a move without a cause."""
    second = node(shared)
    second.uid = "uid-second"
    nodes = (node(1), node(2), node(3), second)
    enforced = resource(V4, V6, drift="Enforce")
    found = problems(enforced, "192.0.2.1", *nodes, v6="2001:db8:a:2::")
    assert len(found) == expected


def test_a_group_may_stay_apart_where_most_of_it_is_on_a_server_of_one_family() -> None:
    """Seed 1279: the rest had to leave a dead node, and could not follow."""
    legacy = node(1)
    legacy.servers = frozenset({"192.0.2.1"})
    enforced = resource(V4, V6, drift="Enforce")
    there = {"v6": "2001:db8:a:2::"}
    assert problems(enforced, "192.0.2.1", legacy, node(2), node(3), **there) == []
    dead = node(2, beat_at=NOW - 60)
    assert problems(enforced, "192.0.2.1", legacy, dead, node(3), **there)


def test_a_resource_that_is_not_active_or_not_the_owner_is_left_alone() -> None:
    assert problems(resource(mode="Paused"), None, node(1)) == []
    older = resource()
    older["metadata"]["creationTimestamp"] = "2027-01-15T07:00:00Z"
    nodes = {"uid-1": node(1)}
    said = resource(ready=("False", "Overlap"))
    assert wrong(NOW, [said, older], nodes, {V4: "192.0.2.1"}) == []


def test_an_open_switch_is_not_done_and_says_what_holds_it() -> None:
    document = resource(ready=("False", "BudgetExhausted"))
    document["status"]["intent"] = {"id": "1-1"}
    (late,) = wrong(NOW, [document], {"uid-1": node(1)}, {V4: "192.0.2.1"})
    assert late.held
    assert "a switch is open" in late.text

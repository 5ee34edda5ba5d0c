"""The nodes that an observation leaves out change no decision."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import event, given, settings
from tests.properties.observations import observations, repeatable
from tests.support.observations import IP, an_observation, at, healthy, server, with_resource

from failoverip.core.decide import decide
from failoverip.core.mapping import index_servers
from failoverip.core.observation import Observation
from failoverip.core.resource import InvalidSpec
from failoverip.core.scope import directory_of, ground_of, narrowed
from failoverip.core.status import render_status


def scoped(o: Observation) -> Observation:
    """The same observation with the nodes that can matter to its resource."""
    directory = directory_of(o.cluster)
    ground = ground_of(o.cluster, o.account.servers)
    watched = o.storm.sightings
    cluster = narrowed(directory, ground, o.resource, o.account, watched)
    return replace(o, cluster=cluster)


def selective(o: Observation) -> Observation:
    """The same of a resource that selects some of the nodes only."""
    found = o.resource.policy
    if isinstance(found, InvalidSpec):
        return o
    return with_resource(o, policy=replace(found, node_selector=(("pool", "edge"),)))


@settings(repeatable, max_examples=400)
@given(observations())
def test_a_decision_and_its_status_are_the_same_without_them(drawn: Observation) -> None:
    o = selective(drawn)
    narrow = scoped(o)
    event("narrower" if len(narrow.cluster.nodes) < len(o.cluster.nodes) else "the same")

    decision = decide(o)

    assert decide(narrow) == decision
    assert render_status(narrow, decision) == render_status(o, decision)


def test_a_node_that_nothing_names_is_left_out_and_the_selected_and_the_active_are_not() -> None:
    o = an_observation([healthy(name) for name in "abcd"], {IP: at("a")})
    labelled = tuple(
        replace(node, labels=(("pool", "edge"),)) if node.name == "b" else node
        for node in o.cluster.nodes
    )
    o = selective(replace(o, cluster=replace(o.cluster, nodes=labelled)))

    # a: the route leads there; b: selected.
    assert [node.name for node in scoped(o).cluster.nodes] == ["a", "b"]


def test_the_index_of_servers_is_that_of_the_list_it_was_asked_for() -> None:
    first, second = (server(1), server(2)), (server(2), server(3))

    assert index_servers(first) is index_servers(first)
    assert set(index_servers(second).by_number) == {2, 3}
    changing = [server(1)]
    assert set(index_servers(changing).by_number) == {1}
    changing.append(server(2))
    assert set(index_servers(changing).by_number) == {1, 2}

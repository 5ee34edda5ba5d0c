"""The nodes that an observation leaves out change no decision."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.properties.observations import NAMES, observations, repeatable
from tests.support.observations import (
    IP,
    an_observation,
    at,
    healthy,
    server,
    with_account,
    with_resource,
)

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


def selective(o: Observation, names: Collection[str]) -> Observation:
    """The same of a resource that selects these nodes only, and has watched no others."""
    found = o.resource.policy
    if isinstance(found, InvalidSpec):
        return o
    nodes = tuple(
        replace(node, labels=(("pool", "edge"),) if node.name in names else ())
        for node in o.cluster.nodes
    )
    selected = {node.uid for node in nodes if node.labels}
    watched = {uid: seen for uid, seen in o.storm.sightings.items() if uid in selected}
    return replace(
        with_resource(o, policy=replace(found, node_selector=(("pool", "edge"),))),
        cluster=replace(o.cluster, nodes=nodes),
        storm=replace(o.storm, sightings=watched),
    )


SOME = st.sets(st.sampled_from(NAMES), min_size=1, max_size=3)


@settings(repeatable, max_examples=400)
@given(observations(), SOME)
def test_a_decision_and_its_status_are_the_same_without_them(
    drawn: Observation, names: set[str]
) -> None:
    o = selective(drawn, names)
    narrow = scoped(o)
    event("narrower" if len(narrow.cluster.nodes) < len(o.cluster.nodes) else "the same")

    decision = decide(o)

    assert decide(narrow) == decision
    assert render_status(narrow, decision) == render_status(o, decision)


def test_among_these_observations_are_many_that_are_narrower() -> None:
    """Else the test above would compare each one with itself."""
    narrower = 0

    @settings(repeatable, max_examples=200)
    @given(observations(), SOME)
    def count(drawn: Observation, names: set[str]) -> None:
        nonlocal narrower
        o = selective(drawn, names)
        narrower += len(scoped(o).cluster.nodes) < len(o.cluster.nodes)

    count()
    assert narrower >= 20


def test_a_node_that_nothing_names_is_left_out_and_the_selected_and_the_active_are_not() -> None:
    o = an_observation([healthy(name) for name in "abcd"], {IP: at("a")})
    o = selective(o, "b")

    # a: the route leads there; b: selected.
    assert [node.name for node in scoped(o).cluster.nodes] == ["a", "b"]


def test_whoever_shares_a_server_with_a_selected_node_is_not_left_out() -> None:
    squatter = healthy("d").but(provider_id="hrobot://2")
    o = selective(an_observation([healthy("a"), healthy("b"), squatter], {IP: at("a")}), "b")

    assert [node.name for node in scoped(o).cluster.nodes] == ["a", "b", "d"]
    assert decide(scoped(o)) == decide(o)


def test_without_servers_only_names_and_labels_tell_who_matters() -> None:
    o = an_observation([healthy(name) for name in "abcd"], {IP: at("a")})
    o = selective(with_account(o, servers=None), "b")

    assert [node.name for node in scoped(o).cluster.nodes] == ["b"]


def test_without_a_selector_nobody_is_left_out() -> None:
    o = an_observation([healthy(name) for name in "abcd"], {IP: at("a")})

    assert scoped(o).cluster is o.cluster


def test_the_index_of_servers_is_that_of_the_list_it_was_asked_for() -> None:
    first, second = (server(1), server(2)), (server(2), server(3))

    assert index_servers(first) is index_servers(first)
    assert set(index_servers(second).by_number) == {2, 3}
    changing = [server(1)]
    assert set(index_servers(changing).by_number) == {1}
    changing.append(server(2))
    assert set(index_servers(changing).by_number) == {1, 2}

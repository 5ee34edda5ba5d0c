"""Which server a node is: annotation, then providerID, then main IPv4, never any other address."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import server

from failoverip.core.cluster import Node
from failoverip.core.mapping import NODES_REMEMBERED, Unmapped, index_servers, map_node
from failoverip.core.reasons import Reason

SERVERS = tuple(server(number) for number in (1, 2, 3))
BARE = Node("a", "uid-a")


def number_of(node: Node) -> int | Reason:
    found = map_node(node, SERVERS)
    return found.reason if isinstance(found, Unmapped) else found.number


@pytest.mark.parametrize(
    ("node", "number"),
    [
        pytest.param(replace(BARE, server_annotation="2"), 2, id="annotation with a number"),
        pytest.param(replace(BARE, server_annotation=" 2 "), 2, id="blanks around it"),
        pytest.param(replace(BARE, server_annotation="198.51.100.2"), 2, id="with a main IPv4"),
        pytest.param(replace(BARE, server_annotation="2001:DB8:2:0::"), 2, id="with a main net"),
        pytest.param(replace(BARE, provider_id="hrobot://3"), 3, id="providerID"),
        pytest.param(replace(BARE, provider_id="hcloud://bm-3"), 3, id="legacy providerID"),
        pytest.param(replace(BARE, addresses=("10.0.0.1", "198.51.100.1")), 1, id="node address"),
    ],
)
def test_a_node_is_found_by(node: Node, number: int) -> None:
    assert number_of(node) == number


def test_the_annotation_wins_over_the_provider_id_and_that_over_the_addresses() -> None:
    node = replace(BARE, addresses=("198.51.100.1",), provider_id="hrobot://2")
    assert number_of(node) == 2
    assert number_of(replace(node, server_annotation="3")) == 3


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        pytest.param("9", Reason.SERVER_UNKNOWN, id="unknown number"),
        pytest.param("198.51.100.9", Reason.SERVER_UNKNOWN, id="unknown address"),
        pytest.param("server-2", Reason.UNMAPPED, id="a name"),
        pytest.param("   ", Reason.UNMAPPED, id="blank"),
        pytest.param("²", Reason.UNMAPPED, id="a digit of no number"),
        pytest.param("9" * 5000, Reason.UNMAPPED, id="longer than Python reads"),
    ],
)
def test_a_wrong_annotation_does_not_fall_back(annotation: str, reason: Reason) -> None:
    node = replace(BARE, provider_id="hrobot://2", server_annotation=annotation)
    assert number_of(node) is reason


def test_a_wrong_provider_id_number_does_not_fall_back_to_addresses() -> None:
    node = replace(BARE, provider_id="hrobot://9", addresses=("198.51.100.1",))
    assert number_of(node) is Reason.SERVER_UNKNOWN


@pytest.mark.parametrize("provider_id", ["hcloud://3", "aws:///i-3", "hrobot://3/x", "hrobot://"])
def test_the_provider_id_of_another_cloud_is_no_server(provider_id: str) -> None:
    assert number_of(replace(BARE, provider_id=provider_id)) is Reason.UNMAPPED


def test_a_node_address_maps_only_by_the_main_ipv4() -> None:
    assert number_of(replace(BARE, addresses=("2001:db8:1::",))) is Reason.UNMAPPED
    assert number_of(replace(BARE, addresses=("203.0.113.10",))) is Reason.UNMAPPED
    assert number_of(replace(BARE, addresses=("node-a.example",))) is Reason.UNMAPPED


def test_a_node_with_the_addresses_of_two_servers_is_none_of_them() -> None:
    node = replace(BARE, addresses=("198.51.100.1", "198.51.100.2"))
    found = map_node(node, SERVERS)
    assert isinstance(found, Unmapped)
    assert "several servers match" in found.message


def test_a_node_that_was_changed_is_mapped_anew() -> None:
    before = replace(BARE, server_annotation="2")
    assert [number_of(node) for node in (before, before)] == [2, 2]
    assert number_of(replace(before, server_annotation="3")) == 3
    assert number_of(before) == 2


def test_a_node_is_mapped_anew_by_every_list_of_servers() -> None:
    node = replace(BARE, addresses=("198.51.100.1",))
    first, moved = (server(1), server(2)), (replace(server(2), ipv4=server(1).ipv4),)
    assert map_node(node, first) == server(1)
    assert map_node(node, moved) == moved[0]


def test_nodes_that_came_and_went_are_not_remembered_for_ever() -> None:
    servers = (server(1),)
    for number in range(NODES_REMEMBERED + 1):
        assert map_node(Node("a", f"uid-{number}", provider_id="hrobot://1"), servers) == servers[0]
    assert len(index_servers(servers).mapped) == 1


def test_a_server_without_ipv4_matches_no_address() -> None:
    node = replace(BARE, addresses=("198.51.100.1",))
    assert isinstance(map_node(node, [replace(server(1), ipv4=None)]), Unmapped)


def test_without_a_list_of_servers_nobody_is_unmapped_for_good() -> None:
    found = map_node(replace(BARE, server_annotation="2"), None)
    assert isinstance(found, Unmapped)
    assert found.reason is Reason.SERVERS_UNREAD


def test_each_refusal_names_the_annotation_that_fixes_it() -> None:
    for annotation in ("9", "198.51.100.9", "x" * 300):
        found = map_node(replace(BARE, server_annotation=annotation), SERVERS)
        assert isinstance(found, Unmapped)
        assert "failoverip.io/server" in found.message
        assert len(found.message) < 200

"""Where each address is, on which node, who is active and who could take over (design 6, 7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NET6,
    NOW,
    Seen,
    a_move,
    an_observation,
    at,
    foreign,
    healthy,
    key_of,
    not_ready,
    nowhere,
    policy,
    server,
    settling,
    silent,
    unclear,
    with_account,
    with_status,
)

from failoverip.core.cluster import Ready
from failoverip.core.health import ClusterTrace, Verdict
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import AddressStatus, MoveResult, Policy, RouteState, Status
from failoverip.core.situation import (
    PlaceKind,
    Situation,
    choose_target,
    shows_life,
    still_settling,
    understand,
)


def situation(o: Observation) -> Situation:
    assert isinstance(o.resource.policy, Policy)
    return understand(o, o.resource.policy)


def kind(o: Observation) -> PlaceKind:
    return situation(o).places[0].kind


def eligibility(o: Observation, name: str) -> Reason:
    return situation(o).eligibility[f"uid-{name}"]


def target(o: Observation) -> str | None:
    chosen = choose_target(situation(o), o.carried)
    return None if chosen is None else chosen.node.name


KNOWN = Status(fence=FENCE, active_node="a", active_node_uid="uid-a", active_server=1)


class TestPlaces:
    def test_a_route_to_the_server_of_a_node_is_at_that_node(self) -> None:
        place = situation(an_observation()).places[0]
        assert (place.kind, place.node, place.node_uid) == (PlaceKind.NODE, "a", "uid-a")

    def test_a_route_to_nowhere_is_nowhere(self) -> None:
        assert kind(an_observation(routes={IP: nowhere()})) is PlaceKind.NOWHERE

    def test_a_route_to_no_server_of_the_account_is_foreign(self) -> None:
        assert kind(an_observation(routes={IP: foreign()})) is PlaceKind.FOREIGN

    def test_a_route_to_a_server_that_never_was_a_node_is_foreign(self) -> None:
        place = situation(an_observation(routes={IP: at("h")})).places[0]
        assert (place.kind, place.server_number) == (PlaceKind.FOREIGN, 8)

    def test_an_address_that_robot_does_not_list_is_unlisted(self) -> None:
        o = an_observation(spec=policy(IP2))
        assert kind(o) is PlaceKind.UNLISTED

    def test_an_address_that_left_the_list_is_unlisted_though_it_was_read(self) -> None:
        assert kind(with_account(an_observation(), listed=frozenset())) is PlaceKind.UNLISTED

    @pytest.mark.parametrize(
        "o",
        [
            pytest.param(with_account(an_observation(), listed=None), id="never listed"),
            pytest.param(with_account(an_observation(), routes_read_at=None), id="never read"),
            pytest.param(
                with_account(an_observation(), routes_read_at=NOW - 300.1), id="read long ago"
            ),
            pytest.param(with_account(an_observation(), servers=None), id="no servers read"),
        ],
    )
    def test_what_robot_did_not_tell_is_unknown(self, o: Observation) -> None:
        assert kind(o) is PlaceKind.UNKNOWN

    def test_a_read_of_five_minutes_ago_still_tells(self) -> None:
        assert kind(with_account(an_observation(), routes_read_at=NOW - 300)) is PlaceKind.NODE

    def test_before_the_nodes_were_listed_no_route_is_foreign(self) -> None:
        """Regression: a leader whose node lists failed told, and could enforce, a foreign route."""
        o = replace(an_observation(status=KNOWN), cluster=ClusterTrace())
        assert kind(o) is PlaceKind.UNKNOWN

    def test_an_ipv6_route_is_found_by_the_main_net(self) -> None:
        o = an_observation(routes={NET6: at("b", version=6)}, spec=policy(NET6))
        assert situation(o).places[0].node == "b"


class TestDeserted:
    def test_the_server_of_a_node_that_is_gone_is_deleted(self) -> None:
        s = situation(an_observation([healthy("b")], status=KNOWN))
        place = s.places[0]
        assert (place.kind, place.node_uid) == (PlaceKind.DELETED, "uid-a")
        assert place.health.reason is Reason.NODE_DELETED
        assert s.active == place

    def test_a_node_of_the_same_name_and_another_uid_is_not_that_node(self) -> None:
        other = healthy("a").but(provider_id="")
        assert kind(an_observation([other], status=KNOWN)) is PlaceKind.LOST
        reborn = other.but(uid="uid-a2")
        assert kind(an_observation([reborn], status=KNOWN)) is PlaceKind.DELETED

    def test_a_node_that_lost_its_mapping_is_lost_and_not_failed(self) -> None:
        s = situation(an_observation([healthy("a").but(server_annotation="9")], status=KNOWN))
        assert s.places[0].kind is PlaceKind.LOST
        assert s.places[0].health.verdict is Verdict.UNCLEAR

    def test_the_node_recorded_with_an_address_is_remembered_where_another_is_active(self) -> None:
        track = at("c")
        spec = policy(IP, IP2)
        confirmed = RouteState.CONFIRMED
        recorded = AddressStatus(spec.addresses[1], confirmed, track.target, "c", "uid-c")
        status = replace(KNOWN, addresses=(recorded,))
        o = an_observation([healthy("a")], {IP: at("a"), IP2: track}, spec, status)
        place = situation(o).places[1]
        assert (place.kind, place.node, place.node_uid) == (PlaceKind.DELETED, "c", "uid-c")

    @pytest.mark.parametrize(
        ("recorded_uid", "told"),
        [
            ("uid-c", PlaceKind.DELETED),
            ("uid-c2", PlaceKind.LOST),
            # Recorded by a version that did not know the UID.
            ("", PlaceKind.LOST),
        ],
    )
    def test_a_later_node_of_its_name_on_another_server_is_not_the_one_that_was_recorded(
        self, recorded_uid: str, told: PlaceKind
    ) -> None:
        """Seed 1649: its part of a group waited for ever for a mapping that nobody would set."""
        track = at("c")
        spec = policy(IP, IP2)
        confirmed = RouteState.CONFIRMED
        recorded = AddressStatus(spec.addresses[1], confirmed, track.target, "c", recorded_uid)
        reborn = healthy("c").but(uid="uid-c2", server_annotation="7")
        nodes = [healthy("a"), reborn]
        status = replace(KNOWN, addresses=(recorded,))
        o = an_observation(nodes, {IP: at("a"), IP2: track}, spec, status)
        assert situation(o).places[1].kind is told

    def test_an_address_recorded_at_another_server_tells_nothing(self) -> None:
        spec = policy()
        recorded = AddressStatus(spec.addresses[0], RouteState.CONFIRMED, at("b").target, "b")
        status = Status(fence=FENCE, addresses=(recorded,))
        o = an_observation([healthy("a")], {IP: at("c")}, spec, status)
        assert kind(o) is PlaceKind.FOREIGN

    def test_what_is_recorded_with_another_address_tells_nothing(self) -> None:
        recorded = AddressStatus(
            policy(IP2).addresses[0], RouteState.CONFIRMED, at("c").target, "c"
        )
        status = Status(fence=FENCE, addresses=(recorded,))
        o = an_observation([healthy("a")], {IP: at("c")}, policy(), status)
        assert kind(o) is PlaceKind.FOREIGN


class TestActive:
    SPEC = policy(IP, IP2, "203.0.113.12")

    def active(self, a: str, b: str, c: str, *sick: str) -> str:
        nodes = [silent(name) if name in sick else healthy(name) for name in "abc"]
        routes = {IP: at(a), IP2: at(b), "203.0.113.12": at(c)}
        active = situation(an_observation(nodes, routes, self.SPEC)).active
        assert active is not None
        return active.node

    def test_the_node_with_most_addresses(self) -> None:
        assert self.active("b", "a", "a") == "a"

    def test_of_equals_the_one_with_the_first_address(self) -> None:
        assert self.active("c", "a", "b") == "c"

    def test_a_healthy_node_before_one_with_more(self) -> None:
        assert self.active("a", "a", "b", "a") == "b"

    def test_without_a_healthy_one_the_node_with_most(self) -> None:
        assert self.active("b", "a", "a", "a", "b") == "a"

    def test_nobody_where_no_address_is_on_a_node(self) -> None:
        assert situation(an_observation(routes={IP: nowhere()})).active is None
        assert situation(an_observation(routes={IP: foreign()})).active is None
        assert situation(an_observation(routes={IP: at("h")})).active is None


class TestSharedServer:
    def test_it_lives_while_one_of_its_nodes_does_and_that_one_is_told(self) -> None:
        guest = healthy("b").but(provider_id="hrobot://1")
        place = situation(an_observation([silent("a"), guest])).places[0]
        assert place.health.verdict is Verdict.POSITIVE
        assert place.node == "b"

    def test_of_two_nodes_that_live_the_first_by_name_is_told(self) -> None:
        o = an_observation([healthy("a"), healthy("b").but(provider_id="hrobot://1")])
        assert [situation(seen).places[0].node for seen in (o, backwards(o))] == ["a", "a"]

    def test_it_failed_only_when_all_of_its_nodes_did(self) -> None:
        guests = [not_ready("b").but(provider_id="hrobot://1"), silent("a")]
        assert situation(an_observation(guests)).places[0].health.verdict is Verdict.FAILED
        guests.append(unclear("c").but(provider_id="hrobot://1"))
        assert situation(an_observation(guests)).places[0].health.verdict is Verdict.UNCLEAR

    def test_it_is_no_target(self) -> None:
        nodes = [healthy("a"), healthy("b"), healthy("c").but(provider_id="hrobot://2")]
        o = an_observation(nodes)
        assert eligibility(o, "b") is eligibility(o, "c") is Reason.SERVER_SHARED


class TestEligibility:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({}, Reason.ELIGIBLE),
            ({"unschedulable": True}, Reason.NODE_CORDONED),
            ({"deleting": True}, Reason.NODE_DELETING),
            ({"provider_id": ""}, Reason.UNMAPPED),
            ({"provider_id": "hrobot://77"}, Reason.SERVER_UNKNOWN),
        ],
    )
    def test_of_a_node(self, changes: dict[str, object], reason: Reason) -> None:
        o = an_observation([healthy("a"), healthy("b").but(**changes)])
        assert eligibility(o, "b") is reason

    def test_needs_all_labels_of_the_selector(self) -> None:
        spec = policy(node_selector=(("pool", "edge"), ("zone", "1")))
        one = healthy("a").but(labels=(("pool", "edge"),))
        both = healthy("b").but(labels=(("os", "linux"), ("pool", "edge"), ("zone", "1")))
        o = an_observation([one, both], spec=spec)
        assert eligibility(o, "a") is Reason.NODE_NOT_SELECTED
        assert eligibility(o, "b") is Reason.ELIGIBLE

    def test_needs_both_families_where_both_are_routed(self) -> None:
        servers = (server(1), replace(server(2), ipv6_net=None), replace(server(3), ipv4=None))
        routes = {IP: at("a"), NET6: at("a", version=6)}
        o = with_account(an_observation(routes=routes, spec=policy(IP, NET6)), servers=servers)
        assert eligibility(o, "a") is Reason.ELIGIBLE
        assert eligibility(o, "b") is eligibility(o, "c") is Reason.FAMILY_MISSING

    def test_lacks_nothing_by_a_family_that_is_not_routed(self) -> None:
        o = with_account(an_observation(), servers=(replace(server(2), ipv6_net=None),))
        assert eligibility(o, "b") is Reason.ELIGIBLE

    def test_waits_for_the_list_of_servers(self) -> None:
        o = with_account(an_observation(), servers=None)
        assert eligibility(o, "b") is Reason.SERVERS_UNREAD

    @pytest.mark.parametrize("result", [MoveResult.REFUSED, MoveResult.FAILED])
    def test_a_target_that_refused_or_failed_is_barred_for_ten_minutes(
        self, result: MoveResult
    ) -> None:
        o = with_status(an_observation(), moves=(a_move("b", result, ended_seconds_ago=599),))
        assert eligibility(o, "b") is Reason.TARGET_BARRED
        o = with_status(an_observation(), moves=(a_move("b", result, ended_seconds_ago=600),))
        assert eligibility(o, "b") is Reason.ELIGIBLE

    @pytest.mark.parametrize(
        "result", [MoveResult.CONFIRMED, MoveResult.PARTIAL, MoveResult.ABANDONED]
    )
    def test_other_endings_bar_nobody(self, result: MoveResult) -> None:
        o = with_status(an_observation(), moves=(a_move("b", result),))
        assert eligibility(o, "b") is Reason.ELIGIBLE


def backwards(o: Observation) -> Observation:
    """The same nodes, listed in another order."""
    return replace(o, cluster=replace(o.cluster, nodes=o.cluster.nodes[::-1]))


class TestTarget:
    def test_is_the_first_by_name(self) -> None:
        o = an_observation([silent("a"), healthy("c"), healthy("b")])
        assert target(o) == target(backwards(o)) == "b"

    def test_is_the_one_that_carries_fewest_addresses_of_others(self) -> None:
        o = an_observation([silent("a"), healthy("b"), healthy("c")])
        assert target(replace(o, carried={2: 3, 3: 1})) == "c"

    def test_needs_positive_evidence(self) -> None:
        sick = [silent("a"), unclear("b"), not_ready("c"), settling("d")]
        assert target(an_observation(sick)) is None


class TestSettling:
    def settles(self, o: Observation) -> bool:
        return still_settling(o, situation(o).views[0])

    def test_a_ready_node_settles_until_20_seconds_passed_without_a_beat(self) -> None:
        o = an_observation([settling("a")])
        assert self.settles(o)
        assert self.settles(replace(o, now=NOW + 15.9))
        assert not self.settles(replace(o, now=NOW + 16))

    def test_a_node_whose_beat_was_seen_or_that_is_not_ready_does_not(self) -> None:
        assert not self.settles(an_observation([healthy("a")]))
        assert not self.settles(an_observation([unclear("a")]))
        assert not self.settles(an_observation([settling("a").but(ready=Ready.UNKNOWN)]))

    def test_a_node_without_a_trace_does_not(self) -> None:
        o = an_observation([settling("a")])
        assert not self.settles(replace(o, cluster=replace(o.cluster, traces={})))


def test_a_node_that_is_not_listed_has_no_view() -> None:
    assert situation(an_observation()).view("z") is None


def test_addresses_of_one_key_are_one_route() -> None:
    assert key_of("203.0.113.16/29") == "203.0.113.16"


@pytest.mark.parametrize(
    ("seen", "lives"),
    [(healthy("a"), True), (silent("a"), False), (unclear("a"), False), (healthy("b"), False)],
)
def test_a_node_shows_life_when_it_is_listed_and_beats(seen: Seen, lives: bool) -> None:
    assert shows_life(an_observation([seen]), "a") is lives


def test_what_is_told_after_a_pass_of_eight_resources_is_not_worked_out_again() -> None:
    first, *others = [an_observation() for _ in range(8)]
    understood = situation(first)
    for o in others:
        situation(o)
    assert situation(first) is understood


def test_what_observations_of_long_ago_meant_is_not_kept() -> None:
    first, *others = [an_observation() for _ in range(9)]
    understood = situation(first)
    for o in others:
        situation(o)
    assert situation(first) is not understood
    assert situation(first) == understood

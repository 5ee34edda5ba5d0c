"""What is decided where the addresses are not where they should be (design 4, 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NET6,
    NOW,
    PLENTY,
    WALL,
    Seen,
    a_move,
    an_observation,
    at,
    foreign,
    healthy,
    not_ready,
    nowhere,
    policy,
    server,
    settling,
    silent,
    unclear,
    with_account,
    with_resource,
    with_status,
    with_track,
)

from failoverip.core.decide import decide
from failoverip.core.decision import Action, Decision, Hold, OpenIntent
from failoverip.core.health import ClusterTrace
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    Cause,
    Drift,
    Intent,
    MoveResult,
    OnCordon,
    Policy,
    Status,
)

GROUP = policy(IP, IP2)
ENFORCE = policy(drift=Drift.ENFORCE)
A_ACTIVE = Status(fence=FENCE, active_node="a", active_node_uid="uid-a", active_server=1)


def opened(o: Observation) -> Intent:
    decision = decide(o)
    assert isinstance(decision.action, OpenIntent), decision
    assert decision.reason is decision.action.intent.cause.reason
    return decision.action.intent


def held(o: Observation) -> Reason:
    decision = decide(o)
    assert isinstance(decision.action, Hold), decision
    return decision.reason


def texts(intent: Intent) -> list[str]:
    return [route.address.text for route in intent.routes]


class TestActiveNodeFailed:
    @pytest.mark.parametrize(
        ("node", "reason"),
        [
            (silent("a"), Reason.NODE_UNREACHABLE),
            (not_ready("a"), Reason.NODE_NOT_READY),
        ],
    )
    def test_its_addresses_move(self, node: Seen, reason: Reason) -> None:
        intent = opened(an_observation([node, healthy("b")]))
        assert intent.cause == Cause(reason, "a", "uid-a")
        assert (intent.node, intent.node_uid, intent.server_number) == ("b", "uid-b", 2)

    def test_also_when_its_object_is_gone(self) -> None:
        intent = opened(an_observation([healthy("b")], status=A_ACTIVE))
        assert intent.cause == Cause(Reason.NODE_DELETED, "a", "uid-a")

    def test_the_intent_says_all_that_a_successor_needs(self) -> None:
        spec = policy(IP, NET6)
        routes = {IP: at("a"), NET6: at("a", version=6)}
        intent = opened(an_observation([silent("a"), healthy("b")], routes, spec))
        assert [route.to for route in intent.routes] == [server(2).ipv4, server(2).ipv6_net]
        assert (intent.epoch, intent.attempts, intent.posted_at) == (FENCE.epoch, 0, None)
        assert intent.started_at == intent.detected_at == WALL

    def test_no_two_intents_have_one_id(self) -> None:
        o = an_observation([silent("a"), healthy("b")])
        ids = {
            opened(o).id,
            opened(with_resource(o, resource_version="4712")).id,
            opened(with_status(o, fence=replace(FENCE, epoch=8))).id,
        }
        assert len(ids) == 3

    def test_only_the_parts_on_failed_nodes_move(self) -> None:
        routes = {IP: at("a"), IP2: at("b")}
        o = an_observation([silent("a"), unclear("b"), healthy("c")], routes, GROUP)
        assert texts(opened(o)) == [IP]

    def test_parts_on_several_failed_nodes_move_together(self) -> None:
        routes = {IP: at("a"), IP2: at("b")}
        o = an_observation([silent("a"), not_ready("b"), healthy("c")], routes, GROUP)
        assert texts(opened(o)) == [IP, IP2]

    def test_nothing_moves_off_a_node_that_is_unclear(self) -> None:
        assert held(an_observation([unclear("a"), healthy("b")])) is Reason.ACTIVE_NODE_UNCLEAR

    def test_nothing_moves_while_nobody_can_take_it(self) -> None:
        assert held(an_observation([silent("a"), unclear("b")])) is Reason.NO_TARGET

    def test_the_message_says_why_nobody_can(self) -> None:
        nodes = [silent("a"), unclear("b"), healthy("c").but(unschedulable=True)]
        message = decide(an_observation(nodes)).message
        assert "a Failed, b Unclear, c NodeCordoned" in message
        spec = policy(node_selector=(("pool", "edge"),))
        message = decide(an_observation([silent("a")], spec=spec)).message
        assert "nodeSelector selects no node" in message

    def test_the_reserve_of_writes_serves_it(self) -> None:
        o = with_account(
            an_observation([silent("a"), healthy("b")]),
            budget=replace(PLENTY, free_writes_left=0),
        )
        opened(o)


class TestLeaving:
    CORDONED = healthy("a").but(unschedulable=True)

    def test_a_cordon_moves_the_addresses(self) -> None:
        intent = opened(an_observation([self.CORDONED, healthy("b")]))
        assert intent.cause == Cause(Reason.NODE_CORDONED, "a", "uid-a")

    def test_unless_the_user_says_stay(self) -> None:
        o = an_observation([self.CORDONED, healthy("b")], spec=policy(on_cordon=OnCordon.STAY))
        assert held(o) is Reason.ON_HEALTHY_NODE

    def test_deletion_and_selector_move_them_too(self) -> None:
        o = an_observation([healthy("a").but(deleting=True), healthy("b")])
        assert opened(o).cause.reason is Reason.NODE_DELETING
        edge = healthy("b").but(labels=(("pool", "edge"),))
        o = an_observation([healthy("a"), edge], spec=policy(node_selector=(("pool", "edge"),)))
        assert opened(o).cause.reason is Reason.NODE_NOT_SELECTED

    def test_a_server_is_left_only_when_all_its_nodes_leave(self) -> None:
        guest = healthy("c").but(provider_id="hrobot://1")
        o = an_observation([self.CORDONED, healthy("b"), guest])
        assert held(o) is Reason.ON_HEALTHY_NODE
        gone = guest.but(unschedulable=True)
        assert opened(an_observation([self.CORDONED, healthy("b"), gone])).node == "b"

    def test_the_reserve_of_writes_does_not_serve_it(self) -> None:
        o = with_account(
            an_observation([self.CORDONED, healthy("b")]),
            budget=replace(PLENTY, free_writes_left=0),
        )
        assert held(o) is Reason.BUDGET_EXHAUSTED

    def test_without_a_target_they_stay(self) -> None:
        assert held(an_observation([self.CORDONED])) is Reason.NO_TARGET


class TestMappingLost:
    def test_nothing_moves_and_the_fix_is_told(self) -> None:
        unmapped = healthy("a").but(server_annotation="9")
        o = an_observation([unmapped, healthy("b")], status=A_ACTIVE)
        assert held(o) is Reason.MAPPING_LOST
        assert "node a is no longer mapped to server 1" in decide(o).message

    def test_not_even_under_enforce(self) -> None:
        unmapped = healthy("a").but(server_annotation="9")
        o = an_observation([unmapped, healthy("b")], None, ENFORCE, A_ACTIVE)
        assert held(o) is Reason.MAPPING_LOST


class TestGroupSplit:
    def split(self, part: Seen, spec: Policy = GROUP, **active: object) -> Observation:
        """IP is with healthy node a, IP2 with the part."""
        routes = {IP: at("a"), IP2: at("b")}
        return an_observation([healthy("a").but(**active), part], routes, spec)

    def test_a_part_on_a_failed_node_follows_the_active_node(self) -> None:
        intent = opened(self.split(silent("b")))
        assert intent.cause == Cause(Reason.GROUP_SPLIT, "b", "uid-b")
        assert (intent.node, texts(intent)) == ("a", [IP2])

    def test_a_part_on_an_ineligible_node_follows_too(self) -> None:
        assert opened(self.split(healthy("b").but(unschedulable=True))).node == "a"

    def test_a_part_on_another_healthy_node_is_only_told(self) -> None:
        o = self.split(healthy("b"))
        assert held(o) is Reason.GROUP_SPLIT
        assert IP2 in decide(o).message

    def test_unless_drift_is_enforced(self) -> None:
        assert opened(self.split(healthy("b"), policy(IP, IP2, drift=Drift.ENFORCE))).node == "a"

    def test_enforced_twice_an_hour_it_is_contested(self) -> None:
        enforced = a_move("a", cause=Reason.GROUP_SPLIT, ended_seconds_ago=1000)
        o = self.split(healthy("b"), policy(IP, IP2, drift=Drift.ENFORCE))
        assert held(with_status(o, moves=(enforced,) * 2)) is Reason.CONTESTED
        opened(with_status(o, moves=(enforced,)))

    def test_a_part_on_a_failed_node_is_never_contested(self) -> None:
        enforced = a_move("a", cause=Reason.GROUP_SPLIT, ended_seconds_ago=1000)
        opened(with_status(self.split(silent("b")), moves=(enforced,) * 2))

    def test_a_part_on_a_failed_node_goes_to_another_one_than_the_active_that_cannot_take_it(
        self,
    ) -> None:
        """Seed 1279: it stayed on the dead node for ever."""
        spec = policy(IP, IP2, on_cordon=OnCordon.STAY)
        o = self.split(silent("b"), spec, unschedulable=True)
        assert held(o) is Reason.NO_TARGET
        third = an_observation(
            nodes=[healthy("a").but(unschedulable=True), silent("b"), healthy("c")],
            routes={IP: at("a"), IP2: at("b")},
            spec=spec,
        )
        intent = opened(third)
        assert (intent.node, texts(intent)) == ("c", [IP2])

    def test_a_part_on_a_foreign_server_is_told_as_part_of_the_group(self) -> None:
        o = an_observation(routes={IP: at("a"), IP2: foreign()}, spec=GROUP)
        assert held(o) is Reason.GROUP_SPLIT

    def test_and_taken_back_to_the_active_node_under_enforce(self) -> None:
        spec = policy(IP, IP2, drift=Drift.ENFORCE)
        o = an_observation(routes={IP: at("c"), IP2: foreign()}, spec=spec)
        intent = opened(o)
        assert (intent.cause.reason, intent.node) == (Reason.FOREIGN_SERVER, "c")

    def test_a_part_that_is_routed_nowhere_follows_after_two_reads(self) -> None:
        o = an_observation(routes={IP: at("c"), IP2: nowhere()}, spec=GROUP)
        assert opened(o).node == "c"
        assert held(with_track(o, IP2, since=NOW - 20)) is Reason.ROUTE_READ_ONCE

    def test_parts_that_are_alike_follow_together_others_after_them(self) -> None:
        third = "203.0.113.12"
        routes = {IP: at("a"), IP2: at("b"), third: at("c")}
        nodes = [healthy("a"), silent("b"), silent("c")]
        assert texts(opened(an_observation(nodes, routes, policy(IP, IP2, third)))) == [IP2]
        routes[third] = at("b")
        o = an_observation([healthy("a"), silent("b")], routes, policy(third, IP, IP2))
        assert texts(opened(o)) == [third, IP2]

    @pytest.mark.parametrize(
        ("result", "cause", "barred"),
        [
            (MoveResult.PARTIAL, Reason.NODE_UNREACHABLE, True),
            (MoveResult.REFUSED, Reason.GROUP_SPLIT, True),
            (MoveResult.FAILED, Reason.GROUP_SPLIT, True),
            (MoveResult.ABANDONED, Reason.GROUP_SPLIT, False),
            (MoveResult.CONFIRMED, Reason.GROUP_SPLIT, False),
        ],
    )
    def test_a_repair_is_barred_for_ten_minutes(
        self, result: MoveResult, cause: Reason, barred: bool
    ) -> None:
        o = self.split(silent("b"))
        recent = a_move("c", result, cause=cause, ended_seconds_ago=599)
        decision = decide(with_status(o, moves=(recent,)))
        assert isinstance(decision.action, Hold) is barred
        opened(with_status(o, moves=(replace(recent, ended_at=WALL - 600),)))


class TestRoutedNowhere:
    UNROUTED = an_observation(routes={IP: nowhere()})

    def test_it_is_placed_after_two_reads(self) -> None:
        intent = opened(self.UNROUTED)
        assert (intent.cause, intent.node) == (Cause(Reason.ROUTED_NOWHERE), "a")

    def test_the_second_read_is_wanted_30_seconds_after_the_first(self) -> None:
        decision = decide(with_track(self.UNROUTED, IP, since=NOW - 10))
        assert decision.reason is Reason.ROUTE_READ_ONCE
        assert decision.read_routes_at == NOW + 20

    def test_not_while_robot_is_switching_it(self) -> None:
        assert held(with_track(self.UNROUTED, IP, ready=False)) is Reason.SWITCH_UNDER_WAY


class TestForeign:
    FOREIGN = an_observation(routes={IP: foreign()}, spec=ENFORCE)

    def test_it_is_only_told_by_default(self) -> None:
        o = an_observation(routes={IP: foreign()})
        assert held(o) is Reason.FOREIGN_SERVER
        assert "192.0.2.99" in decide(o).message

    def test_enforce_takes_it_back_after_two_reads(self) -> None:
        assert opened(self.FOREIGN).node == "a"
        assert held(with_track(self.FOREIGN, IP, since=NOW - 5)) is Reason.ROUTE_READ_ONCE
        assert held(with_track(self.FOREIGN, IP, ready=False)) is Reason.SWITCH_UNDER_WAY

    def test_never_while_a_node_is_unmapped(self) -> None:
        o = replace(self.FOREIGN, unmapped_recently=("c",))
        assert held(o) is Reason.MAPPING_LOST

    def test_at_most_five_unmapped_nodes_are_named(self) -> None:
        o = replace(self.FOREIGN, unmapped_recently=tuple("bcdefg"))
        assert "but b, c, d, e, f has no server" in decide(o).message

    def test_at_most_twice_an_hour(self) -> None:
        taken = a_move("a", cause=Reason.FOREIGN_SERVER, ended_seconds_ago=3599)
        assert held(with_status(self.FOREIGN, moves=(taken,) * 2)) is Reason.CONTESTED
        opened(with_status(self.FOREIGN, moves=(taken,)))
        older = replace(taken, ended_at=WALL - 3600)
        opened(with_status(self.FOREIGN, moves=(taken, older)))

    def test_what_never_asked_robot_does_not_count(self) -> None:
        idle = a_move("a", MoveResult.ABANDONED, cause=Reason.FOREIGN_SERVER, attempts=0)
        opened(with_status(self.FOREIGN, moves=(idle,) * 2))


class TestCannotTell:
    @pytest.mark.parametrize(
        ("o", "told"),
        [
            (
                with_account(an_observation(), routes_read_at=None, listed=None),
                "Robot was not asked yet",
            ),
            (with_account(an_observation(), servers=None), "were not read recently"),
            (replace(an_observation(), cluster=ClusterTrace()), "nodes were not listed"),
        ],
    )
    def test_the_gap_is_told_and_no_read_beyond_the_regular_ones_asked_for(
        self, o: Observation, told: str
    ) -> None:
        decision = decide(o)
        assert decision.reason is Reason.ROUTE_UNKNOWN
        assert told in decision.message
        assert decision.read_routes_at is None

    @pytest.mark.parametrize("switch_to", ["", "b"])
    def test_no_request_is_refused_for_a_node_that_nobody_looked_for(self, switch_to: str) -> None:
        """Regression: the address was routed nowhere, so a new leader decided without any list:
        it told that no node was selected, and refused a request for ever."""
        o = an_observation(routes={IP: nowhere()}, switch_to=switch_to)
        assert held(replace(o, cluster=ClusterTrace())) is Reason.ROUTE_UNKNOWN
        assert held(with_account(o, servers=None)) is Reason.ROUTE_UNKNOWN

    def test_an_address_that_robot_does_not_list_is_told_with_the_fix(self) -> None:
        decision = decide(an_observation(spec=policy(IP, IP2)))
        assert decision.reason is Reason.UNKNOWN_ADDRESS
        assert IP2 in decision.message
        assert "correct spec.addresses" in decision.message

    def test_a_route_that_was_known_lately_still_counts_in_trouble(self) -> None:
        o = with_account(an_observation(), routes_read_at=NOW - 200)
        assert decide(o).reason is Reason.ON_HEALTHY_NODE


class TestRecheck:
    def after(self, o: Observation) -> float:
        decision: Decision = decide(o)
        action: Action = decision.action
        assert isinstance(action, Hold)
        return decision.recheck_after_seconds

    def test_in_the_steady_state_every_ten_seconds(self) -> None:
        assert self.after(an_observation()) == 10

    def test_soon_while_somebody_is_not_settled(self) -> None:
        assert self.after(an_observation([healthy("a"), settling("b")])) == 2

    def test_a_node_that_is_not_selected_settles_without_us(self) -> None:
        spec = policy(node_selector=(("pool", "edge"),))
        edge = healthy("a").but(labels=(("pool", "edge"),))
        assert self.after(an_observation([edge, settling("b")], spec=spec)) == 10

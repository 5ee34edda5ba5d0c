"""Whether what an intent was opened for still holds, judged on its source (design 5)."""

from __future__ import annotations

from dataclasses import replace

from tests.support.observations import (
    IP,
    IP2,
    NOW,
    Seen,
    an_intent,
    an_observation,
    at,
    healthy,
    nowhere,
    policy,
    silent,
    unclear,
    with_account,
    with_status,
)

from failoverip.core.addresses import TargetAddress, parse_failover_address
from failoverip.core.causes import CauseState, judge_cause
from failoverip.core.decide import decide
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Drift, IntentRoute, OnCordon
from failoverip.core.routes import RouteTrack
from failoverip.core.situation import understand

GROUP = policy(IP, IP2)


def gone(cause: Cause, o: Observation) -> bool:
    """Whether an intent with this cause is abandoned for it."""
    decision = decide(with_status(o, intent=an_intent(cause=cause)))
    return decision.reason is Reason.CAUSE_GONE


def test_a_failed_source_must_be_seen_alive() -> None:
    cause = Cause(Reason.NODE_UNREACHABLE, "a", "uid-a")
    b = healthy("b")
    assert gone(cause, an_observation([healthy("a"), b]))
    assert not gone(cause, an_observation([unclear("a"), b]))
    assert not gone(cause, an_observation([b]))


def test_a_source_that_is_unclear_is_waited_for() -> None:
    o = an_observation([unclear("a"), healthy("b")])
    decision = decide(with_status(o, intent=an_intent()))
    assert decision.reason is Reason.CAUSE_UNCLEAR


def test_a_node_that_came_back_under_its_name_is_not_the_source() -> None:
    cause = Cause(Reason.NODE_DELETED, "a", "uid-a")
    reborn = silent("a").but(uid="uid-a2")
    assert not gone(cause, an_observation([reborn, healthy("b")]))


def test_but_by_name_where_no_uid_was_known() -> None:
    cause = Cause(Reason.NODE_DELETED, "a")
    assert gone(cause, an_observation([healthy("a"), healthy("b")]))
    # No other node speaks for it.
    cause = Cause(Reason.NODE_DELETED, "c")
    assert gone(cause, an_observation([silent("a"), healthy("b"), healthy("c")]))
    assert not gone(cause, an_observation([unclear("a"), healthy("b"), silent("c")]))


def test_an_address_that_is_on_another_healthy_node_has_no_cause_left() -> None:
    cause = Cause(Reason.NODE_UNREACHABLE, "a", "uid-a")
    nodes = [silent("a"), healthy("b"), healthy("c")]
    assert gone(cause, an_observation(nodes, {IP: at("c")}))
    nodes[2] = silent("c")
    assert not gone(cause, an_observation(nodes, {IP: at("c")}))


def test_another_main_address_of_the_intended_server_is_not_elsewhere() -> None:
    """Robot may renumber a server while a switch to it is open: its cause is judged as before."""
    before = IntentRoute(parse_failover_address(IP), TargetAddress("198.51.100.200"))
    intent = replace(an_intent("b"), routes=(before,))
    seen = understand(an_observation([silent("a"), healthy("b")], {IP: at("b")}), policy())
    assert judge_cause(seen, intent) is CauseState.HOLDS


def test_a_cordon_must_be_lifted() -> None:
    cause = Cause(Reason.NODE_CORDONED, "a", "uid-a")
    cordoned = healthy("a").but(unschedulable=True)
    b = healthy("b")
    assert not gone(cause, an_observation([cordoned, b]))
    assert gone(cause, an_observation([healthy("a"), b]))
    assert gone(cause, an_observation([unclear("a"), b]))
    assert gone(cause, an_observation([cordoned, b], spec=policy(on_cordon=OnCordon.STAY)))


def test_a_leaving_source_that_fails_or_goes_away_still_counts() -> None:
    cause = Cause(Reason.NODE_CORDONED, "a", "uid-a")
    assert not gone(cause, an_observation([silent("a"), healthy("b")]))
    assert not gone(cause, an_observation([healthy("b")]))


def test_a_leaving_source_is_not_left_where_another_node_of_its_server_may_stay() -> None:
    """Seed 15366: a node was made anew on the server while the switch was open."""
    cause = Cause(Reason.NODE_CORDONED, "a", "uid-a")
    cordoned, other = healthy("a").but(unschedulable=True), healthy("c").but(server_annotation="1")

    def state(beside: Seen) -> CauseState:
        o = an_observation([cordoned, beside, healthy("b")])
        return judge_cause(understand(o, policy()), an_intent("b", cause=cause))

    assert state(other) is CauseState.GONE
    assert state(unclear("c").but(server_annotation="1")) is CauseState.UNCLEAR
    assert state(silent("c").but(server_annotation="1")) is CauseState.HOLDS
    assert state(other.but(unschedulable=True)) is CauseState.HOLDS

    # One on another server has no say.
    o = an_observation([cordoned, unclear("d"), healthy("b")], {IP: at("a"), IP2: at("d")}, GROUP)
    intent = an_intent("b", IP, IP2, cause=cause)
    assert judge_cause(understand(o, GROUP), intent) is CauseState.HOLDS


def test_deletion_and_selector_hold_while_they_are_so() -> None:
    b = healthy("b").but(labels=(("pool", "edge"),))
    leaving = Cause(Reason.NODE_DELETING, "a", "uid-a")
    assert not gone(leaving, an_observation([healthy("a").but(deleting=True), b]))
    deselected = Cause(Reason.NODE_NOT_SELECTED, "a", "uid-a")
    spec = policy(node_selector=(("pool", "edge"),))
    assert not gone(deselected, an_observation([healthy("a"), b], spec=spec))
    assert gone(deselected, an_observation([healthy("a"), b]))


def test_routed_nowhere_until_it_is_somewhere() -> None:
    cause = Cause(Reason.ROUTED_NOWHERE)
    assert not gone(cause, an_observation(routes={IP: nowhere()}))
    assert gone(cause, an_observation(routes={IP: at("c")}))


def test_robots_switch_may_show_anything_after_the_first_request() -> None:
    o = an_observation([silent("a"), healthy("b")], {IP: at("a")})
    asked = an_intent(cause=Cause(Reason.ROUTED_NOWHERE), attempts=1)
    assert decide(with_status(o, intent=asked)).reason is not Reason.CAUSE_GONE


def test_a_foreign_route_only_under_enforce() -> None:
    cause = Cause(Reason.FOREIGN_SERVER)
    stranger = RouteTrack(at("h").target, True, NOW - 600, NOW - 1)
    enforce = policy(drift=Drift.ENFORCE)
    assert not gone(cause, an_observation(routes={IP: stranger}, spec=enforce))
    assert gone(cause, an_observation(routes={IP: at("c")}, spec=enforce))
    assert gone(cause, an_observation(routes={IP: stranger}))


def test_a_route_that_cannot_be_told_leaves_the_cause_unclear() -> None:
    for cause in (Cause(Reason.ROUTED_NOWHERE), Cause(Reason.GROUP_SPLIT, "a", "uid-a")):
        o = with_account(an_observation(), listed=None)
        decision = decide(with_status(o, intent=an_intent(cause=cause)))
        assert decision.reason is Reason.CAUSE_UNCLEAR
        seen = understand(o, policy())
        assert judge_cause(seen, an_intent(cause=cause)) is CauseState.UNCLEAR


def test_a_request_of_the_user_holds_for_ever() -> None:
    o = an_observation([healthy("a"), healthy("b")])
    assert not gone(Cause(Reason.SWITCH_REQUESTED, "a", "uid-a"), o)


def test_a_split_group_while_the_part_may_follow() -> None:
    cause = Cause(Reason.GROUP_SPLIT, "a", "uid-a")
    routes = {IP2: at("b"), IP: at("a")}
    b = healthy("b")
    for part in (silent("a"), healthy("a").but(unschedulable=True)):
        assert not gone(cause, an_observation([part, b], routes, GROUP))
    assert gone(cause, an_observation([healthy("a"), b], routes, GROUP))
    enforced = policy(IP, IP2, drift=Drift.ENFORCE)
    assert not gone(cause, an_observation([healthy("a"), b], routes, enforced))


def test_a_part_on_a_foreign_server_may_not_follow() -> None:
    cause = Cause(Reason.GROUP_SPLIT)
    routes = {IP2: at("b"), IP: at("h")}
    assert gone(cause, an_observation([healthy("b")], routes, GROUP))
    gone_nowhere = {IP2: at("b"), IP: nowhere()}
    assert not gone(cause, an_observation([healthy("b")], gone_nowhere, GROUP))


def test_a_dead_node_keeps_nothing_on_a_server_whose_living_node_is_cordoned() -> None:
    dead, cordoned = silent("a"), healthy("c").but(unschedulable=True, server_annotation="1")
    decision = decide(an_observation([dead, cordoned, healthy("b")]))
    assert decision.reason is Reason.NODE_CORDONED
    # What may be alive, and shall not be left, keeps it.
    decision = decide(an_observation([unclear("a"), cordoned, healthy("b")]))
    assert decision.reason is not Reason.NODE_CORDONED

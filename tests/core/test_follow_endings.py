"""How an open intent ends: Confirmed, Partial, Refused, Failed, Abandoned (design 5, Outcome)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.following import ending, following, goes_on, memory
from tests.support.observations import (
    IP,
    IP2,
    NOW,
    an_intent,
    at,
    healthy,
    key_of,
    not_ready,
    policy,
    silent,
    unclear,
    with_account,
    with_resource,
    with_track,
)

from failoverip.core.decide import decide
from failoverip.core.decision import CloseIntent
from failoverip.core.health import ClusterTrace
from failoverip.core.memory import IntentMemory, RouteMemory
from failoverip.core.provider import Refused
from failoverip.core.reasons import Reason
from failoverip.core.resource import Mode, MoveResult
from failoverip.core.routes import RouteTrack

NO = Refused("FAILOVER_NEW_SERVER_NOT_FOUND", "no such server")


CONFIRMED = (MoveResult.CONFIRMED, Reason.CONFIRMED)


class TestConfirmed:
    def test_with_ready_one_read_is_enough(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("b", since=NOW - 1)})
        assert ending(o) == CONFIRMED

    def test_while_robot_says_not_ready_it_is_not(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("b", ready=False)})
        goes_on(o)

    def test_without_ready_two_equal_reads_must_be_30_seconds_apart(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("b", ready=None, since=NOW - 30.9)})
        assert goes_on(o).reason is Reason.CONFIRMING
        o = with_track(o, IP, since=NOW - 31)
        assert ending(o) == CONFIRMED

    def test_without_ready_reads_before_the_own_request_ended_do_not_count(self) -> None:
        ended = memory(ip=RouteMemory(last_ended_at=NOW - 20), round_ended_at=NOW - 20)
        o = following(an_intent(attempts=1), {IP: at("b", ready=None)}, ended)
        assert goes_on(o).reason is Reason.CONFIRMING

    def test_without_ready_the_answer_itself_may_be_the_first_read(self) -> None:
        ended = memory(ip=RouteMemory(last_ended_at=NOW - 31), round_ended_at=NOW - 31)
        o = following(an_intent(attempts=1), {IP: at("b", ready=None, since=NOW - 31)}, ended)
        assert ending(o) == CONFIRMED

    def test_without_ready_nothing_is_confirmed_while_the_own_request_runs(self) -> None:
        running = memory(ip=RouteMemory(in_flight=True))
        o = following(an_intent(attempts=1), {IP: at("b", ready=None)}, running)
        assert goes_on(o).reason is Reason.SWITCHING

    def test_a_read_of_another_target_confirms_nothing(self) -> None:
        goes_on(following(an_intent(attempts=1), {IP: at("c")}))

    def test_an_address_that_was_never_read_is_not_confirmed(self) -> None:
        o = with_account(following(an_intent(attempts=1)), routes={}, listed=None)
        goes_on(o)

    @pytest.mark.parametrize("mode", [Mode.PAUSED, Mode.DRY_RUN])
    def test_a_confirmed_switch_is_confirmed_whatever_the_mode(self, mode: Mode) -> None:
        o = following(an_intent(attempts=1), {IP: at("b")})
        assert ending(with_resource(o, policy=policy(mode=mode))) == CONFIRMED

    def test_it_is_confirmed_though_the_target_failed_and_the_cause_is_gone(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("b")}, nodes=(healthy("a"), silent("b")))
        assert ending(o) == CONFIRMED

    def test_it_is_confirmed_though_the_resource_is_being_deleted(self) -> None:
        o = with_resource(following(an_intent(attempts=1), {IP: at("b")}), deleting=True)
        assert ending(o) == CONFIRMED

    def test_with_ready_also_while_the_own_request_runs_which_is_then_looked_after(self) -> None:
        running = memory(ip=RouteMemory(in_flight=True))
        o = following(an_intent(attempts=1), {IP: at("b")}, running)
        assert ending(o) == CONFIRMED
        action = decide(o).action
        assert isinstance(action, CloseIntent)
        assert action.unsettled

    def test_every_route_must_be(self) -> None:
        o = following(an_intent("b", IP, IP2, attempts=1), {IP: at("b"), IP2: at("a")})
        goes_on(o)


class TestRefused:
    def test_when_robot_refused_every_route(self) -> None:
        refused = memory(ip=RouteMemory(refused=NO), round_ended_at=NOW - 1)
        o = following(an_intent(attempts=1), None, refused)
        assert ending(o) == (MoveResult.REFUSED, Reason.REFUSED)
        assert "FAILOVER_NEW_SERVER_NOT_FOUND" in decide(o).message

    def test_each_code_is_told_once_and_in_order(self) -> None:
        addresses = tuple(f"203.0.113.{10 + n}" for n in range(7))
        refused = dict(zip(addresses, "CAFBEDA", strict=True))
        remembered = IntentMemory(
            "7-4700",
            NOW - 900,
            NOW - 1,
            {key_of(a): RouteMemory(refused=Refused(code, "no")) for a, code in refused.items()},
        )
        intent = an_intent("b", *addresses, attempts=1)
        o = following(intent, dict.fromkeys(addresses, at("a")), remembered)
        assert decide(o).message == "Robot refused: A, B, C, D, E, F"

    def test_not_while_another_route_is_open(self) -> None:
        refused = memory(ip=RouteMemory(refused=NO), round_ended_at=NOW - 1)
        both = {IP: at("a"), IP2: at("a")}
        goes_on(following(an_intent("b", IP, IP2, attempts=1), both, refused))

    def test_a_refused_route_that_shows_the_target_is_confirmed(self) -> None:
        refused = memory(ip=RouteMemory(refused=NO), round_ended_at=NOW - 1)
        assert ending(following(an_intent(attempts=1), {IP: at("b")}, refused)) == CONFIRMED


class TestPartial:
    def test_when_the_others_are_refused(self) -> None:
        refused = memory(ip2=RouteMemory(refused=NO), round_ended_at=NOW - 1)
        o = following(an_intent("b", IP, IP2, attempts=1), {IP: at("b"), IP2: at("a")}, refused)
        assert ending(o) == (MoveResult.PARTIAL, Reason.PARTIAL)
        assert IP2 in decide(o).message

    def test_when_the_others_did_not_follow_in_three_rounds(self) -> None:
        routes = {IP: at("b"), IP2: at("a")}
        waited = memory(round_ended_at=NOW - 120)
        o = following(an_intent("b", IP, IP2, attempts=3), routes, waited)
        assert ending(o) == (MoveResult.PARTIAL, Reason.PARTIAL)
        assert decide(o).message == f"{IP2} did not follow"

    @pytest.mark.parametrize(("attempts", "ended_ago"), [(2, 900), (3, 119)])
    def test_not_before_the_third_round_had_its_time(self, attempts: int, ended_ago: float) -> None:
        routes = {IP: at("b"), IP2: at("a")}
        waited = memory(round_ended_at=NOW - ended_ago)
        goes_on(following(an_intent("b", IP, IP2, attempts=attempts), routes, waited))


class TestFailed:
    def test_when_six_rounds_confirmed_nothing(self) -> None:
        o = following(an_intent(attempts=6), None, memory(round_ended_at=NOW - 300))
        assert ending(o) == (MoveResult.FAILED, Reason.FAILED)

    @pytest.mark.parametrize(("attempts", "ended_ago"), [(5, 900), (6, 299)])
    def test_not_before_the_sixth_round_had_its_time(self, attempts: int, ended_ago: float) -> None:
        goes_on(
            following(an_intent(attempts=attempts), None, memory(round_ended_at=NOW - ended_ago))
        )

    def test_an_adopter_waits_out_the_last_round_of_its_predecessor(self) -> None:
        """Regression: it closed at once, while the last request could still take effect."""
        young = memory(since=NOW - 299)
        assert goes_on(following(an_intent(attempts=6), None, young)).reason is Reason.CONFIRMING
        old = memory(since=NOW - 300)
        o = following(an_intent(attempts=6), None, old)
        assert ending(o) == (MoveResult.FAILED, Reason.FAILED)

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"unschedulable": True}, id="cordoned"),
            pytest.param({"deleting": True}, id="deleting"),
            pytest.param({"provider_id": ""}, id="unmapped"),
        ],
    )
    def test_when_the_target_may_not_carry_it_any_more(self, changes: dict[str, object]) -> None:
        nodes = (silent("a"), healthy("b").but(**changes))
        o = following(an_intent(), nodes=nodes)
        assert ending(o) == (MoveResult.FAILED, Reason.NODE_INELIGIBLE)

    def test_a_target_that_became_ineligible_is_waited_for_while_a_request_may_take_effect(
        self,
    ) -> None:
        nodes = (silent("a"), healthy("b").but(unschedulable=True))
        open_end = memory(ip=RouteMemory(unsettled_since=NOW - 5), round_ended_at=NOW - 5)
        running = {IP: at("a", ready=None)}
        goes_on(following(an_intent(attempts=1), running, open_end, nodes))

    def test_a_route_that_shows_a_cordoned_target_is_confirmed_first(self) -> None:
        """Regression: Robot had switched, and the record said that the target could not take it."""
        nodes = (silent("a"), healthy("b").but(unschedulable=True))
        answered = memory(ip=RouteMemory(last_ended_at=NOW - 10), round_ended_at=NOW - 10)
        o = following(an_intent(attempts=1), {IP: at("b", ready=None)}, answered, nodes)
        assert goes_on(o).reason is Reason.CONFIRMING

    def test_a_route_that_shows_the_target_after_the_last_round_is_read_once_more(self) -> None:
        """Regression: reads failed for the last wait, and a switch that had worked was given up."""
        answered = memory(ip=RouteMemory(last_ended_at=NOW - 310), round_ended_at=NOW - 310)
        shown = {IP: at("b", ready=None, since=NOW - 20)}
        o = following(an_intent(attempts=6), shown, answered)
        assert goes_on(o).reason is Reason.CONFIRMING

    def test_not_while_the_list_of_servers_is_unread(self) -> None:
        goes_on(with_account(following(an_intent()), servers=None))


def test_what_the_last_look_refused_is_told_at_the_end() -> None:
    kept = replace(memory(), broken="I4: node a lives", broken_since=NOW - 900)
    o = following(an_intent(), None, kept)
    assert ending(o) == (MoveResult.FAILED, Reason.INVARIANT_BROKEN)
    assert decide(o).message == "I4: node a lives"


class TestAbandonedBeforeAnyRequest:
    def test_when_the_target_failed(self) -> None:
        for sick in (silent("b"), not_ready("b")):
            o = following(an_intent(), nodes=(silent("a"), sick))
            assert ending(o) == (MoveResult.ABANDONED, Reason.TARGET_FAILED)

    def test_when_the_target_is_gone_or_was_replaced(self) -> None:
        o = following(an_intent(), nodes=(silent("a"), healthy("c")))
        assert ending(o) == (MoveResult.ABANDONED, Reason.TARGET_FAILED)
        o = following(an_intent(), nodes=(silent("a"), healthy("b").but(uid="uid-b2")))
        assert ending(o) == (MoveResult.ABANDONED, Reason.TARGET_FAILED)

    def test_when_the_target_changed_its_server(self) -> None:
        o = following(an_intent(), nodes=(silent("a"), healthy("b").but(provider_id="hrobot://8")))
        assert ending(o) == (MoveResult.ABANDONED, Reason.TARGET_FAILED)

    @pytest.mark.parametrize("mode", [Mode.PAUSED, Mode.DRY_RUN])
    def test_when_the_mode_is_not_active_any_more(self, mode: Mode) -> None:
        o = with_resource(following(an_intent()), policy=policy(mode=mode))
        assert ending(o) == (MoveResult.ABANDONED, Reason.NOT_ACTIVE)

    def test_when_the_cause_is_gone(self) -> None:
        o = following(an_intent(), nodes=(healthy("a"), healthy("b")))
        assert ending(o) == (MoveResult.ABANDONED, Reason.CAUSE_GONE)

    def test_not_because_the_target_is_unclear(self) -> None:
        o = following(an_intent(), nodes=(silent("a"), unclear("b")))
        assert goes_on(o).reason is Reason.TARGET_UNCLEAR

    def test_not_by_a_leader_that_has_listed_no_nodes_yet(self) -> None:
        goes_on(replace(following(an_intent()), cluster=ClusterTrace()))

    def test_not_because_the_cause_is_gone_once_a_route_is_confirmed(self) -> None:
        routes = {IP: at("b"), IP2: at("a")}
        nodes = (healthy("a"), healthy("b"))
        o = following(an_intent("b", IP, IP2, attempts=1), routes, nodes=nodes)
        assert goes_on(o).reason is Reason.ATTEMPT


class TestAbandonedAfterARequest:
    """Only when nothing of it can still take effect."""

    NODES = (silent("a"), silent("b"), healthy("c"))

    def settles(self, route: RouteMemory, track: RouteTrack) -> bool:
        ended = memory(ip=route, round_ended_at=route.last_ended_at)
        o = following(an_intent(attempts=1), {IP: track}, ended, self.NODES)
        decision = decide(o)
        if isinstance(decision.action, CloseIntent):
            assert decision.action.result is MoveResult.ABANDONED
            assert not decision.action.unsettled
            return True
        assert decision.reason in (Reason.CONFIRMING, Reason.SWITCHING)
        return False

    def test_a_request_in_flight_is_waited_for(self) -> None:
        assert not self.settles(RouteMemory(in_flight=True), at("a"))

    def test_a_definitive_answer_settles(self) -> None:
        assert self.settles(RouteMemory(last_ended_at=NOW - 5), at("a"))

    def test_ready_in_a_read_after_the_request_settles(self) -> None:
        unknown = RouteMemory(unsettled_since=NOW - 5, last_ended_at=NOW - 5)
        assert self.settles(unknown, at("a"))

    def test_ready_in_a_read_before_its_end_does_not(self) -> None:
        unknown = RouteMemory(unsettled_since=NOW - 0.5, last_ended_at=NOW - 0.5)
        assert not self.settles(unknown, at("a"))

    def test_without_ready_30_seconds_and_two_equal_reads_settle(self) -> None:
        unknown = RouteMemory(unsettled_since=NOW - 31, last_ended_at=NOW - 31)
        assert self.settles(unknown, at("a", ready=None))
        assert not self.settles(unknown, at("a", ready=None, since=NOW - 20))
        assert not self.settles(replace(unknown, unsettled_since=NOW - 30), at("a", ready=None))

    def test_while_robot_says_that_it_switches_two_equal_reads_settle_nothing(self) -> None:
        """Regression: two reads of `processing`, 30 s apart, let another target be asked for."""
        unknown = RouteMemory(unsettled_since=NOW - 300, last_ended_at=NOW - 300)
        assert not self.settles(unknown, at("a", ready=False))

    def test_but_no_longer_than_robot_ever_took(self) -> None:
        unknown = RouteMemory(unsettled_since=NOW - 301, last_ended_at=NOW - 301)
        assert self.settles(unknown, at("a", ready=False))

    def test_an_adopter_counts_from_its_claim(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("a", ready=None)}, None, self.NODES)
        assert goes_on(o).reason is Reason.CONFIRMING
        claimed = memory(since=NOW - 31, ip=RouteMemory(unsettled_since=NOW - 31))
        assert ending(replace(o, memory=claimed))[0] is MoveResult.ABANDONED

    def test_an_address_that_was_never_read_is_not_settled(self) -> None:
        o = following(an_intent(attempts=1), None, None, self.NODES)
        goes_on(with_account(o, routes={}))

    def test_the_wait_tells_why(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("a", ready=False)}, None, self.NODES)
        assert Reason.TARGET_FAILED.text in goes_on(o).message


def test_a_close_says_whether_a_request_may_still_take_effect() -> None:
    open_end = RouteMemory(unsettled_since=NOW - 0.5, last_ended_at=NOW - 0.5)
    o = following(an_intent(attempts=6), None, memory(ip=open_end, round_ended_at=NOW - 300))
    action = decide(o).action
    assert isinstance(action, CloseIntent)
    assert action.unsettled


class TestAddressesThatLeftTheSpec:
    """Only a CRD without rule F8 lets them. Seed 6438: they were asked for all the same."""

    def test_are_not_asked_for(self) -> None:
        o = following(an_intent("b", IP, IP2, attempts=1), {IP: at("b"), IP2: at("a")})
        assert goes_on(o).reason is Reason.ATTEMPT
        assert ending(with_resource(o, policy=policy(IP))) == CONFIRMED

    def test_end_the_switch_once_nothing_of_it_can_take_effect(self) -> None:
        ended = memory(ip=RouteMemory(in_flight=True))
        o = following(an_intent(attempts=1), {IP: at("a"), IP2: at("a")}, ended)
        o = with_resource(o, policy=policy(IP2))
        assert goes_on(o).reason is Reason.CONFIRMING
        assert ending(replace(o, memory=memory())) == (MoveResult.ABANDONED, Reason.CAUSE_GONE)

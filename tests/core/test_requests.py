"""The annotation switch-to: answered once, and never in the way of a failover (design 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import (
    IP,
    IP2,
    NOW,
    PLENTY,
    WALL,
    Seen,
    an_observation,
    at,
    foreign,
    healthy,
    nowhere,
    policy,
    settling,
    silent,
    unclear,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.decide import decide
from failoverip.core.decision import Hold, OpenIntent, Refresh, RefuseRequest
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Mode, RequestAnswer
from failoverip.core.status import render_status


def asking(switch_to: str, *nodes: Seen) -> Observation:
    return an_observation(nodes or None, switch_to=switch_to)


def refusal(o: Observation) -> Reason:
    decision = decide(o)
    assert decision.action == RefuseRequest(o.resource.switch_to)
    return decision.reason


class TestAccepted:
    @pytest.mark.parametrize("value", ["b", "b@", "b@again-3"])
    def test_it_opens_an_intent_that_names_the_request(self, value: str) -> None:
        decision = decide(asking(value))
        assert isinstance(decision.action, OpenIntent)
        assert decision.action.requested == value
        assert decision.action.intent.node == "b"
        assert decision.action.intent.cause == Cause(Reason.SWITCH_REQUESTED, "a", "uid-a")

    def test_the_user_chooses_the_target_whatever_others_carry(self) -> None:
        decision = decide(replace(asking("c"), carried={3: 9}))
        assert isinstance(decision.action, OpenIntent)
        assert decision.action.intent.node == "c"

    def test_the_message_says_that_it_was_accepted(self) -> None:
        assert decide(asking("b")).message == "switch-to b: accepted"

    def test_all_addresses_go_but_those_that_are_there(self) -> None:
        routes = {IP: at("b"), IP2: at("a")}
        o = an_observation(routes=routes, spec=policy(IP, IP2), switch_to="b")
        action = decide(o).action
        assert isinstance(action, OpenIntent)
        assert [route.address.text for route in action.intent.routes] == [IP2]

    def test_from_a_foreign_server_it_has_no_source(self) -> None:
        action = decide(an_observation(routes={IP: foreign()}, switch_to="b")).action
        assert isinstance(action, OpenIntent)
        assert action.intent.cause == Cause(Reason.SWITCH_REQUESTED)

    def test_the_answer_is_recorded_with_the_intent(self) -> None:
        o = asking("b")
        status = render_status(o, decide(o))
        assert status.intent is not None
        assert status.switch_request is not None
        assert status.switch_request.accepted
        assert status.switch_request.answered_at == WALL


class TestRefused:
    def test_a_node_of_no_such_name(self) -> None:
        assert refusal(asking("nobody")) is Reason.UNKNOWN_NODE

    def test_the_node_that_has_all_addresses_already(self) -> None:
        assert refusal(asking("a")) is Reason.ALREADY_THERE

    def test_a_node_that_may_not_carry_them(self) -> None:
        cordoned = healthy("b").but(unschedulable=True)
        assert refusal(asking("b", healthy("a"), cordoned)) is Reason.NODE_INELIGIBLE

    @pytest.mark.parametrize("route", [nowhere(), foreign()])
    def test_an_unmapped_node_is_ineligible_and_not_already_there(self, route: object) -> None:
        """Regression: no server is not the server of an address that is routed to none."""
        unmapped = healthy("b").but(provider_id="")
        o = an_observation([healthy("a"), unmapped], {IP: route}, switch_to="b")  # type: ignore[dict-item]  # a RouteTrack
        assert refusal(o) is Reason.NODE_INELIGIBLE

    @pytest.mark.parametrize("sick", [silent("b"), unclear("b")])
    def test_a_node_without_a_sign_of_life(self, sick: Seen) -> None:
        assert refusal(asking("b", healthy("a"), sick)) is Reason.NODE_UNHEALTHY

    def test_in_dry_run(self) -> None:
        o = an_observation(spec=policy(mode=Mode.DRY_RUN), switch_to="b")
        assert refusal(o) is Reason.DRY_RUN

    def test_the_answer_is_recorded_with_its_reason(self) -> None:
        o = asking("nobody")
        answer = render_status(o, decide(o)).switch_request
        assert answer is not None
        assert (answer.value, answer.accepted, answer.reason) == (
            "nobody",
            False,
            Reason.UNKNOWN_NODE,
        )


class TestAnsweredOnce:
    def answered(self, value: str) -> RequestAnswer:
        return RequestAnswer(value, False, Reason.UNKNOWN_NODE, "no such node", WALL - 5)

    def test_an_answered_request_is_never_tried_again(self) -> None:
        o = with_status(asking("b"), switch_request=self.answered("b"))
        assert decide(o).reason is Reason.ON_HEALTHY_NODE

    def test_and_hides_no_later_check(self) -> None:
        o = asking("b", silent("a"), healthy("b"))
        o = with_status(o, switch_request=self.answered("b"))
        assert decide(o).reason is Reason.NODE_UNREACHABLE

    def test_another_value_asks_again(self) -> None:
        o = with_status(asking("b@2"), switch_request=self.answered("b"))
        assert isinstance(decide(o).action, OpenIntent)

    def test_without_the_annotation_there_is_no_request(self) -> None:
        assert decide(asking("")).reason is Reason.ON_HEALTHY_NODE


class TestWaiting:
    def no_free_writes(self, o: Observation) -> Observation:
        return with_account(o, budget=replace(PLENTY, free_writes_left=0))

    def test_it_waits_for_a_heartbeat_of_the_target(self) -> None:
        decision = decide(asking("b", healthy("a"), settling("b")))
        assert decision.action == Hold()
        assert decision.reason is Reason.EVIDENCE_STALE

    def test_it_stays_unanswered_until_an_intent_opens(self) -> None:
        o = self.no_free_writes(asking("b"))
        decision = decide(o)
        assert decision.action == Hold()
        assert decision.reason is Reason.BUDGET_EXHAUSTED
        assert decision.message.startswith("switch-to b waits")
        assert render_status(o, decision).switch_request is None

    def test_it_reads_again_what_is_stale(self) -> None:
        o = with_account(asking("b"), routes_read_at=NOW - 20)
        decision = decide(o)
        assert isinstance(decision.action, Refresh)
        assert decision.message.startswith("reading again: ")

    def test_a_request_that_waits_holds_up_no_failover(self) -> None:
        """Regression: it waited for budget while the reserve for failed nodes was left."""
        o = asking("b", silent("a"), healthy("b"), healthy("c"))
        decision = decide(self.no_free_writes(o))
        assert isinstance(decision.action, OpenIntent)
        assert decision.reason is Reason.NODE_UNREACHABLE

    def test_nor_does_one_that_waits_for_a_heartbeat(self) -> None:
        o = asking("b", silent("a"), settling("b"), healthy("c"))
        action = decide(o).action
        assert isinstance(action, OpenIntent)
        assert action.intent.node == "c"

    def test_it_is_not_answered_while_paused(self) -> None:
        o = with_resource(asking("b"), policy=policy(mode=Mode.PAUSED))
        assert decide(o).reason is Reason.PAUSED

"""When an open intent asks Robot, whom it asks for, and when it reads instead (design 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.following import following, goes_on, memory
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NOW,
    PLENTY,
    WALL,
    an_intent,
    at,
    healthy,
    key_of,
    silent,
    with_account,
    with_status,
    with_track,
)

from failoverip.core.decide import decide
from failoverip.core.decision import AdoptIntent, Attempt, Hold
from failoverip.core.memory import RouteMemory
from failoverip.core.observation import Observation
from failoverip.core.provider import Refused
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent

NO = Refused("FAILOVER_NEW_SERVER_NOT_FOUND", "no such server")


def asked_for(o: Observation) -> tuple[str, ...]:
    """The addresses that Robot is asked for, nothing when it is not."""
    action = goes_on(o).action
    return action.addresses if isinstance(action, Attempt) else ()


class TestFirstAttempt:
    def test_it_is_made_at_once(self) -> None:
        action = decide(following(an_intent())).action
        assert isinstance(action, Attempt)
        assert action.addresses == (key_of(IP),)

    def test_it_is_counted_and_dated_in_what_is_recorded_before_it(self) -> None:
        action = decide(following(an_intent())).action
        assert isinstance(action, Attempt)
        assert action.intent == replace(an_intent(), attempts=1, posted_at=WALL)

    def test_all_routes_go_side_by_side(self) -> None:
        o = following(an_intent("b", IP, IP2), {IP: at("a"), IP2: at("a")})
        assert asked_for(o) == (key_of(IP), key_of(IP2))


class TestLaterAttempts:
    @pytest.mark.parametrize(("attempts", "wait"), [(1, 30), (2, 60), (3, 120), (4, 300), (5, 300)])
    def test_they_wait_30_60_120_and_300_seconds(self, attempts: int, wait: float) -> None:
        intent = an_intent(attempts=attempts)
        early = memory(round_ended_at=NOW - wait + 0.1)
        decision = goes_on(following(intent, None, early))
        assert decision.reason is Reason.CONFIRMING
        assert decision.recheck_after_seconds == pytest.approx(0.1)
        action = decide(following(intent, None, memory(round_ended_at=NOW - wait))).action
        assert isinstance(action, Attempt)
        assert action.intent.attempts == attempts + 1

    def test_they_keep_the_time_of_the_first_request(self) -> None:
        action = decide(following(an_intent(attempts=1))).action
        assert isinstance(action, Attempt)
        assert action.intent.posted_at == WALL - 59

    def test_an_adopter_asks_again_without_waiting(self) -> None:
        """The same request under the same intent is harmless: LOCKED, or ALREADY_ROUTED."""
        assert asked_for(following(an_intent(attempts=2)))

    def test_a_refused_or_confirmed_route_is_not_asked_for_again(self) -> None:
        ip3 = "203.0.113.12"
        tracks = {IP: at("a"), IP2: at("b"), ip3: at("a")}
        refused = memory(ip=RouteMemory(refused=NO))
        o = following(an_intent("b", IP, IP2, ip3, attempts=1), tracks, refused)
        assert asked_for(o) == (key_of(ip3),)

    def test_none_is_made_while_one_is_in_flight(self) -> None:
        running = memory(ip=RouteMemory(in_flight=True))
        o = following(an_intent("b", IP, IP2, attempts=1), {IP: at("a"), IP2: at("a")}, running)
        assert goes_on(o).reason is Reason.SWITCHING

    def test_what_another_intent_left_in_memory_does_not_count(self) -> None:
        other = replace(memory(ip=RouteMemory(in_flight=True)), intent_id="6-1")
        assert asked_for(following(an_intent(), None, other))


class TestNeverForARouteThatShowsTheTarget:
    """Another read confirms it; another request costs one of 50 an hour and tells nothing."""

    def test_it_is_read_again(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("b", ready=None, since=NOW - 10)})
        decision = goes_on(o)
        assert decision.reason is Reason.CONFIRMING
        assert decision.read_routes_at == NOW + 20

    def test_also_long_after_the_round(self) -> None:
        old = memory(round_ended_at=NOW - 500, ip=RouteMemory(last_ended_at=NOW - 500))
        o = following(an_intent(attempts=1), {IP: at("b", ready=None, since=NOW - 10)}, old)
        assert goes_on(o).reason is Reason.CONFIRMING

    def test_also_before_the_first_request(self) -> None:
        o = following(an_intent(), {IP: at("b", ready=None, since=NOW - 10)})
        assert goes_on(o).reason is Reason.CONFIRMING

    def test_the_second_read_is_30_seconds_after_the_request_ended(self) -> None:
        ended = memory(round_ended_at=NOW - 5, ip=RouteMemory(last_ended_at=NOW - 5))
        o = following(an_intent(attempts=1), {IP: at("b", ready=None, since=NOW - 10)}, ended)
        assert goes_on(o).read_routes_at == NOW + 25

    def test_the_earliest_of_several_reads_is_wanted(self) -> None:
        tracks = {
            IP: at("b", ready=None, since=NOW - 10),
            IP2: at("b", ready=None, since=NOW - 15),
        }
        decision = goes_on(following(an_intent("b", IP, IP2, attempts=1), tracks))
        assert decision.read_routes_at == NOW + 15

    def test_only_the_others_are_asked_for(self) -> None:
        tracks = {IP: at("b", ready=None, since=NOW - 10), IP2: at("a")}
        assert asked_for(following(an_intent("b", IP, IP2, attempts=1), tracks)) == (key_of(IP2),)

    def test_a_read_from_before_the_request_ended_shows_nothing(self) -> None:
        ended = memory(round_ended_at=NOW - 31, ip=RouteMemory(last_ended_at=NOW - 31))
        o = following(an_intent(attempts=1), {IP: at("b", ready=None)}, ended)
        o = with_track(o, IP, seen_at=NOW - 32)
        assert asked_for(o) == (key_of(IP),)

    def test_a_route_that_is_not_ready_is_asked_for(self) -> None:
        o = following(an_intent(attempts=1), {IP: at("b", ready=False)})
        assert asked_for(o) == (key_of(IP),)


class TestReads:
    def read_at(self, o: Observation) -> float | None:
        decision = goes_on(o)
        assert isinstance(decision.action, Hold)
        return decision.read_routes_at

    def test_every_30_seconds_while_a_request_runs(self) -> None:
        running = memory(ip=RouteMemory(in_flight=True))
        assert self.read_at(following(an_intent(attempts=1), None, running)) == NOW + 29

    def test_also_in_a_switch_of_more_than_five_minutes(self) -> None:
        running = memory(ip=RouteMemory(in_flight=True), round_ended_at=NOW - 400)
        assert self.read_at(following(an_intent(attempts=2), None, running)) == NOW + 29

    def test_at_once_when_the_last_read_is_older_than_the_answer(self) -> None:
        ended = memory(round_ended_at=NOW - 0.5)
        assert self.read_at(following(an_intent(attempts=1), None, ended)) == NOW

    def test_every_30_seconds_for_five_minutes_after_the_round(self) -> None:
        for ended_ago, expected in ((299.0, NOW + 29), (300.1, None)):
            ended = memory(round_ended_at=NOW - ended_ago)
            o = following(an_intent(attempts=6), None, ended)
            o = replace(o, timings=replace(o.timings, attempt_waits_seconds=(900.0,)))
            assert self.read_at(o) == expected

    def test_at_once_where_nothing_was_read_since_the_adoption(self) -> None:
        o = following(an_intent(attempts=6), None, memory(since=NOW - 5))
        o = with_account(o, routes_read_at=None, listed=None)
        assert self.read_at(o) == NOW

    def test_at_the_usual_pace_before_the_first_request(self) -> None:
        o = following(an_intent(), nodes=(silent("a"), healthy("b")))
        o = with_account(o, budget=replace(PLENTY, writes_left=0))
        assert self.read_at(o) is None


class TestAdoption:
    def test_a_new_leader_first_writes_the_intent_under_its_own_epoch(self) -> None:
        o = with_status(following(an_intent(attempts=2)), fence=replace(FENCE, epoch=8))
        decision = decide(o)
        assert decision.action == AdoptIntent(replace(an_intent(attempts=2), epoch=8))
        assert decision.reason is Reason.ADOPTED

    def test_it_adopts_even_what_it_could_close(self) -> None:
        o = with_status(
            following(an_intent(attempts=1), {IP: at("b")}), fence=replace(FENCE, epoch=8)
        )
        assert isinstance(decide(o).action, AdoptIntent)


@pytest.mark.parametrize("attempts", [0, 1, 5])
def test_an_attempt_changes_nothing_else_of_the_intent(attempts: int) -> None:
    intent: Intent = an_intent(attempts=attempts)
    action = decide(following(intent)).action
    assert isinstance(action, Attempt)
    kept = replace(action.intent, attempts=attempts, posted_at=intent.posted_at)
    assert kept == intent

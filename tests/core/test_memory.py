"""What a leader remembers of its own requests, and what it inherits."""

from __future__ import annotations

import pytest
from tests.support.observations import IP, IP2, an_intent, key_of

from failoverip.core.memory import (
    IntentMemory,
    RouteMemory,
    answered,
    passed_invariants,
    refused_by_invariant,
    remember_intent,
    sent,
)
from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Refused,
    Route,
    SwitchAnswer,
    Switched,
)

KEY, KEY2 = key_of(IP), key_of(IP2)
TIMEOUT = CannotTell(Fault.TIMEOUT, "no answer")
NO = Refused("FAILOVER_NEW_SERVER_NOT_FOUND", "no such server")


def test_of_an_intent_that_was_never_attempted_nothing_is_under_way() -> None:
    memory = remember_intent(an_intent(), 5.0)
    assert memory == IntentMemory("7-4700", 5.0)
    assert memory.route(KEY) == RouteMemory()


def test_what_a_predecessor_sent_may_take_effect_from_the_claim_on() -> None:
    memory = remember_intent(an_intent("b", IP, IP2, attempts=1), 5.0)
    assert memory.route(KEY) == memory.route(KEY2) == RouteMemory(unsettled_since=5.0)
    assert memory.round_ended_at is None
    assert not memory.in_flight


def test_a_round_is_in_flight_until_its_last_request_ended() -> None:
    memory = sent(remember_intent(an_intent("b", IP, IP2), 0.0), [KEY, KEY2])
    memory = answered(memory, KEY, AlreadyRouted(), 10.0)
    assert memory.in_flight
    memory = answered(memory, KEY2, AlreadyRouted(), 20.0)
    assert not memory.in_flight
    assert memory.round_ended_at == 20.0
    assert memory.route(KEY).last_ended_at == 10.0


@pytest.mark.parametrize(
    ("answer", "since"),
    [
        (Switched(Route(KEY, None)), None),
        (AlreadyRouted(), None),
        (OutcomeUnknown(TIMEOUT), 10.0),
        (Locked(), 10.0),
        # Both say nothing about the request before them.
        (NO, 3.0),
        (NotExecuted(TIMEOUT), 3.0),
    ],
)
def test_after_an_answer_a_request_may_still_take_effect(
    answer: SwitchAnswer, since: float | None
) -> None:
    memory = sent(remember_intent(an_intent(attempts=1), 3.0), [KEY])
    memory = answered(memory, KEY, answer, 10.0)
    assert memory.route(KEY).unsettled_since == since
    assert not memory.in_flight


@pytest.mark.parametrize("answer", [NO, NotExecuted(TIMEOUT)])
def test_a_first_request_that_was_not_executed_leaves_nothing_open(answer: SwitchAnswer) -> None:
    memory = answered(sent(remember_intent(an_intent(), 0.0), [KEY]), KEY, answer, 10.0)
    assert memory.route(KEY).unsettled_since is None


def test_a_refusal_is_remembered_over_later_answers() -> None:
    memory = answered(remember_intent(an_intent(), 0.0), KEY, NO, 10.0)
    memory = answered(memory, KEY, Locked(), 20.0)
    assert memory.route(KEY).refused == NO


def test_what_an_invariant_refused_is_remembered_until_a_request_passes() -> None:
    memory = refused_by_invariant(remember_intent(an_intent(), 0.0), "I3: no life", 10.0)
    memory = refused_by_invariant(memory, "I4: lives", 20.0)
    assert (memory.broken, memory.broken_since) == ("I4: lives", 10.0)
    memory = passed_invariants(memory)
    assert (memory.broken, memory.broken_since) == (None, None)

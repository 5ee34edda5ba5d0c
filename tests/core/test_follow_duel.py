"""An address that `drift: Enforce` took back and that somebody else moved again (design 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.following import ending, following, memory
from tests.support.observations import IP, IP2, NOW, an_intent, at, foreign, healthy

from failoverip.core.addresses import AddressKey
from failoverip.core.decide import decide
from failoverip.core.decision import Attempt
from failoverip.core.memory import IntentMemory, RouteMemory, answered, sent
from failoverip.core.observation import Observation
from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    Route,
    SwitchAnswer,
    Switched,
)
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Drift, MoveResult, Policy
from failoverip.core.routes import RouteTrack

ENDED = NOW - 40
DONE = RouteMemory(last_ended_at=ENDED, done=True)


def enforcing(routes: dict[str, RouteTrack], remembered: IntentMemory) -> Observation:
    """A switch to node b that Enforce began, long enough after its first round for a second."""
    intent = an_intent("b", *routes, cause=Cause(Reason.FOREIGN_SERVER), attempts=1)
    o = following(intent, routes, remembered, (healthy("a"), healthy("b"), healthy("c")))
    policy = o.resource.policy
    assert isinstance(policy, Policy)
    return replace(o, resource=replace(o.resource, policy=replace(policy, drift=Drift.ENFORCE)))


def test_it_is_given_up_and_not_asked_for_again() -> None:
    o = enforcing({IP: foreign()}, memory(round_ended_at=ENDED, ip=DONE))
    assert ending(o) == (MoveResult.ABANDONED, Reason.CONTESTED)


def test_what_stayed_is_kept() -> None:
    both = memory(round_ended_at=ENDED, ip=DONE, ip2=DONE)
    o = enforcing({IP: foreign(), IP2: at("b")}, both)
    assert ending(o) == (MoveResult.PARTIAL, Reason.CONTESTED)


def test_what_robot_did_not_do_is_asked_for_again() -> None:
    tried = memory(round_ended_at=ENDED, ip=RouteMemory(last_ended_at=ENDED))
    o = enforcing({IP: foreign()}, tried)
    assert isinstance(decide(o).action, Attempt)


def test_a_strangers_server_that_became_a_healthy_node_keeps_the_address() -> None:
    tried = memory(round_ended_at=ENDED, ip=RouteMemory(last_ended_at=ENDED))
    assert ending(enforcing({IP: at("c")}, tried)) == (MoveResult.ABANDONED, Reason.CAUSE_GONE)


def test_an_address_of_a_failed_node_is_fought_for() -> None:
    intent = an_intent(attempts=1)
    o = following(intent, {IP: foreign()}, memory(round_ended_at=ENDED, ip=DONE))
    assert isinstance(decide(o).action, Attempt)


KEY: AddressKey = an_intent().routes[0].address.key
TARGET = an_intent().routes[0].to


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (Switched(Route(KEY, TARGET)), True),
        (AlreadyRouted(), True),
        (Locked(), False),
        (NotExecuted(CannotTell(Fault.RATE_LIMITED, "limit")), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_robot_did_it_when_it_says_so(answer: SwitchAnswer, done: bool) -> None:
    after = answered(sent(memory(), [KEY]), KEY, answer, NOW)
    assert after.route(KEY).done is done

"""From a cause to an intent: what it bears, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

from tests.support.observations import an_observation, healthy, silent, unclear

from failoverip.core.decide import decide
from failoverip.core.decision import OpenIntent
from failoverip.core.moves import describe
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Intent, Status

FAILED = [silent("a"), healthy("b")]


def opened(o: Observation) -> Intent:
    action = decide(o).action
    assert isinstance(action, OpenIntent)
    return action.intent


def test_the_message_names_the_cause_and_the_target() -> None:
    text = Reason.NODE_UNREACHABLE.text.rstrip(".")
    assert decide(an_observation(FAILED)).message == f"node a: {text}; moving to b"


def test_a_cause_without_a_node_is_its_reason_alone() -> None:
    assert describe(Cause(Reason.ROUTED_NOWHERE)) == Reason.ROUTED_NOWHERE.text.rstrip(".")


def test_an_intent_bears_the_epoch_of_the_fence_and_the_version_of_the_resource() -> None:
    intent = opened(an_observation(FAILED))
    assert (intent.epoch, intent.id) == (7, "7-4711")


def test_without_a_fence_the_epoch_is_zero() -> None:
    """Its write is refused then, by the fence that is there in truth."""
    intent = opened(an_observation(FAILED, status=Status()))
    assert (intent.epoch, intent.id) == (0, "0-4711")


def test_where_nobody_can_take_it_the_first_five_say_why() -> None:
    decision = decide(an_observation([silent(name) for name in "abcdefg"]))
    assert decision.reason is Reason.NO_TARGET
    assert decision.message.endswith("a Failed, b Failed, c Failed, d Failed, e Failed")


def test_a_node_that_gives_no_sign_is_named_while_it_is_waited_for() -> None:
    decision = decide(an_observation([unclear("a"), healthy("b")]))
    assert decision.message == "no recent sign of life of a"


def test_a_cordoned_node_that_cannot_take_it_says_so() -> None:
    cordoned = healthy("b").but(unschedulable=True)
    o = an_observation([silent("a"), cordoned])
    assert decide(o).message.endswith("a Failed, b NodeCordoned")
    assert decide(replace(o, carried={2: 1})).reason is Reason.NO_TARGET

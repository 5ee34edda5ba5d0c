"""Each gate, shut alone, stops an intent and a request to Robot; the first shut one is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.support.observations import (
    NOW,
    PLENTY,
    a_move,
    an_intent,
    an_observation,
    healthy,
    policy,
    silent,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.decide import decide
from failoverip.core.decision import Action, Attempt, Decision, Hold, OpenIntent, Refresh
from failoverip.core.gates import evidence_gate, shut_gate
from failoverip.core.health import interrupt
from failoverip.core.observation import Budget, Claim, Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import Mode, Policy
from failoverip.core.storm import Storm, StormWatch

NODES = (silent("a"), healthy("b"))
UNREACHABLE = Trouble(Reason.PROVIDER_UNREACHABLE, "Robot gave no usable answer (Timeout)")
MISSING = Trouble(Reason.CREDENTIALS_MISSING, "the Secret robot-credentials does not exist")

Shut = Callable[[Observation], Observation]


def stale_lists(o: Observation) -> Observation:
    return replace(o, cluster=replace(o.cluster, listed_at=NOW - 5.1))


def stale_routes(o: Observation) -> Observation:
    return with_account(o, routes_read_at=NOW - 10.1)


def no_reads(o: Observation) -> Observation:
    return with_account(stale_routes(o), budget=replace(PLENTY, read_at=NOW + 3))


def no_reads_in_trouble(o: Observation) -> Observation:
    return with_account(no_reads(o), trouble=UNREACHABLE)


def no_writes(o: Observation) -> Observation:
    return with_account(o, budget=replace(PLENTY, writes_left=0, free_writes_left=0))


def stormy(o: Observation) -> Observation:
    storm = Storm(NOW - 60, frozenset({"uid-a", "uid-b"}), 3)
    return replace(o, storm=StormWatch(NOW - 1, {}, storm))


def moved_often(o: Observation) -> Observation:
    return with_status(o, moves=(a_move("c"),) * 6)


def writes_later(o: Observation) -> Observation:
    return with_account(o, budget=replace(PLENTY, write_at=NOW + 3), trouble=UNREACHABLE)


# Of these an open intent ends instead of waiting; see test_follow.
ENDS = {Reason.PAUSED, Reason.DRY_RUN}
SHUT: dict[str, tuple[Shut, Reason, type[Hold | Refresh]]] = {
    "conflict": (lambda o: replace(o, conflict="older"), Reason.OVERLAP, Hold),
    "not claimed": (
        lambda o: replace(o, claim=Claim.NOT_CLAIMED),
        Reason.NOT_CLAIMED,
        Hold,
    ),
    "no fence": (lambda o: replace(o, claim=Claim.FENCE_MISSING), Reason.FENCE_MISSING, Hold),
    "second installation": (
        lambda o: replace(o, claim=Claim.SECOND_INSTALLATION),
        Reason.SECOND_INSTALLATION,
        Hold,
    ),
    "window": (lambda o: replace(o, window_left_seconds=4.9), Reason.WINDOW_TOO_SHORT, Hold),
    "deleting": (lambda o: with_resource(o, deleting=True), Reason.DELETING, Hold),
    "paused": (lambda o: with_resource(o, policy=policy(mode=Mode.PAUSED)), Reason.PAUSED, Hold),
    "dry run": (lambda o: with_resource(o, policy=policy(mode=Mode.DRY_RUN)), Reason.DRY_RUN, Hold),
    "credentials": (
        lambda o: replace(o, credentials=MISSING),
        Reason.CREDENTIALS_MISSING,
        Hold,
    ),
    "no reads": (no_reads, Reason.BUDGET_EXHAUSTED, Hold),
    "no reads in trouble": (no_reads_in_trouble, Reason.PROVIDER_UNREACHABLE, Hold),
    "stale lists": (stale_lists, Reason.EVIDENCE_STALE, Refresh),
    "stale routes": (stale_routes, Reason.EVIDENCE_STALE, Refresh),
    "storm": (stormy, Reason.STORM_HOLD, Hold),
    "moves of the hour": (moved_often, Reason.MOVES_EXHAUSTED, Hold),
    "no writes": (no_writes, Reason.BUDGET_EXHAUSTED, Hold),
    "writes later": (writes_later, Reason.PROVIDER_UNREACHABLE, Hold),
}


@pytest.mark.parametrize("name", SHUT)
def test_one_shut_gate_keeps_an_intent_from_being_opened(name: str) -> None:
    o = an_observation(NODES)
    assert isinstance(decide(o).action, OpenIntent)
    shut, reason, action = SHUT[name]
    decision = decide(shut(o))
    assert decision.reason is reason
    assert isinstance(decision.action, action)


@pytest.mark.parametrize("name", [name for name in SHUT if SHUT[name][1] not in ENDS])
def test_one_shut_gate_keeps_robot_from_being_asked(name: str) -> None:
    o = with_status(an_observation(NODES), intent=an_intent())
    assert isinstance(decide(o).action, Attempt)
    shut, reason, action = SHUT[name]
    decision = decide(shut(o))
    assert decision.reason is reason
    assert isinstance(decision.action, action)


def test_an_interrupted_observation_shuts_no_gate_while_its_lists_are_fresh() -> None:
    o = an_observation(NODES)
    assert isinstance(decide(replace(o, cluster=interrupt(o.cluster))).action, OpenIntent)


def gate(
    o: Observation, *, requests: int = 1, cause: Reason = Reason.NODE_UNREACHABLE
) -> Decision | None:
    assert isinstance(o.resource.policy, Policy)
    return shut_gate(
        o, o.resource.policy, "moving", requests=requests, cause=cause
    ) or evidence_gate(o, "moving")


def test_open_gates_say_nothing() -> None:
    assert gate(an_observation()) is None


def test_a_move_that_waits_for_its_budget_reads_nothing_for_it() -> None:
    decision = gate(stale_routes(no_writes(an_observation())))
    assert decision is not None
    assert decision.action == Hold()


def test_a_refresh_asks_only_for_what_is_stale() -> None:
    def refresh(o: Observation) -> Action:
        decision = gate(o)
        assert decision is not None
        assert decision.recheck_after_seconds == 0
        return decision.action

    o = an_observation()
    assert refresh(stale_lists(o)) == Refresh(lists=True, routes=False)
    assert refresh(stale_routes(o)) == Refresh(lists=False, routes=True)
    assert refresh(stale_routes(stale_lists(o))) == Refresh(lists=True, routes=True)


def test_stale_lists_are_read_again_though_robot_may_not_be_asked() -> None:
    o = with_account(an_observation(), budget=replace(PLENTY, read_at=NOW + 3))
    decision = gate(stale_lists(o))
    assert decision is not None
    assert decision.action == Refresh(lists=True, routes=False)


def test_a_hold_for_reads_looks_again_when_they_are_possible() -> None:
    decision = gate(no_reads(an_observation()))
    assert decision is not None
    assert decision.recheck_after_seconds == pytest.approx(3)


def test_the_reserve_of_writes_is_for_failed_nodes() -> None:
    o = with_account(an_observation(), budget=Budget(2, 0, float("-inf"), float("-inf")))
    assert gate(o) is None
    shut = gate(o, cause=Reason.NODE_CORDONED)
    assert shut is not None
    assert shut.reason is Reason.BUDGET_EXHAUSTED


def test_a_round_needs_as_many_writes_as_it_has_routes() -> None:
    o = with_account(an_observation(), budget=Budget(2, 0, float("-inf"), float("-inf")))
    assert gate(o, requests=2) is None
    assert gate(o, requests=3) is not None


ORDER = (
    "deleting",
    "paused",
    "storm",
    "moves of the hour",
    "no writes",
    "credentials",
    "no reads",
    "stale lists",
)


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(ORDER)))
def test_of_two_shut_gates_the_earlier_is_told(earlier: str, later: str) -> None:
    decision = gate(SHUT[earlier][0](SHUT[later][0](an_observation())))
    assert decision is not None
    assert decision.reason is SHUT[earlier][1]


def test_the_message_of_a_storm_says_what_waits() -> None:
    o = with_status(stormy(an_observation(NODES)), intent=an_intent())
    gate = shut_gate(o, policy(), "the move", requests=1, cause=Reason.NODE_UNREACHABLE)
    assert gate is not None
    assert gate.message.endswith("; waiting: the move")
